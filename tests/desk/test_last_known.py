"""Names that management keeps: fresh while it responds, the last known ones while it is away."""

import asyncio

import pytest

from services.desk import last_known
from services.desk.last_known import LastKnown
from shared.calls import ApiError, ServiceUnavailableError


class Management:
    """Source of names that may be away, or respond slowly."""

    def __init__(self) -> None:
        self.name = "before"
        self.asked: list[tuple[str, str | None]] = []
        self.error: Exception | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, key: str, last: str | None) -> str:
        self.asked.append((key, last))
        await self.may_answer.wait()
        if self.error:
            raise self.error
        return self.name


class Time:
    """Monotonic time that passes only when a test says so."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(last_known, "time", time)
    return time


async def test_fresh_value_is_asked_for_once(time: Time) -> None:
    management = Management()
    names = LastKnown(management, fresh_s=1.0)
    assert [await names.get("S01") for _ in range(3)] == ["before"] * 3
    assert names.last("S01") == "before"
    assert management.asked == [("S01", None)]


async def test_old_value_is_asked_for_again(time: Time) -> None:
    management = Management()
    names = LastKnown(management, fresh_s=1.0)
    await names.get("S01")
    management.name = "after"
    time.now = 2.0
    assert names.last("S01") == "before"
    assert await names.get("S01") == names.last("S01") == "after"
    assert management.asked == [("S01", None), ("S01", "before")]


@pytest.mark.parametrize("error", [ServiceUnavailableError("management"), ApiError(403)])
async def test_last_value_stays_while_service_is_away(error: Exception, time: Time) -> None:
    management = Management()
    names = LastKnown(management, fresh_s=1.0)
    management.error = error
    assert await names.get("S01") is None
    management.error, time.now = None, 3.0
    assert await names.get("S01") == "before"
    management.error, management.name, time.now = error, "after", 5.0
    assert await names.get("S01") == "before"
    assert names.last("S01") == "before"
    management.error, time.now = None, 8.0
    assert await names.get("S01") == "after"


async def test_slow_service_holds_up_no_page_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_known, "_PATIENCE_WITHOUT_S", 0.1)
    management = Management()
    management.may_answer.clear()
    names = LastKnown(management, fresh_s=1.0)
    assert await names.get("S01") is None
    assert await names.get("S01") is None
    assert len(management.asked) == 1


async def test_unused_value_is_forgotten(time: Time) -> None:
    management = Management()
    names = LastKnown(management, fresh_s=1.0)
    await names.get("S01")
    time.now = 1000.0
    await names.get("S02")
    assert list(names._known) == ["S02"]
