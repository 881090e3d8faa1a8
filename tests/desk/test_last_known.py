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
        self.slow_s = 0.0

    async def __call__(self, key: str, last: str | None) -> str:
        self.asked.append((key, last))
        await asyncio.sleep(self.slow_s)
        if self.error:
            raise self.error
        return self.name


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_known, "_AGAIN_S", 0.05)
    monkeypatch.setattr(last_known, "_PATIENCE_S", 0.05)
    monkeypatch.setattr(last_known, "_PATIENCE_WITHOUT_S", 0.1)


async def test_fresh_value_is_asked_for_once() -> None:
    management = Management()
    names = LastKnown(management, fresh_s=0.2)
    assert [await names.get("S01") for _ in range(3)] == ["before"] * 3
    assert names.last("S01") == "before"
    assert management.asked == [("S01", None)]


async def test_old_value_is_asked_for_again() -> None:
    management = Management()
    names = LastKnown(management, fresh_s=0.2)
    await names.get("S01")
    management.name = "after"
    await asyncio.sleep(0.25)
    assert names.last("S01") == "before"
    await asyncio.sleep(0.01)
    assert names.last("S01") == await names.get("S01") == "after"
    assert management.asked == [("S01", None), ("S01", "before")]


@pytest.mark.parametrize("error", [ServiceUnavailableError("management"), ApiError(403)])
async def test_last_value_stays_while_service_is_away(error: Exception) -> None:
    management = Management()
    names = LastKnown(management, fresh_s=0.2)
    management.error = error
    assert await names.get("S01") is None
    management.error = None
    await asyncio.sleep(0.25)
    assert await names.get("S01") == "before"
    management.error, management.name = error, "after"
    await asyncio.sleep(0.25)
    assert await names.get("S01") == "before"
    assert names.last("S01") == "before"
    management.error = None
    await asyncio.sleep(0.25)
    assert await names.get("S01") == "after"


async def test_slow_service_holds_up_nobody_for_long() -> None:
    management = Management()
    management.slow_s = 5.0
    names = LastKnown(management, fresh_s=0.2)
    async with asyncio.timeout(1.0):
        assert await names.get("S01") is None
        assert await names.get("S01") is None
    assert len(management.asked) == 1


async def test_unused_value_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    management = Management()
    names = LastKnown(management, fresh_s=0.2)
    await names.get("S01")
    monkeypatch.setattr(last_known, "_FORGOTTEN_S", 0.0)
    await asyncio.sleep(0.01)
    await names.get("S02")
    assert list(names._known) == ["S02"]
