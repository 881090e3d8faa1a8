"""The services' HTTP interfaces, called in the name of the person who is signed in."""

import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import httpx
from pydantic import RootModel

from shared.calls import ApiError, Call, ServiceCalls
from shared.clients.crm.client import CrmApi
from shared.clients.reception.client import ReceptionApi
from shared.clients.reporting.client import ReportingApi
from shared.clients.workshop.client import WorkshopApi
from shared.problems import FieldError
from shared.settings import Settings
from shared.storable import MESSAGE, UNSTORABLE_TEXT, field_name, unstorable

Service = Literal["reception", "workshop", "crm", "reporting"]

_TIMEOUT = httpx.Timeout(8.0, connect=1.0)
_NOT_FOUND = 404
_INVALID = 422


class Connections:
    """Connection pools, one a service, shared by all users of the desk."""

    def __init__(self, settings: Settings) -> None:
        addresses: dict[Service, str] = {
            "reception": settings.reception_url,
            "workshop": settings.workshop_url,
            "crm": settings.crm_url,
            "reporting": settings.reporting_url,
        }
        self.clients = {
            service: httpx.AsyncClient(base_url=address, timeout=_TIMEOUT, trust_env=False)
            for service, address in addresses.items()
        }

    async def close(self) -> None:
        for client in self.clients.values():
            await client.aclose()


class DeskCalls(ServiceCalls):
    """Calls in which an ``idempotency_key`` names one intended action of a person.

    One attempt with the same content takes effect once, however often it is sent; with other
    content it is another command.
    """

    async def send(self, call: Call) -> httpx.Response:
        body = None if call.body is None else call.body.model_dump()
        _refuse_unstorable({"path": call.path, "query": dict(call.query), "body": body})
        if call.idempotency_key is not None:
            content = hashlib.sha256(call.content).hexdigest() if call.content else body
            key = idempotency_key(call.idempotency_key, call.path, content)
            call = replace(call, idempotency_key=key)
        return await super().send(call)


class Services:
    """Queries and commands with one person's token; without one, only what is public. Each request
    also has ``headers``.

    Every call raises :class:`ServiceUnavailableError` when the service does not respond and
    :class:`ApiError` when it refuses.
    """

    def __init__(
        self,
        connections: Connections,
        token: Callable[[], Awaitable[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._calls = {
            service: DeskCalls(service, http, token, dict(headers or {}))
            for service, http in connections.clients.items()
        }
        self.reception = ReceptionApi(self._calls["reception"])
        self.workshop = WorkshopApi(self._calls["workshop"])
        self.crm = CrmApi(self._calls["crm"])
        self.reporting = ReportingApi(self._calls["reporting"])

    async def get(self, service: Service, path: str, **query: Any) -> Any:
        """Return the response to a query; parameters that are None are left out."""
        return await self._json(service, Call("GET", path, query=query))

    async def find(self, service: Service, path: str, **query: Any) -> Any | None:
        """Return the response to a query, or None where there is nothing."""
        try:
            return await self.get(service, path, **query)
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    async def ask(self, service: Service, path: str, body: Any) -> Any:
        """Return the response to a query that has a body; it changes nothing."""
        return await self._json(service, Call("POST", path, body=RootModel[Any](body)))

    async def command(self, service: Service, path: str, body: Any = None, *, attempt: str) -> Any:
        """Send a command. One ``attempt`` with the same body takes effect once, however often it
        is sent."""
        return await self._command(service, "POST", path, body, attempt)

    async def replace(self, service: Service, path: str, body: Any, *, attempt: str) -> Any:
        """Send a command that replaces the present content with ``body``."""
        return await self._command(service, "PUT", path, body, attempt)

    async def send_file(self, service: Service, path: str, content: bytes, *, attempt: str) -> Any:
        """Send a command whose body is a file."""
        call = Call("POST", path, content=content, idempotency_key=attempt)
        return await self._json(service, call)

    async def _command(
        self, service: Service, method: str, path: str, body: Any, attempt: str
    ) -> Any:
        content = None if body is None else RootModel[Any](body)
        return await self._json(service, Call(method, path, body=content, idempotency_key=attempt))

    async def _json(self, service: Service, call: Call) -> Any:
        return (await self._calls[service].send(call)).json()


def new_attempt() -> str:
    """Return a new id for one intended action, when a form or a button appears."""
    return uuid.uuid4().hex


def idempotency_key(attempt: str, path: str, body: Any) -> str:
    """Return the same key for each try of one attempt as long as its content stays the same."""
    content = json.dumps([path, body], sort_keys=True)
    return f"{attempt}-{hashlib.sha256(content.encode()).hexdigest()[:24]}"


def _refuse_unstorable(sent: Mapping[str, Any]) -> None:
    """Reject text that cannot be sent to the services, with the error that they would return."""
    field_errors = [
        FieldError(field=field_name(place), rule=UNSTORABLE_TEXT, message=MESSAGE)
        for place in unstorable(sent)
    ]
    if field_errors:
        raise ApiError(_INVALID, rule=UNSTORABLE_TEXT, field_errors=field_errors)
