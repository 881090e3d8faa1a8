"""The services' HTTP interfaces, called in the name of the person who is signed in."""

import hashlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeVar, get_args

import httpx
from pydantic import ValidationError

from shared.calls import ApiError, Call, ServiceCalls
from shared.clients.crm.client import CrmApi
from shared.clients.management.client import ManagementApi
from shared.clients.platform.client import PlatformApi
from shared.clients.reception.client import ReceptionApi
from shared.clients.reporting.client import ReportingApi
from shared.clients.subscribers.client import SubscribersApi
from shared.clients.workshop.client import WorkshopApi
from shared.problems import FieldError
from shared.settings import SUBSCRIBERS, Settings
from shared.storable import MESSAGE, UNSTORABLE_TEXT, field_name, unstorable

Service = Literal["reception", "workshop", "crm", "reporting", "management"]
T = TypeVar("T")

_TIMEOUT = httpx.Timeout(8.0, connect=1.0)
_FILES_TIMEOUT = httpx.Timeout(120.0, connect=1.0)
_KAFKA_TIMEOUT = httpx.Timeout(60.0, connect=1.0)
_NOT_FOUND = 404
_INVALID = 422
_TOO_SHORT, _MISSING = "string_too_short", "missing"


class Connections:
    """Connection pools by the services' names, shared by all users of the desk."""

    def __init__(self, settings: Settings) -> None:
        addresses: dict[str, str] = {
            "reception": settings.reception_url,
            "workshop": settings.workshop_url,
            "crm": settings.crm_url,
            "reporting": settings.reporting_url,
            "management": settings.management_url,
            SUBSCRIBERS: settings.subscribers_url,
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
        _refuse_unstorable({"query": dict(call.query), "body": body})
        if call.idempotency_key is not None:
            content = hashlib.sha256(call.content or b"").hexdigest()
            if call.body is not None:
                content = call.body.model_dump_json()
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
        calls = {
            service: DeskCalls(service, http, token, dict(headers or {}))
            for service, http in connections.clients.items()
        }
        self.reception = ReceptionApi(calls["reception"])
        self.workshop = WorkshopApi(calls["workshop"])
        self.crm = CrmApi(calls["crm"])
        self.crm_files = CrmApi(replace(calls["crm"], timeout=_FILES_TIMEOUT))
        self.reporting = ReportingApi(calls["reporting"])
        self.management = ManagementApi(calls["management"])
        self.management_files = ManagementApi(replace(calls["management"], timeout=_FILES_TIMEOUT))
        self.subscribers = SubscribersApi(replace(calls[SUBSCRIBERS], timeout=_KAFKA_TIMEOUT))
        self.platform: dict[Service, PlatformApi] = {
            service: PlatformApi(calls[service]) for service in get_args(Service)
        }


async def found(query: Awaitable[T]) -> T | None:
    """Return the response to a query, or None where there is nothing."""
    try:
        return await query
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise


def invalid_request(error: ValidationError, *within: str) -> ApiError:
    """Return the refusal of input that the body of a request, or the part ``within``, cannot
    hold.
    """
    field_errors = [
        FieldError(
            field=".".join(map(str, (*within, *each["loc"]))),
            rule=_MISSING if each["type"] == _TOO_SHORT and not each["input"] else each["type"],
            message=each["msg"],
        )
        for each in error.errors(include_url=False)
    ]
    return ApiError(_INVALID, rule="invalid_request", field_errors=field_errors)


def new_attempt() -> str:
    """Return a new id for one intended action, when a form or a button appears."""
    return uuid.uuid4().hex


def idempotency_key(attempt: str, path: str, content: str) -> str:
    """Return the same key for each try of one attempt as long as its content stays the same."""
    digest = hashlib.sha256(f"{path}\n{content}".encode()).hexdigest()
    return f"{attempt}-{digest[:24]}"


def _refuse_unstorable(sent: Mapping[str, Any]) -> None:
    """Reject text that cannot be sent to the services, with the error that they would return."""
    field_errors = [
        FieldError(field=field_name(place), rule=UNSTORABLE_TEXT, message=MESSAGE)
        for place in unstorable(sent)
    ]
    if field_errors:
        raise ApiError(_INVALID, rule=UNSTORABLE_TEXT, field_errors=field_errors)
