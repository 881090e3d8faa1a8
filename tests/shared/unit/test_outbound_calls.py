"""Distinction between an unavailable system and a refusal."""

import httpx
import pytest

from shared.calls import CallRejectedError, response_of
from shared.timers import RetryLaterError


async def _responding(status: int, body: object = None) -> httpx.Response:
    return httpx.Response(status, json=body)


async def _silent() -> httpx.Response:
    raise httpx.ReadTimeout("nothing came")


async def test_successful_call_returns_response() -> None:
    assert (await response_of("crm", _responding(201, {"a": 1}))).json() == {"a": 1}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_temporary_error_status_means_unavailable(status: int) -> None:
    with pytest.raises(RetryLaterError, match=f"crm: status {status}"):
        await response_of("crm", _responding(status))


async def test_timeout_means_unavailable() -> None:
    with pytest.raises(RetryLaterError, match="crm: ReadTimeout"):
        await response_of("crm", _silent())


async def test_rejection_names_rules_without_typed_values() -> None:
    fault = {"field": "phone", "rule": "invalid_phone", "message": "13812345678 is none"}
    with pytest.raises(CallRejectedError) as violation:
        await response_of("crm", _responding(422, {"errors": [fault], "detail": "13812345678"}))
    assert str(violation.value) == "crm: status 422, phone: invalid_phone"


async def test_rejection_without_problem_details_names_status() -> None:
    with pytest.raises(CallRejectedError, match="status 404, no reason"):
        await response_of("crm", _responding(404, "not here"))
