"""The platform is at rest only when two consecutive rounds agree that nothing is under way."""

from typing import Any, cast

import pytest

from deploy.demo import quiet
from deploy.demo.clients import Client, Person

REST = {
    "lag": 0,
    "outbox": 0,
    "due_timers": 0,
    "parked_keys": 0,
    "dead_letters": 0,
    "published": 5,
    "applied": 7,
}


class Answers:
    """A service whose status changes from one question to the next."""

    def __init__(self, *changes: dict[str, Any]) -> None:
        self.answers = [REST | change for change in changes]
        self.asked = 0

    async def get(self, *_: object) -> dict[str, Any]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def quiet_with(service: Answers) -> quiet.Quiet:
    return quiet.Quiet({"reception": cast("Client", service)}, Person("operator-1", str))


async def test_one_round_at_rest_is_not_enough() -> None:
    service = Answers({})
    await quiet_with(service).wait()
    assert service.asked == 2


async def test_an_event_that_slips_between_two_answers_is_noticed() -> None:
    service = Answers({}, {"applied": 8}, {"applied": 8})
    await quiet_with(service).wait()
    assert service.asked == 3


@pytest.mark.parametrize("behind", [{"lag": 1}, {"lag": None}, {"outbox": 2}, {"due_timers": 1}])
async def test_backlog_is_waited_for(behind: dict[str, Any]) -> None:
    service = Answers(behind, behind, {})
    assert await quiet_with(service).wait() == {"reception": REST}
    assert service.asked == 4


async def test_last_rest_is_the_first_of_the_two_rounds() -> None:
    service = Answers({})
    waiting = quiet_with(service)
    await waiting.wait()
    await waiting.wait()
    assert service.asked == 3


async def test_what_never_rests_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "_PATIENCE_S", 0.05)
    with pytest.raises(quiet.NotQuietError, match=r"reception.*outbox.*3"):
        await quiet_with(Answers({"outbox": 3})).wait()
