"""What many people look at is asked once."""

import asyncio

import pytest

from services.desk.client import idempotency_key
from services.desk.response_cache import ResponseCache
from shared.calls import ServiceUnavailableError


class _Asked:
    """Counts how often it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.times = 0
        self._error = error

    async def __call__(self) -> int:
        self.times += 1
        await asyncio.sleep(0)
        if self._error:
            raise self._error
        return self.times


async def test_people_who_look_at_once_share_one_response() -> None:
    cache, ask = ResponseCache(), _Asked()
    shown = await asyncio.gather(*(cache.get(("S01", "plan"), ask) for _ in range(20)))
    assert shown == [1] * 20
    assert ask.times == 1


async def test_stores_and_kinds_are_told_apart() -> None:
    cache, ask = ResponseCache(), _Asked()
    keys = [("S01", "plan"), ("S02", "plan"), ("S01", "arrivals")]
    assert [await cache.get(key, ask) for key in keys] == [1, 2, 3]


async def test_a_response_is_asked_again_when_it_is_old_or_its_store_changed() -> None:
    cache, ask = ResponseCache(), _Asked()
    key = ("S01", "plan")
    assert await cache.get(key, ask) == 1
    assert await cache.get(key, ask, fresh_s=-1) == 2
    cache.drop("S02")
    assert await cache.get(key, ask) == 2
    cache.drop("S01")
    assert await cache.get(key, ask) == 3


async def test_a_service_that_is_unavailable_is_not_asked_by_everybody() -> None:
    cache, ask = ResponseCache(), _Asked(ServiceUnavailableError("workshop"))
    for _ in range(5):
        with pytest.raises(ServiceUnavailableError):
            await cache.get(("S01", "plan"), ask)
    assert ask.times == 1


def test_one_attempt_keeps_its_key_until_its_content_changes() -> None:
    path = "/stores/S01/orders/1/payments"
    first = idempotency_key("attempt", path, {"amount_cents": 1, "method": "cash"})
    assert first == idempotency_key("attempt", path, {"method": "cash", "amount_cents": 1})
    assert first != idempotency_key("attempt", path, {"method": "cash", "amount_cents": 2})
    assert first != idempotency_key("another", path, {"method": "cash", "amount_cents": 1})
