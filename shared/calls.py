"""Calls of other systems on which a timer waits: unavailable is not the same as rejected."""

from collections.abc import Awaitable
from http import HTTPStatus

import httpx

from shared.timers import RetryLaterError

_PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


class CallRejectedError(Exception):
    """The other system does not do what it was asked; to ask again seldom helps."""


async def response_of(system: str, call: Awaitable[httpx.Response]) -> httpx.Response:
    """The response of ``system``, which has done what it was asked.

    Raises:
        RetryLaterError: it does not respond, or cannot at present.
        CallRejectedError: it responds with another status from 400 to 499.
    """
    try:
        response = await call
    except httpx.HTTPError as error:
        raise RetryLaterError(f"{system}: {type(error).__name__}") from error
    if response.is_server_error or response.status_code in _PASSING:
        raise RetryLaterError(f"{system}: status {response.status_code}")
    if response.is_error:
        raise CallRejectedError(f"{system}: status {response.status_code}, {_rules(response)}")
    return response


def _rules(response: httpx.Response) -> str:
    """Which rules the request breaks, without a word of what it said."""
    try:
        field_errors = response.json()["errors"]
        return ", ".join(
            f"{field_error['field']}: {field_error['rule']}" for field_error in field_errors
        )
    except (ValueError, KeyError, TypeError):
        return "no reason"
