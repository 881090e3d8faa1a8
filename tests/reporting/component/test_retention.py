"""Defection, retention, renewal and lifetime value, from the events alone (R25, R26, R29, R33)."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from deploy.embedded.platform import Platform
from services.reporting.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.crm import (
    CustomerMerged,
    CustomerRegistered,
    FirstRegistrationRecorded,
    LoyaltyChanged,
    OwnershipChanged,
    PolicyRecorded,
    VehicleRole,
)
from shared.contracts.management import (
    GROUP,
    MonthlyCosts,
    MonthlyCostsDefined,
    MonthlyCostsVersion,
    PartMaster,
)
from shared.contracts.reception import (
    CreditNoteIssued,
    EstimateLine,
    InvoiceIssued,
    OrderCustomerLinked,
    OrderOpened,
    PayerSplit,
    VehicleDelivered,
)
from tests.support.catalog import defined, item
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


def registered(
    customer: str, vehicle: str, at: datetime, role: VehicleRole = "owner"
) -> CustomerRegistered:
    return CustomerRegistered(
        store_id="S01",
        customer_ref=customer,
        vehicle_ref=vehicle,
        vehicle_role=role,
        registered_at=at,
    )


def invoiced(order: str, at: datetime, labor: int, part: str = "", pays: str = "") -> InvoiceIssued:
    """Return the invoice for labor and, of two parts, 200 yuan; both with 13 % tax."""
    example = InvoiceIssued.model_validate(EXAMPLES["aftersales.reception.InvoiceIssued.v1"])
    lines = [EstimateLine(kind="labor", code="MNT", quantity=1, amount_cents=labor)]
    if part:
        lines.append(EstimateLine(kind="part", code=part, quantity=2, amount_cents=20_000))
    total = sum(line.amount_cents for line in lines)
    return example.model_copy(
        update={
            "store_id": "S01",
            "order_id": order,
            "invoice_id": f"i-{order}",
            "lines": tuple(lines),
            "total_cents": total,
            "payer_splits": (PayerSplit(payer=pays or "customer", amount_cents=total, due_at=at),),
            "issued_at": at,
        }
    )


def opened(order: str, vehicle: str) -> OrderOpened:
    example = OrderOpened.model_validate(EXAMPLES["aftersales.reception.OrderOpened.v1"])
    return example.model_copy(update={"store_id": "S01", "order_id": order, "vehicle_ref": vehicle})


def costs(month: str, **versions: int) -> MonthlyCostsDefined:
    """Return the costs of a month, whose advertising is given by day."""
    return MonthlyCostsDefined(
        store_id=GROUP,
        record_id=f"{month}.S01",
        for_stores=("S01",),
        versions=tuple(
            MonthlyCostsVersion(
                valid_from=day.replace("_", "-").removeprefix("d"),
                content=MonthlyCosts(
                    building_cents=100_00,
                    staff_cents=200_00,
                    working_capital_cents=30_00,
                    advertising_cents=advertising,
                    vehicles_sold=3,
                    vehicle_profit_cents=80_00,
                ),
            )
            for day, advertising in versions.items()
        ),
    )


async def test_lifetime_value_follows_owners_by_year(
    reporting: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    clock.set(on(2026, 3, 20))
    oil: PartMaster = defined("catalog", "part:OIL-5W30")
    cheap, dear = (oil.model_copy(update={"cost_cents": cents}) for cents in (1_130, 2_260))
    await outside.publish(
        item("part:LTV-OIL", (date(2024, 1, 1), cheap), (date(2025, 6, 1), dear)),
        costs("2024-02", d2024_03_05=40_00, d2026_03_21=90_00),
        costs("2025-05", d2025_06_01=0),
        costs("2025-07", d2025_08_01=0),
        at=on(2026, 3, 20),
    )
    sold = OwnershipChanged(
        store_id="S01",
        vehicle_record_id="S01:v-2",
        vehicle_ref="v-2",
        customer_ref="l-3",
        former_customer_ref="l-2",
        changed_at=on(2025, 5),
    )
    merged = CustomerMerged(
        store_id="S01",
        customer_ref="l-old",
        into_customer_ref="l-1",
        merged_by="S01-care-1",
        merged_at=on(2026, 3, 2),
    )
    first = FirstRegistrationRecorded(
        store_id="S01",
        vehicle_record_id="S01:v-1",
        vehicle_ref="v-1",
        first_registered_month="2024-02",
        recorded_at=on(2026, 3, 1),
    )

    note = CreditNoteIssued.model_validate(EXAMPLES["aftersales.reception.CreditNoteIssued.v1"])
    credited = note.model_copy(
        update={
            "store_id": "S01",
            "order_id": "o-b",
            "invoice_id": "i-o-b",
            "lines": tuple(line.model_copy(update={"pay_type": "customer"}) for line in note.lines),
            "total_cents": 1_130,
        }
    )
    await outside.publish(
        registered("l-1", "v-1", on(2026, 3, 1)),
        first,
        registered("l-old", "v-9", on(2025, 9)),
        merged,
        registered("l-2", "v-2", on(2024, 3)),
        registered("l-3", "v-2", on(2025, 5)),
        sold,
        registered("l-driver", "v-2", on(2025, 6), "driver"),
        registered("l-new", "v-7", on(2026, 3, 2)),
        # The customer of the order, through a merger; the part's cost is that of the day.
        delivered("o-a", "l-old", on(2025, 1)),
        invoiced("o-a", on(2025, 1), 113_00, part="LTV-OIL"),
        delivered("o-b", "l-1", on(2025, 8)),
        invoiced("o-b", on(2025, 8), 113_00, part="LTV-OIL"),
        credited,
        # A driver owns nothing, so that the owner of the vehicle on the day counts.
        opened("o-c", "v-2"),
        delivered("o-c", "l-driver", on(2025, 7)),
        invoiced("o-c", on(2025, 7), 226_00, part="UNKNOWN"),
        opened("o-d", "v-2"),
        invoiced("o-d", on(2024, 4), 113_00, pays="internal"),
        opened("o-e", "v-lost"),
        invoiced("o-e", on(2025, 7), 339_00),
        at=on(2026, 3, 2),
    )
    await reporting.wait_until_idle()

    path = "/stores/S01/lifetime-value"
    response = await reporting.get(path, "group_finance_manager", by="month", months=36)
    assert response.status_code == 200, response.text
    found = response.json()
    assert (found["first_month"], found["last_month"]) == ("2023-03", "2026-02")
    assert [each["cohort"] for each in found["cohorts"]] == ["2024-02", "2024-03", "2025-05"]
    february, march, may = found["cohorts"]
    assert (february["customers"], february["is_small"]) == (1, True)
    assert february["acquisition"]["acquisition_cents"] == 290_00
    # 313.00 less 22.60 is 256.99 without tax; 313.00 less 45.20 and 11.30 credited is 226.99.
    assert [
        (each["year"], each["contribution_cents"], each["value_cents"], each["is_complete"])
        for each in february["years"]
    ] == [(1, 256_99, -33_01, True), (2, 226_99, 193_98, True), (3, 0, 193_98, False)]
    assert february["break_even_year"] == 2
    assert (march["acquisition"], march["missing_months"]) == (None, ["2024-03"])
    assert [each["contribution_cents"] for each in march["years"]] == [0, 0, 0]
    assert [each["value_cents"] for each in march["years"]] == [None, None, None]
    assert may["years"][0]["contribution_cents"] == 376_99
    assert may["uncosted_parts_cents"] == 176_99
    assert (found["months_without_owners"], found["unallocated_cents"]) == (["2025-07"], 250_00)
    assert found["of_no_owner_cents"] == 300_00
    total = found["total"]
    assert (total["customers"], total["acquisition"]) == (3, None)
    assert total["years"][0]["contribution_cents"] == 256_99 + 376_99

    response = await reporting.get(path, "service_manager", last_month="2025-12")
    by_year = response.json()["cohorts"]
    assert [(each["cohort"], each["customers"]) for each in by_year] == [("2024", 2), ("2025", 1)]
    assert by_year[0]["missing_months"] == ["2024-03"]

    assert (await reporting.get(path, "service_advisor")).status_code == 403
    elsewhere = "/stores/S02/lifetime-value"
    assert (await reporting.get(elsewhere, "service_manager")).status_code == 403
    wrong = await reporting.get(path, "group_finance_manager", last_month="2025-13")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "last_month")
