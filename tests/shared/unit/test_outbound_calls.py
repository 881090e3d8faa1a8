"""Distinction between an unavailable system and a refusal, for what a timer repeats."""

import httpx
import pytest

from shared.calls import (
    ApiError,
    CallRejectedError,
    ServiceCalls,
    ServiceUnavailableError,
    repeatable,
)
from shared.timers import RetryLaterError


async def _call(status: int, body: object = None) -> dict[str, int]:
    """Return the response of a service that responds with ``status`` and ``body``."""

    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=body)

    transport = httpx.MockTransport(respond)
    async with httpx.AsyncClient(transport=transport, base_url="http://crm") as http:
        calls = ServiceCalls("crm", http)
        return await repeatable("crm", calls.request(dict[str, int], "POST", "/customers"))


async def _raising(error: Exception) -> None:
    raise error


async def test_successful_call_returns_response() -> None:
    assert await _call(201, {"a": 1}) == {"a": 1}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_temporary_error_status_means_unavailable(status: int) -> None:
    with pytest.raises(RetryLaterError, match="crm: "):
        await _call(status)


@pytest.mark.parametrize(
    "error", [ServiceUnavailableError("crm"), httpx.ReadTimeout("no token came")]
)
async def test_silence_means_unavailable(error: Exception) -> None:
    with pytest.raises(RetryLaterError, match=f"crm: {type(error).__name__}"):
        await repeatable("crm", _raising(error))


async def test_rejection_names_rules_without_typed_values() -> None:
    fault = {"field": "phone", "rule": "invalid_phone", "message": "13812345678 is none"}
    problem = {"type": "/problems/x", "title": "x", "status": 422, "detail": "13812345678"}
    with pytest.raises(CallRejectedError) as violation:
        await _call(422, problem | {"errors": [fault]})
    assert str(violation.value) == "crm: status 422, phone: invalid_phone"


async def test_rejection_without_problem_details_names_status() -> None:
    with pytest.raises(CallRejectedError, match="status 404, no reason"):
        await repeatable("crm", _raising(ApiError(404)))
