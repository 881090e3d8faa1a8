"""Withdrawn work: only the done part is invoiced (R4, R12)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.reception.domain import additional_work, withdrawal
from services.reception.domain.estimate import (
    CatalogOperation,
    PartQuantity,
    PriceList,
    RequestedWork,
    estimate,
    sum_of,
)
from services.reception.domain.estimate_version import DecisionRecord, EstimateVersion, present
from services.reception.domain.invoicing import Terms, issue_invoice
from services.reception.domain.ordered_work import agree_at_opening
from services.reception.domain.prices import Prices
from services.reception.domain.promise import Promise
from services.reception.domain.repair_order import Discount, RepairOrder, finish_work
from services.reception.domain.withdrawal import Withdrawal, WorkDone, WorkState
from shared.contracts.management import PromiseRules
from shared.contracts.reception import EstimateLine, WorkWithdrawn
from tests.support.orders import NOW, invoiced, opened, violates

HOURS = {"A": 0.6, "B": 2.0, "C": 1.3}
PRICES = PriceList(
    {code: CatalogOperation(code, "mechanical", hours) for code, hours in HOURS.items()},
    Prices(parts={"OIL": 8_800, "PAD": 12_345}, labor_rates={"mechanical": 18_001}),
)
DECISION = DecisionRecord("in_person", "a1", NOW)
STATES = st.sampled_from(["open", "begun", "finished"])


def in_progress(*more: str) -> tuple[RepairOrder, list[EstimateVersion]]:
    """Return an order in progress with all versions of its estimate; ``more`` is additional
    work.
    """
    order = replace(opened().repair_order, status="greeted")
    parts = (PartQuantity("OIL", 4), PartQuantity("PAD", 1))
    priced = estimate(PRICES, RequestedWork(("A", "B", "C"), parts))
    order, _, versions = agree_at_opening(order, (), priced, DECISION, "a1")
    order = replace(order, status="in_progress", opened_at=NOW)
    if more:
        order, found, _ = present(
            order,
            versions,
            estimate(PRICES, RequestedWork(more)),
            has_invoice=False,
            additional_work_id="w1",
            presented_by="t1",
            now=NOW,
        )
        versions = [*versions, *found]
        promise = Promise(NOW + timedelta(hours=3), 0.95, "h2", provisional=False)
        decision = replace(DECISION, promised_at=promise.promised_at)
        order, agreed, _ = additional_work.authorize(
            order, versions, 2, decision, promise, PromiseRules()
        )
        versions = [versions[0], agreed]
    return order, versions


def withdraw(
    order: RepairOrder,
    versions: list[EstimateVersion],
    op_codes: Sequence[str] = (),
    parts: Sequence[str] = (),
    done: Sequence[WorkDone] = (),
    has_invoice: bool = False,
) -> tuple[RepairOrder, list[EstimateVersion], list[WorkWithdrawn]]:
    asked = Withdrawal(tuple(op_codes), tuple(parts), "vehicle_needed")
    return withdrawal.withdraw(
        order, versions, asked, done, DECISION, "w9", has_invoice=has_invoice
    )


def amounts(lines: tuple[EstimateLine, ...]) -> dict[str, int]:
    return {line.code: line.amount_cents for line in lines}


def test_unstarted_labor_operation_is_declined_whole() -> None:
    order, versions = in_progress()
    after, changed, (event,) = withdraw(order, versions, ["C"], ["PAD"])
    assert [line.code for line in after.lines] == ["A", "B", "OIL"]
    assert [each.op_code for each in after.labor_operations] == ["A", "B"]
    replaced, agreed, declined = changed
    assert (replaced.version, replaced.status) == (1, "superseded")
    assert (agreed.version, agreed.status, agreed.additional_work_id) == (2, "authorized", None)
    assert (declined.version, declined.status, declined.additional_work_id) == (3, "declined", "w9")
    assert [line.code for line in declined.lines] == ["C", "PAD"]
    assert (event.withdrawn_op_codes, event.replaced_versions) == (("C",), (1,))
    assert (event.lines, event.estimate_cents) == (after.lines, sum_of(after.lines))


def test_withdrawn_additional_work_leaves_original_work() -> None:
    order, versions = in_progress("B")
    done = [WorkDone("B", "finished", 7200), WorkDone("B", "open", 0)]
    after, changed, _ = withdraw(order, versions, ["B"], done=done)
    assert after.lines == versions[0].lines
    assert [(each.version, each.status) for each in changed] == [(2, "superseded"), (3, "declined")]


@pytest.mark.parametrize(
    ("labor_s", "hours", "cents"),
    [
        (0, 0.1, 1_800),
        (1, 0.1, 1_800),
        (360, 0.1, 1_800),
        (361, 0.2, 3_600),
        (9_999_999, 2.0, 36_002),
    ],
)
def test_stopped_labor_operation_is_charged_by_tenth_hours(
    labor_s: int, hours: float, cents: int
) -> None:
    order, versions = in_progress()
    after, _, _ = withdraw(order, versions, ["B"], done=[WorkDone("B", "begun", labor_s)])
    (line,) = (line for line in after.lines if line.code == "B")
    assert (line.standard_hours, line.amount_cents) == (hours, cents)
    assert "B" not in [each.op_code for each in after.labor_operations]


@given(
    st.dictionaries(st.sampled_from([*HOURS]), st.tuples(STATES, st.integers(0, 10_000))),
    st.sets(st.sampled_from(["OIL", "PAD"])),
)
def test_stopped_order_charges_finished_and_started_work(
    progress: dict[str, tuple[WorkState, int]], parts: set[str]
) -> None:
    order, versions = in_progress()
    done = [WorkDone(code, state, labor_s) for code, (state, labor_s) in progress.items()]
    finished = {each.op_code for each in done if each.state == "finished"}
    begun = {each.op_code for each in done if each.state == "begun"}
    unfinished = HOURS.keys() - finished
    billed_codes = (finished | begun | {"OIL", "PAD"}) - parts
    assume(unfinished and billed_codes)
    after, changed, _ = withdraw(order, versions, sorted(unfinished), sorted(parts), done)
    whole, kept = amounts(versions[0].lines), amounts(after.lines)
    assert kept.keys() == billed_codes
    assert all(kept[code] == whole[code] for code in finished)
    assert all(kept[code] <= whole[code] for code in begun)
    assert {each.op_code for each in after.labor_operations} == finished
    assert [each.status for each in changed].count("declined") == 1


def test_withdrawal_removes_discount() -> None:
    order, versions = in_progress()
    discount = Discount(amount_cents=9, reason="other", requested_by="a1", approved_by="m1")
    after, _, _ = withdraw(replace(order, discount=discount), versions, ["C"])
    assert after.discount is None


def test_stopped_order_becomes_ready_and_is_invoiced() -> None:
    order, versions = in_progress()
    done = [WorkDone("A", "finished", 900), WorkDone("B", "begun", 3600)]
    after, _, _ = withdraw(order, versions, ["B", "C"], ["PAD"], done)
    ready = replace(opened(), repair_order=finish_work(after, NOW, ["A"]))
    _, _, invoice, _ = issue_invoice(
        ready, invoice_id="i1", terms=Terms(1300, timedelta(days=30)), now=NOW
    )
    assert amounts(invoice.lines) == {"A": 10_801, "B": 18_001, "OIL": 35_200}


@pytest.mark.parametrize(
    ("op_codes", "parts", "done", "rule"),
    [
        (["A"], [], [WorkDone("A", "finished", 1)], "already_finished"),
        ([], ["OIL"], [WorkDone(code, "finished", 1) for code in HOURS], "already_finished"),
        (["X"], [], [], "unknown_code"),
        ([], ["X"], [], "unknown_code"),
        ([], [], [], "nothing_to_do"),
        (["A", "B", "C"], ["OIL", "PAD"], [], "nothing_left"),
    ],
)
def test_invalid_withdrawal_is_rejected(
    op_codes: list[str], parts: list[str], done: list[WorkDone], rule: str
) -> None:
    with violates(rule):
        withdraw(*in_progress(), op_codes, parts, done)


def test_withdrawal_with_pending_estimate_is_rejected() -> None:
    order, versions = in_progress()
    with violates("awaits_authorization"):
        withdraw(replace(order, awaiting_estimates=1), versions, ["C"])
    with violates("already_invoiced"):
        withdraw(invoiced().repair_order, versions, ["C"], has_invoice=True)


def test_amount_other_than_agreed_is_rejected() -> None:
    order, versions = in_progress()
    after, _, _ = withdraw(order, versions, ["B"], done=[WorkDone("B", "begun", 360)])
    withdrawal.require_agreed(after, after.estimate_cents)
    with violates("amount_changed"):
        withdrawal.require_agreed(after, after.estimate_cents - 1)
