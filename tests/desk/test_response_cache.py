"""Shared responses: each is requested once for all viewers."""

import asyncio
from typing import Any

import pytest

from services.desk import response_cache
from services.desk.catalog import with_entries
from services.desk.client import idempotency_key
from services.desk.response_cache import ResponseCache
from shared.calls import ServiceUnavailableError
from shared.clients.reception.models import CatalogView, RecordPaymentRequest
from tests.support.catalog import listed_catalog

PAYMENTS = "/stores/S01/orders/1/payments"


class _Asked:
    """Counter of requests."""

    def __init__(self, error: Exception | None = None) -> None:
        self.times = 0
        self._error = error

    async def __call__(self) -> int:
        self.times += 1
        await asyncio.sleep(0)
        if self._error:
            raise self._error
        return self.times


async def test_concurrent_readers_share_one_response() -> None:
    cache, ask = ResponseCache(), _Asked()
    shown = await asyncio.gather(*(cache.get(("S01", "plan"), ask) for _ in range(20)))
    assert shown == [1] * 20
    assert ask.times == 1


async def test_responses_are_cached_by_store_and_kind() -> None:
    cache, ask = ResponseCache(), _Asked()
    keys = [("S01", "plan"), ("S02", "plan"), ("S01", "arrivals")]
    assert [await cache.get(key, ask) for key in keys] == [1, 2, 3]


async def test_stale_or_dropped_response_is_requested_again() -> None:
    cache, ask = ResponseCache(), _Asked()
    key = ("S01", "plan")
    assert await cache.get(key, ask) == 1
    assert await cache.get(key, ask, fresh_s=-1) == 2
    cache.drop("S02")
    assert await cache.get(key, ask) == 2
    cache.drop("S01")
    assert await cache.get(key, ask) == 3


async def test_fresh_response_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "_FORGOTTEN_S", -1.0)
    cache, ask = ResponseCache(), _Asked()
    key = ("S01", "catalog")
    assert [await cache.get(key, ask, fresh_s=60) for _ in range(2)] == [1, 1]
    assert await cache.get(("S02", "plan"), ask, fresh_s=-1) == 2
    assert await cache.get(key, ask, fresh_s=60) == 1


def test_entries_of_catalogs_are_shared_until_revision_changes() -> None:
    first, other = with_entries(_catalog(100), None), _catalog(200)
    seen = other.model_copy(update={"operations": ()})
    shared = with_entries(seen, first)
    assert shared.operations is first.operations
    assert (shared, shared.labor_rate_cents) == (other, {"body": 200})
    newer = other.model_copy(update={"revision": "newer", "operations": ()})
    assert with_entries(newer, first) is newer


def _catalog(labor_rate_cents: int) -> CatalogView:
    operations = [each.model_dump() for each in listed_catalog().operations[:1]]
    prices = {
        "revision": "first",
        "operation_price_cents": {},
        "labor_rate_cents": {"body": labor_rate_cents},
    }
    return CatalogView.model_validate({"operations": operations, **prices})


async def test_unavailable_service_is_requested_once() -> None:
    cache, ask = ResponseCache(), _Asked(ServiceUnavailableError("workshop"))
    for _ in range(5):
        with pytest.raises(ServiceUnavailableError):
            await cache.get(("S01", "plan"), ask)
    assert ask.times == 1


def test_idempotency_key_changes_with_content() -> None:
    def key(attempt: str, **content: Any) -> str:
        body = RecordPaymentRequest(version="1", **content)
        return idempotency_key(attempt, PAYMENTS, body.model_dump_json())

    first = key("attempt", amount_cents=1, method="cash")
    assert first == key("attempt", method="cash", amount_cents=1)
    assert first != key("attempt", method="cash", amount_cents=2)
    assert first != key("another", method="cash", amount_cents=1)
