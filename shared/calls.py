"""Calls of other systems over HTTP: unavailable is not the same as rejected."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.problems import FieldError, ProblemDetails
from shared.timers import RetryLaterError

log = structlog.get_logger()

T = TypeVar("T")
Query = Mapping[str, str | int | bool | date | Sequence[str] | None]

_PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)

_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


class CallRejectedError(Exception):
    """Rejection of a request by another system; asking again seldom helps."""


class ServiceUnavailableError(Exception):
    """Failure of a service to respond, or to respond as its interface says.

    Nothing was changed as far as the caller knows.
    """

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


class ApiError(Exception):
    """Rejection of a request by a service, with problem details (RFC 9457).

    ``rule`` is the stable code of the problem, ``detail`` its sentence, ``values`` the values in
    the sentence; ``field_errors`` say which fields of the request break which rules.
    """

    def __init__(
        self,
        status: int,
        *,
        rule: str = "",
        detail: str = "",
        field_errors: Sequence[FieldError] = (),
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.rule = rule or f"http_{status}"
        self.detail = detail
        self.field_errors = list(field_errors)
        self.values = dict(values or {})
        super().__init__(self.detail or self.rule)

    @classmethod
    def from_response(cls, response: httpx.Response) -> "ApiError":
        """Read the problem details of ``response``, as far as it has any."""
        try:
            problem = ProblemDetails.model_validate_json(response.content)
        except ValidationError:
            return cls(response.status_code)
        return cls(
            response.status_code,
            rule=problem.type.removeprefix("/problems/"),
            detail=problem.detail,
            field_errors=problem.errors,
            values=problem.values,
        )


@dataclass(frozen=True)
class Call:
    """Request to a service; query parameters and headers that are None are left out."""

    method: str
    path: str
    query: Query = field(default_factory=dict)
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: BaseModel | None = None
    content: bytes | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class ServiceCalls:
    """Client of one service, over a shared connection pool, in one caller's name.

    ``headers`` go with every call, such as ``X-Correlation-Id``. Without a ``token``, only what is
    open to every caller can be called. The pool's timeout holds unless there is a ``timeout``.

    Raises, with each call:
        ServiceUnavailableError: the service does not respond, or not as its interface says.
        ApiError: it rejects the request.
    """

    service: str
    http: httpx.AsyncClient
    token: Callable[[], Awaitable[str]] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: httpx.Timeout | None = None

    async def request(self, kind: type[T], method: str, path: str, **content: Any) -> T:
        """Call an operation whose response is JSON of the type ``kind``."""
        response = await self.send(Call(method, path, **content))
        try:
            return _adapter(kind).validate_json(response.content)
        except ValidationError as error:
            log.error(
                "response cannot be read",
                service=self.service,
                response=str(kind),
                errors=error.errors(include_input=False, include_url=False),
            )
            raise ServiceUnavailableError(self.service) from error

    async def read_bytes(self, method: str, path: str, **content: Any) -> bytes:
        """Call an operation whose response is a file."""
        return (await self.send(Call(method, path, **content))).content

    async def send(self, call: Call) -> httpx.Response:
        """Send ``call`` and return the service's response after success."""
        try:
            response = await self.http.request(
                call.method,
                call.path,
                params=_query(call.query) or None,
                headers=await self._headers(call),
                content=call.body.model_dump_json() if call.body is not None else call.content,
                timeout=httpx.USE_CLIENT_DEFAULT if self.timeout is None else self.timeout,
            )
        except httpx.TransportError as error:
            raise ServiceUnavailableError(self.service) from error
        except httpx.InvalidURL as error:
            raise ApiError(HTTPStatus.NOT_FOUND) from error
        if response.is_server_error:
            raise ServiceUnavailableError(self.service)
        if response.is_error:
            raise ApiError.from_response(response)
        return response

    async def _headers(self, call: Call) -> dict[str, str]:
        headers = dict(self.headers)
        headers |= {name: value for name, value in call.headers.items() if value is not None}
        if self.token is not None:
            token = self.token if isinstance(self.token, str) else await self.token()
            headers["Authorization"] = f"Bearer {token}"
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        elif call.content is not None:
            headers["Content-Type"] = "application/octet-stream"
        if call.idempotency_key is not None:
            headers["Idempotency-Key"] = call.idempotency_key
        return headers


def segment(value: str) -> str:
    """Return ``value`` as one segment of a path, whatever characters it has."""
    return quote(value, safe="", errors="replace") if value.strip(".") else "%2E" * len(value)


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _query(query: Query) -> dict[str, str | list[str]]:
    return {name: _query_value(value) for name, value in query.items() if value is not None}


def _query_value(value: str | int | date | Sequence[str]) -> str | list[str]:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | date) else list(value)


async def repeatable(system: str, call: Awaitable[T]) -> T:
    """Return the response of ``system`` to a command that a timer repeats until it is taken.

    Raises:
        RetryLaterError: it does not respond, or cannot at present.
        CallRejectedError: it rejects the command.
    """
    try:
        return await call
    except (ServiceUnavailableError, httpx.HTTPError) as error:
        cause = error.__cause__ or error
        raise RetryLaterError(f"{system}: {type(cause).__name__}") from error
    except ApiError as error:
        if error.status in _PASSING:
            raise RetryLaterError(f"{system}: status {error.status}") from error
        rules = ", ".join(f"{each.field}: {each.rule}" for each in error.field_errors)
        raise CallRejectedError(
            f"{system}: status {error.status}, {rules or 'no reason'}"
        ) from error
