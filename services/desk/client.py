"""The services' HTTP interfaces, called in the name of the person who is signed in."""

import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from shared.settings import Settings
from shared.storable import MESSAGE, UNSTORABLE_TEXT, field_name, unstorable

Service = Literal["reception", "workshop", "crm", "reporting"]
System = Service | Literal["issuer", "sessions"]

_TIMEOUT = httpx.Timeout(8.0, connect=1.0)
_SERVER_ERROR = 500
_NOT_FOUND = 404
_INVALID = 422


class ServiceUnavailableError(Exception):
    """A service does not respond, or what people sign in with; nothing was changed as far as
    anybody knows."""

    def __init__(self, service: System) -> None:
        super().__init__(service)
        self.service: System = service


@dataclass(frozen=True)
class FieldError:
    """One field of a request and the rule that it breaks."""

    field: str
    rule: str
    message: str


class ApiError(Exception):
    """A service said no; ``rule`` is its stable code, ``values`` what its sentence speaks of."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.rule = str(problem.get("type", "")).removeprefix("/problems/") or f"http_{status}"
        self.detail = str(problem.get("detail", ""))
        self.values: dict[str, Any] = dict(problem.get("values") or {})
        self.field_errors = [
            FieldError(field_error["field"], field_error["rule"], field_error["message"])
            for field_error in problem.get("errors") or ()
        ]
        super().__init__(self.detail or self.rule)


class Connections:
    """One connection pool a service, shared by everybody at the desk."""

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


class Services:
    """Queries and commands with one person's token; without one, what is open to everybody. Each
    request also has ``headers``.

    Every call raises :class:`ServiceUnavailableError` when the service does not respond and
    :class:`ApiError` when it refuses.
    """

    def __init__(
        self,
        connections: Connections,
        token: Callable[[], Awaitable[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._clients = connections.clients
        self._token = token
        self._headers = dict(headers or {})

    async def get(self, service: Service, path: str, **query: Any) -> Any:
        """The response to a query; parameters that are None are left out."""
        known = {name: value for name, value in query.items() if value is not None}
        return await self._call(service, "GET", path, params=known)

    async def find(self, service: Service, path: str, **query: Any) -> Any | None:
        """The response to a query, or None where there is nothing."""
        try:
            return await self.get(service, path, **query)
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    async def ask(self, service: Service, path: str, body: Any) -> Any:
        """The response to a query that has a body; it changes nothing."""
        return await self._call(service, "POST", path, json=body)

    async def command(self, service: Service, path: str, body: Any = None, *, attempt: str) -> Any:
        """Send a command. One ``attempt`` with the same body takes effect once, however often it
        is sent."""
        headers = {"Idempotency-Key": idempotency_key(attempt, path, body)}
        return await self._call(service, "POST", path, json=body, headers=headers)

    async def replace(self, service: Service, path: str, body: Any, *, attempt: str) -> Any:
        """Send a command that puts ``body`` in the place of what was there."""
        headers = {"Idempotency-Key": idempotency_key(attempt, path, body)}
        return await self._call(service, "PUT", path, json=body, headers=headers)

    async def send_file(self, service: Service, path: str, content: bytes, *, attempt: str) -> Any:
        """Send a command whose body is a file."""
        key = idempotency_key(attempt, path, hashlib.sha256(content).hexdigest())
        headers = {"Idempotency-Key": key, "Content-Type": "application/octet-stream"}
        return await self._call(service, "POST", path, content=content, headers=headers)

    async def file(self, service: Service, path: str) -> bytes:
        """The content of a file."""
        return (await self._response(service, "GET", path)).content

    async def _call(self, service: Service, method: str, path: str, **request: Any) -> Any:
        return (await self._response(service, method, path, **request)).json()

    async def _response(
        self, service: Service, method: str, path: str, **request: Any
    ) -> httpx.Response:
        sent = {"path": path, "query": request.get("params"), "body": request.get("json")}
        _refuse_unstorable(sent)
        headers = self._headers | request.pop("headers", {})
        if self._token:
            headers["Authorization"] = f"Bearer {await self._token()}"
        try:
            response = await self._clients[service].request(
                method, path, headers=headers, **request
            )
        except httpx.TransportError:
            raise ServiceUnavailableError(service) from None
        except httpx.InvalidURL:
            raise ApiError(_NOT_FOUND, {}) from None
        if response.status_code >= _SERVER_ERROR:
            raise ServiceUnavailableError(service)
        if response.is_error:
            raise ApiError(response.status_code, _problem(response))
        return response


def new_attempt() -> str:
    """Names what a person sets out to do when a form or a button appears."""
    return uuid.uuid4().hex


def idempotency_key(attempt: str, path: str, body: Any) -> str:
    """The same for each try of one attempt as long as its content stays the same."""
    content = json.dumps([path, body], sort_keys=True)
    return f"{attempt}-{hashlib.sha256(content.encode()).hexdigest()[:24]}"


def _refuse_unstorable(sent: Mapping[str, Any]) -> None:
    """Say no as the services would, to which such a text cannot even be sent."""
    field_errors = [
        {"field": field_name(place), "rule": UNSTORABLE_TEXT, "message": MESSAGE}
        for place in unstorable(sent)
    ]
    if field_errors:
        raise ApiError(_INVALID, {"type": f"/problems/{UNSTORABLE_TEXT}", "errors": field_errors})


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
