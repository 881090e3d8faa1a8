"""Defection and retention by month, from the events alone (R25, R26, R33)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from deploy.embedded.platform import Platform
from services.reporting.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.crm import CustomerMerged, LoyaltyChanged, PolicyRecorded
from shared.contracts.reception import OrderCustomerLinked, VehicleDelivered
from tests.support.event_examples import EXAMPLES
from tests.support.harness import InProcess, Publisher, in_process


@pytest.fixture(scope="module")
async def reporting(servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(servers, "reporting", create_app) as running:
        yield running


def on(year: int, month: int, day: int = 10) -> datetime:
    return datetime(year, month, day, 4, tzinfo=UTC)


def delivered(order: str, customer: str | None, at: datetime) -> VehicleDelivered:
    return VehicleDelivered(
        store_id="S01",
        order_id=order,
        advisor_id="S01-advisor-1",
        customer_ref=customer,
        delivered_at=at,
        steps=(),
    )


async def test_lapse_counts_visitors_who_did_not_return(
    reporting: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    silver = LoyaltyChanged(
        store_id="S01",
        customer_ref="c-1",
        old_tier=None,
        new_tier="silver",
        reasons=("visit",),
        tier_rule="2025-01-01",
        changed_at=on(2025, 8),
    )
    await outside.publish(silver, at=on(2025, 8))
    visits = (
        delivered("o-1", "c-1", on(2025, 8)),
        delivered("o-2", "c-2", on(2025, 8)),
        delivered("o-3", None, on(2025, 8)),
        OrderCustomerLinked(store_id="S01", order_id="o-3", customer_ref="c-3"),
        delivered("o-4", "c-2", on(2025, 12)),
        delivered("o-5", "c-4", on(2026, 2)),
        delivered("o-6", "c-3", on(2026, 3, 1)),
    )
    for each in visits:
        await outside.publish(each, at=getattr(each, "delivered_at", on(2025, 8)))
    await reporting.wait_until_idle()

    response = await reporting.get("/stores/S01/monthly-retention", "service_manager", months=2)
    assert response.status_code == 200, response.text
    january, february = response.json()
    assert (january["month"], january["lapse_rate"], january["retention_rate"]) == (
        "2026-01",
        None,
        1,
    )
    assert (february["visited"], february["returned"]) == (3, 1)
    assert february["lapse_rate"] == pytest.approx(2 / 3)
    assert february["lapse_by_tier"] == {"silver": 1, "none": 0.5}
    assert (february["active_at_start"], february["new_customers"]) == (3, 1)
    assert (february["active_at_end"], february["retention_rate"]) == (4, 1)

    merged = CustomerMerged(
        store_id="S01",
        customer_ref="c-2",
        into_customer_ref="c-1",
        merged_by="S01-care-1",
        merged_at=on(2026, 3, 2),
    )
    await outside.publish(merged, at=on(2026, 3, 2))
    await reporting.wait_until_idle()
    response = await reporting.get("/stores/S01/monthly-retention", "service_manager", months=1)
    (february,) = response.json()
    assert (february["visited"], february["returned"]) == (2, 1)
    assert february["lapse_by_tier"] == {"silver": 0, "none": 1}

    forbidden = await reporting.get("/stores/S01/monthly-retention", "technician")
    assert forbidden.status_code == 403


async def test_renewals_are_counted_against_year_before(
    reporting: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    clock.set(on(2026, 3, 20))
    example = PolicyRecorded.model_validate(EXAMPLES["aftersales.crm.PolicyRecorded.v1"])

    def policy(number: int, begins_on: str, **changes: object) -> PolicyRecorded:
        kept = {"store_id": "S01", "sold_here": True, "is_renewal": False, "renews_renewal": None}
        ids = {"policy_id": f"p-{number}", "customer_ref": f"c-p-{number}"}
        return example.model_copy(update={**kept, **ids, "begins_on": begins_on, **changes})

    sold = (
        policy(1, "2025-03-05"),
        policy(2, "2025-03-31"),
        policy(3, "2025-03-09", is_renewal=True, renews_renewal=False),
        policy(4, "2025-03-09", sold_here=False),
        policy(5, "2026-03-05", is_renewal=True, renews_renewal=False),
        policy(6, "2026-03-09", is_renewal=True, renews_renewal=True),
    )
    await outside.publish(*sold, at=on(2026, 3, 1))
    await outside.publish(delivered("o-p", "c-p-1", on(2025, 3)), at=on(2026, 3, 1))
    await reporting.wait_until_idle()
    response = await reporting.get("/stores/S01/monthly-renewals", "service_manager", months=1)
    march = response.json()["months"][-1]
    assert (march["month"], march["renewals"]) == ("2026-03", 2)
    assert (march["new_before"], march["renewals_before"], march["visitors_before"]) == (2, 1, 1)
    assert march["renewal_rate"] == pytest.approx(2 / 3)
    assert (march["renewal_new_rate"], march["renewal_again_rate"]) == (1 / 2, 1)
