"""Customer relations with many customers: their nights, the work list, and finding a person."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice
from statistics import quantiles
from typing import Any

import httpx

from deploy.embedded.platform import Platform
from services.crm.application import nightly
from services.crm.application.pinyin import readings
from shared.clock import SimulatedClock
from shared.db import Connection
from tests.bench.customer_records import Known, connect, fill, known_customers, personal_data
from tests.bench.own_platform import NINE, business_now
from tests.support.polling import until

STORES = ("S01", "S02", "S03", "S04", "S05", "S06")
"""The stores of the group folder."""

NIGHT = NINE + timedelta(hours=16)
"""One o'clock in Shanghai, when the nights begin."""

_KINDS = (
    nightly.RENEWALS_DUE,
    nightly.SERVICE_REMINDERS_DUE,
    nightly.PLAN_CALLS,
    nightly.REVIEW_CUSTOMERS,
    nightly.FIND_DUPLICATES,
)
_READY_S = 60.0
_SLOWEST_S = 3600.0
_WARM_UP = 20

_OPEN = "SELECT count(*) FROM timer WHERE kind = ANY ($1) AND due_at <= $2"
_SCHEDULED = "SELECT count(DISTINCT (kind, store_id)) FROM timer WHERE kind = ANY ($1)"

_DOUBLED = """
WITH twice AS (
    SELECT count(*) - 1 AS more FROM follow_up GROUP BY store_id, customer_ref, reason, about
    UNION ALL
    SELECT count(*) - 1 FROM follow_up
    WHERE reason <> 'ad_hoc' AND completed_at IS NULL AND cancelled_at IS NULL
    GROUP BY store_id, customer_ref, reason
    UNION ALL
    SELECT count(*) - 1 FROM service_reminder WHERE state <> 'closed'
    GROUP BY store_id, vehicle_ref, kind
    UNION ALL
    SELECT count(*) - 1 FROM outbox WHERE type LIKE '%.ServiceReminderDue.%'
    GROUP BY convert_from(payload, 'UTF8')::jsonb ->> 'reminder_id'
    UNION ALL
    SELECT count(*) - 1 FROM outbox WHERE type LIKE '%.CustomerLapsed.%'
    GROUP BY store_id, convert_from(payload, 'UTF8')::jsonb ->> 'customer_ref'
)
SELECT coalesce(sum(more), 0)::integer FROM twice
"""


@dataclass(frozen=True)
class Found:
    """What customer relations take with so many customers.

    ``first_night_s`` is that of a night in which everything is new, and in whose middle the service
    is killed; ``nightly_s`` is that of the next one. ``tasks_doubled`` are calls, reminders and
    announcements that were made twice. The latencies are seen over HTTP.
    """

    customers: int
    fill_s: float
    first_night_s: float
    nightly_s: float
    tasks: int
    tasks_doubled: int
    work_list_p50_ms: float
    work_list_p99_ms: float
    search_p50_ms: float
    search_p99_ms: float

    @property
    def figures(self) -> dict[str, float]:
        return asdict(self)


async def measure(platform: Platform, customers: int, requests: int = 300) -> Found:
    """Fill customer relations, play two nights and the morning after them."""
    connection = await connect(platform)
    assert await until(lambda: _all_nights_begin(connection), _READY_S)
    began = time.perf_counter()
    await fill(connection, personal_data(platform), STORES, customers, NINE)
    fill_s = time.perf_counter() - began
    first_night_s = await _night(platform, connection, NIGHT, customers // 3)
    nightly_s = await _night(platform, connection, NIGHT + timedelta(days=1))
    _clock(platform).set(NIGHT + timedelta(days=1, hours=10), running=True)
    tasks = await connection.fetchval(
        "SELECT (SELECT count(*) FROM follow_up) + (SELECT count(*) FROM service_reminder)"
    )
    doubled = await connection.fetchval(_DOUBLED)
    await connection.close()
    async with httpx.AsyncClient(
        base_url=platform.url("crm"), timeout=30, trust_env=False
    ) as client:
        listed = await _work_lists(platform, client, requests)
        found = await _searches(platform, client, customers, requests)
    return Found(
        customers,
        fill_s,
        first_night_s,
        nightly_s,
        tasks,
        doubled,
        *_percentiles(listed),
        *_percentiles(found),
    )


async def _all_nights_begin(connection: Connection) -> bool:
    known: int = await connection.fetchval(_SCHEDULED, list(_KINDS))
    return known == len(_KINDS) * len(STORES)


async def _night(
    platform: Platform, connection: Connection, begin: datetime, killed_after: int | None = None
) -> float:
    """Return the seconds of a night; the service is killed after so many reviews of customers."""
    began = time.perf_counter()
    _clock(platform).set(begin, running=True)

    async def has_ended() -> bool:
        return not await connection.fetchval(_OPEN, list(_KINDS), business_now(platform))

    if killed_after is not None:

        async def is_amid() -> bool:
            reviewed: int = await connection.fetchval("SELECT count(*) FROM customer_review")
            return reviewed >= killed_after

        assert await until(is_amid, _SLOWEST_S)
        platform.process("crm").kill()
        await platform.restart("crm")
    assert await until(has_ended, _SLOWEST_S)
    return time.perf_counter() - began


async def _work_lists(
    platform: Platform, client: httpx.AsyncClient, requests: int
) -> Sequence[float]:
    """Return the seconds that agents waited for their due calls."""
    seconds = []
    for number in range(requests + _WARM_UP):
        store = STORES[number % len(STORES)]
        agent = f"{store}-agent-{1 + number % 2}"
        token = platform.issuer.token(agent, roles=["customer_care_agent"], stores=[store])
        seconds.append(
            await _timed(
                client.get(
                    f"/stores/{store}/due-calls",
                    params={"agent_id": agent, "limit": 50},
                    headers={"Authorization": f"Bearer {token}"},
                )
            )
        )
    return seconds[_WARM_UP:]


async def _searches(
    platform: Platform, client: httpx.AsyncClient, customers: int, requests: int
) -> Sequence[float]:
    """Return the seconds that an advisor waited for those found, by every kind of token in turn."""
    seconds = []
    wanted = list(islice(known_customers(STORES, customers), 0, None, max(1, customers // 50)))
    turns = zip(cycle(wanted), cycle(range(_ASKED)), strict=False)
    for each, kind in islice(turns, requests + _WARM_UP):
        token = platform.issuer.token(
            f"{each.store_id}-advisor-1", roles=["service_advisor"], stores=[each.store_id]
        )
        asked = client.post(
            f"/stores/{each.store_id}/customer-searches",
            json={"text": _known_of(each)[kind]},
            headers={"Authorization": f"Bearer {token}"},
        )
        seconds.append(await _timed(asked))
    return seconds[_WARM_UP:]


_ASKED = 11


def _known_of(each: Known) -> list[str]:
    """Return what may be known of a customer, one text for each kind of match."""
    syllables = [said[0] for said in readings(each.name)]
    return [
        each.name,
        "".join(syllables),
        "".join(said[0] for said in syllables),
        each.phone,
        each.phone[-4:],
        each.plate,
        each.plate[-5:],
        each.plate[-3:],
        each.vin,
        each.vin[-8:],
        each.vin[-6:],
    ]


async def _timed(request: Any) -> float:
    began = time.perf_counter()
    response: httpx.Response = await request
    took = time.perf_counter() - began
    response.raise_for_status()
    return took


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile in milliseconds."""
    percentiles = quantiles(seconds, n=100, method="inclusive")
    return percentiles[49] * 1000, percentiles[98] * 1000


def _clock(platform: Platform) -> SimulatedClock:
    assert platform.settings.clock_file
    return SimulatedClock(platform.settings.clock_file)
