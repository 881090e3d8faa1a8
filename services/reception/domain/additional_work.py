"""Additional work (增项): offered to the customer, authorized or declined, and offered again.

It is work beside the ordered work: a technician has found it, an advisor has added it, or the
customer wants only a part of what was offered, and the rest is a matter of its own.

When the customer declines it (:func:`decline`), its version is ``declined``. What was agreed before
stays as it is: work, price and promise. ``AdditionalWorkDeclined`` tells the workshop, which
notes it on the work that its technician has found, and customer relations, which asks no more.
At the vehicle's next visits the work is offered again (:func:`work_to_reoffer`), and so is work
that was found too late to be offered, or never answered.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.reception.domain import promise as promises
from services.reception.domain.estimate import Estimate
from services.reception.domain.estimate_version import (
    DecisionRecord,
    EstimateVersion,
    Versions,
    decided,
    next_version,
    present,
    require_awaiting,
    with_versions,
)
from services.reception.domain.promise import Promise
from services.reception.domain.repair_order import RepairOrder
from shared.contracts.management import PromiseRules
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    EstimatePresented,
)


def offer(
    repair_order: RepairOrder,
    versions: Versions,
    priced: Estimate,
    *,
    has_invoice: bool,
    additional_work_id: str,
    presented_by: str,
    now: datetime,
) -> tuple[RepairOrder, list[EstimateVersion], list[EstimatePresented]]:
    """Present work that the workshop has found to the customer (增项).

    Where the visit has ended or is invoiced, the work was found too late: it is kept as not offered
    (未报价), to be offered at the next visit.
    """
    if not has_invoice and repair_order.status in ("opened", "in_progress", "ready"):
        return present(
            repair_order,
            versions,
            priced,
            has_invoice=has_invoice,
            additional_work_id=additional_work_id,
            presented_by=presented_by,
            now=now,
        )
    late = next_version(repair_order, versions, priced, additional_work_id, presented_by, now)
    return repair_order, [replace(late, status="not_offered")], []


def authorize(
    repair_order: RepairOrder,
    versions: Versions,
    version: int,
    decision_record: DecisionRecord,
    promise: Promise,
    rules: PromiseRules,
) -> tuple[RepairOrder, EstimateVersion, list[AdditionalWorkAuthorized]]:
    """Authorize additional work (增项授权); the vehicle may be ready later.

    Raises:
        RuleViolation: the version is old or already decided on, the order is past it, or the
            customer saw an earlier promise.
    """
    estimate_version = require_awaiting(repair_order, versions, version)
    assert estimate_version.additional_work_id  # noqa: S101
    agreed = decided(estimate_version, "authorized", decision_record)
    resumed = promises.extend(repair_order, promise, decision_record.promised_at, rules)
    event = AdditionalWorkAuthorized(
        store_id=repair_order.store_id,
        order_id=repair_order.order_id,
        additional_work_id=estimate_version.additional_work_id,
        labor_operations=agreed.labor_operations,
        lines=agreed.lines,
        total_cents=agreed.total_cents,
        estimate_version=version,
        channel=decision_record.channel,
        recorded_by=decision_record.recorded_by,
        promised_at=resumed.promised_at,
        hold_id=promise.hold_id,
        authorized_at=decision_record.at,
    )
    if repair_order.status == "ready" and agreed.labor_operations:
        resumed = replace(resumed, status="in_progress", ready_at=None)
    return with_versions(resumed, versions, [agreed]), agreed, [event]


def decline(
    repair_order: RepairOrder, versions: Versions, version: int, decision_record: DecisionRecord
) -> tuple[RepairOrder, EstimateVersion, list[AdditionalWorkDeclined]]:
    """Decline additional work for the customer (增项拒绝); what was agreed before stands.

    The declined part of an estimate is additional work too, also where it is the first estimate:
    the store offers it again, as it does any other. The workshop has found nothing of the kind
    there, and keeps nothing.

    Raises:
        RuleViolation: the version is old or already decided on, or the order is past it.
    """
    estimate_version = require_awaiting(repair_order, versions, version)
    assert estimate_version.additional_work_id  # noqa: S101
    declined = decided(estimate_version, "declined", decision_record)
    event = AdditionalWorkDeclined(
        store_id=repair_order.store_id,
        order_id=repair_order.order_id,
        additional_work_id=estimate_version.additional_work_id,
        op_codes=tuple(operation.op_code for operation in estimate_version.labor_operations),
        channel=decision_record.channel,
        recorded_by=decision_record.recorded_by,
        declined_at=decision_record.at,
    )
    return with_versions(repair_order, versions, [declined]), declined, [event]


def work_to_reoffer(
    found: Sequence[EstimateVersion], ordered_since: Sequence[str]
) -> list[EstimateVersion]:
    """Return work ``found`` at earlier visits that was not ordered since (未做增项).

    It is offered again, as long as any of its operations was not ordered.
    """
    since = set(ordered_since)
    return [
        version
        for version in found
        if not since.issuperset(operation.op_code for operation in version.labor_operations)
    ]
