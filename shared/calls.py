"""Calls of other systems on which a deadline waits: away is not the same as refused."""

from collections.abc import Awaitable
from http import HTTPStatus

import httpx

from shared.timers import NotYetError

_PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


class CallRefusedError(Exception):
    """The other system does not do what it was asked; to ask again seldom helps."""


async def answer_of(system: str, call: Awaitable[httpx.Response]) -> httpx.Response:
    """The answer of ``system``, which has done what it was asked.

    Raises:
        NotYetError: it does not answer, or cannot at present.
        CallRefusedError: it answers with another status from 400 to 499.
    """
    try:
        response = await call
    except httpx.HTTPError as error:
        raise NotYetError(f"{system}: {type(error).__name__}") from error
    if response.is_server_error or response.status_code in _PASSING:
        raise NotYetError(f"{system}: status {response.status_code}")
    if response.is_error:
        raise CallRefusedError(f"{system}: status {response.status_code}, {_rules(response)}")
    return response


def _rules(response: httpx.Response) -> str:
    """Which rules the request breaks, without a word of what it said."""
    try:
        faults = response.json()["errors"]
        return ", ".join(f"{fault['field']}: {fault['rule']}" for fault in faults)
    except (ValueError, KeyError, TypeError):
        return "no reason"
