"""Idle detection: two consecutive rounds must agree that no work is in process."""

from typing import Any, cast

import pytest

from deploy.demo import idle
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


class Responses:
    """Service whose status changes from one question to the next."""

    def __init__(self, *changes: dict[str, Any]) -> None:
        self.responses = [REST | change for change in changes]
        self.asked = 0

    async def get(self, *_: object) -> dict[str, Any]:
        self.asked += 1
        return self.responses[min(self.asked, len(self.responses)) - 1]


def waiter_with(service: Responses) -> idle.IdleWaiter:
    return idle.IdleWaiter({"reception": cast("Client", service)}, Person("operator-1", str))


async def test_idle_needs_two_rounds() -> None:
    service = Responses({})
    await waiter_with(service).wait()
    assert service.asked == 2


async def test_event_between_two_rounds_delays_idle() -> None:
    service = Responses({}, {"applied": 8}, {"applied": 8})
    await waiter_with(service).wait()
    assert service.asked == 3


@pytest.mark.parametrize("behind", [{"lag": 1}, {"lag": None}, {"outbox": 2}, {"due_timers": 1}])
async def test_idle_waits_for_backlog(behind: dict[str, Any]) -> None:
    service = Responses(behind, behind, {})
    assert await waiter_with(service).wait() == {"reception": REST}
    assert service.asked == 4


async def test_last_idle_round_counts_as_first() -> None:
    service = Responses({})
    waiting = waiter_with(service)
    await waiting.wait()
    await waiting.wait()
    assert service.asked == 3


async def test_service_that_never_idles_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "_TIMEOUT_S", 0.05)
    with pytest.raises(idle.NotIdleError, match=r"reception.*outbox.*3"):
        await waiter_with(Responses({"outbox": 3})).wait()
