"""HTTP clients of the staff of a simulated day, each person with their own token."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from shared.issuer import DevelopmentIssuer

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_IDLE_S = 2.0
"""Seconds after which idle connections are closed, before the services do (5 s)."""

_PAUSES_S = (0.1, 0.5, 2.0)
_UNAVAILABLE = 503
_TOKEN_LIFETIME_S = 900
_RENEW_BEFORE_S = 120

JsonObject = dict[str, Any]


class ErrorResponseError(Exception):
    """An error response of the platform to a request, with its reason."""

    def __init__(self, request: str, status: int, reason: str) -> None:
        super().__init__(request, status, reason)
        self.status = status

    def __str__(self) -> str:
        request, status, reason = self.args
        return f"{request} returned {status}: {reason}"


class RejectedError(ErrorResponseError):
    """An error response to a request that does not fit the present state (4xx)."""


@dataclass
class Person:
    """A person of the group.

    ``sign`` gives them an access token; commands are numbered for their keys.
    """

    subject: str
    sign: Callable[[], str]
    commands: int = field(default=0)
    _token: str = ""
    _good_until: float = 0.0

    @property
    def token(self) -> str:
        """An access token that is valid for at least two minutes."""
        if time.monotonic() > self._good_until:
            self._token = self.sign()
            self._good_until = time.monotonic() + _TOKEN_LIFETIME_S - _RENEW_BEFORE_S
        return self._token

    def next_key(self) -> str:
        """Return the ``Idempotency-Key`` of the person's next command."""
        self.commands += 1
        return f"{self.subject}:{self.commands:06d}"


class Staff:
    """The persons of a group folder by subject, with tokens of the development issuer."""

    def __init__(self, entries: Sequence[JsonObject], issuer: DevelopmentIssuer) -> None:
        self._entries = {entry["id"]: entry for entry in entries}
        self._persons = {
            subject: Person(
                subject,
                partial(
                    issuer.token,
                    subject,
                    roles=entry["roles"],
                    stores=entry["stores"],
                    name=entry["zh"],
                    lifetime_s=_TOKEN_LIFETIME_S,
                ),
            )
            for subject, entry in self._entries.items()
        }

    def with_role(self, role: str, store_id: str | None = None) -> list[Person]:
        """Return all persons with ``role``, in the order of the file.

        They are those of one store when it is given.
        """
        return [
            self._persons[subject]
            for subject, entry in self._entries.items()
            if role in entry["roles"] and (store_id is None or entry["stores"] == [store_id])
        ]

    def named(self, subjects: Iterable[str]) -> list[Person]:
        """Return the persons with these subjects."""
        return [self._persons[subject] for subject in subjects]

    def entry(self, person: Person) -> JsonObject:
        """Return the entry of a person in the group folder."""
        return self._entries[person.subject]


class Client:
    """HTTP client of one service.

    A command is tried again with its key while the service is unavailable.
    """

    def __init__(self, base_url: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url,
            timeout=_TIMEOUT,
            limits=httpx.Limits(keepalive_expiry=_IDLE_S),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, person: Person, path: str, **params: Any) -> Any:
        """Return the response to a query.

        Raises:
            ErrorResponseError: the platform refused (:class:`RejectedError`), or failed.
            httpx.TransportError: no response after several tries.
        """
        return await self._insist("GET", person, path, params=params)

    async def post(self, person: Person, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the response to a command.

        Raises:
            ErrorResponseError: the platform refused (:class:`RejectedError`), or failed.
            httpx.TransportError: no response after several tries.
        """
        key = {"Idempotency-Key": person.next_key()}
        return await self._insist("POST", person, path, json=body, headers=key)

    async def _insist(
        self,
        method: str,
        person: Person,
        path: str,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Any:
        """Send the same request until the response is something else than "not now"."""
        headers = {"Authorization": f"Bearer {person.token}", **(headers or {})}
        for pause in _PAUSES_S:
            try:
                response = await self._http.request(method, path, headers=headers, **content)
            except httpx.TransportError:
                await asyncio.sleep(pause)
                continue
            if response.status_code != _UNAVAILABLE:
                return _json_of(response)
            await asyncio.sleep(pause)
        return _json_of(await self._http.request(method, path, headers=headers, **content))


def _json_of(response: httpx.Response) -> Any:
    if response.is_success:
        return response.json()
    request = f"{response.request.method} {response.request.url.path}"
    kind = RejectedError if response.is_client_error else ErrorResponseError
    raise kind(request, response.status_code, _reason(response))


def _reason(response: httpx.Response) -> str:
    """Return the reason in a problem document, else the beginning of the text."""
    if "json" not in response.headers.get("content-type", ""):
        return response.text[:200]
    problem = response.json()
    return str(problem.get("detail", problem))
