"""Whether another system is away or refuses."""

import httpx
import pytest

from shared.calls import CallRefusedError, answer_of
from shared.timers import NotYetError


async def _answering(status: int, body: object = None) -> httpx.Response:
    return httpx.Response(status, json=body)


async def _silent() -> httpx.Response:
    raise httpx.ReadTimeout("nothing came")


async def test_done_call_gives_its_answer() -> None:
    assert (await answer_of("crm", _answering(201, {"a": 1}))).json() == {"a": 1}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_system_that_cannot_at_present_is_away(status: int) -> None:
    with pytest.raises(NotYetError, match=f"crm: status {status}"):
        await answer_of("crm", _answering(status))


async def test_silent_system_is_away() -> None:
    with pytest.raises(NotYetError, match="crm: ReadTimeout"):
        await answer_of("crm", _silent())


async def test_refusal_names_rules_and_nothing_typed() -> None:
    fault = {"field": "phone", "rule": "invalid_phone", "message": "13812345678 is none"}
    with pytest.raises(CallRefusedError) as refused:
        await answer_of("crm", _answering(422, {"errors": [fault], "detail": "13812345678"}))
    assert str(refused.value) == "crm: status 422, phone: invalid_phone"


async def test_refusal_without_problem_details_is_one() -> None:
    with pytest.raises(CallRefusedError, match="status 404, no reason"):
        await answer_of("crm", _answering(404, "not here"))
