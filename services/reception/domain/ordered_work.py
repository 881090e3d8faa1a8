"""Ordered work (委托维修项目): the customer agrees to its estimate, or declines it.

Before the opening any work may be estimated; an order is opened with what the customer agrees to.
"""

from services.reception.domain.estimate import Estimate
from services.reception.domain.estimate_version import (
    DecisionRecord,
    EstimateVersion,
    Versions,
    decided,
    last_authorized,
    next_version,
    require_awaiting,
    superseded,
    with_versions,
)
from services.reception.domain.order import Order, require_seen
from services.reception.domain.repair_order import RepairOrder
from shared.contracts.reception import EstimateAuthorized, EstimateDeclined


def check_seen(order: Order, versions: Versions, seen: str) -> None:
    """Refuse to open an order that has changed since it was seen.

    The violation names the number of the estimate that the customer has declined last.
    """
    ordered = [version for version in versions if version.additional_work_id is None]
    declined = bool(ordered) and ordered[-1].status == "declined"
    require_seen(order, seen, declined_estimate=ordered[-1].version if declined else None)


def agree_at_opening(
    repair_order: RepairOrder,
    versions: Versions,
    priced: Estimate,
    decision_record: DecisionRecord,
    advisor_id: str,
) -> tuple[RepairOrder, EstimateVersion, list[EstimateVersion]]:
    """Return the version that an order is opened with, and all changed versions.

    It is the authorized one if it has these lines, else a new one that the customer agrees to now.
    OrderOpened will say so.
    """
    changed = superseded(versions, None)
    agreed = last_authorized(versions, None)
    if agreed is None or (agreed.lines, agreed.labor_operations) != (
        priced.lines,
        priced.labor_operations,
    ):
        estimate_version = next_version(
            repair_order, versions, priced, None, advisor_id, decision_record.at
        )
        agreed = decided(estimate_version, "authorized", decision_record)
        changed.append(agreed)
    return with_versions(repair_order, versions, changed), agreed, changed


def authorize(
    repair_order: RepairOrder, versions: Versions, version: int, decision_record: DecisionRecord
) -> tuple[RepairOrder, EstimateVersion, list[EstimateAuthorized]]:
    """Authorize the ordered work at these prices (估价授权).

    Raises:
        RuleViolation: the version is old or already decided on, or the order is past it.
    """
    estimate_version = require_awaiting(repair_order, versions, version)
    agreed = decided(estimate_version, "authorized", decision_record)
    event = EstimateAuthorized(
        store_id=repair_order.store_id,
        order_id=repair_order.order_id,
        estimate_version=version,
        lines=agreed.lines,
        total_cents=agreed.total_cents,
        channel=decision_record.channel,
        recorded_by=decision_record.recorded_by,
        authorized_at=decision_record.at,
    )
    return with_versions(repair_order, versions, [agreed]), agreed, [event]


def decline(
    repair_order: RepairOrder, versions: Versions, version: int, decision_record: DecisionRecord
) -> tuple[RepairOrder, EstimateVersion, list[EstimateDeclined]]:
    """Decline a version of the ordered work for the customer; what was agreed before stands.

    Raises:
        RuleViolation: as for :func:`authorize`.
    """
    estimate_version = require_awaiting(repair_order, versions, version)
    declined = decided(estimate_version, "declined", decision_record)
    event = EstimateDeclined(
        store_id=repair_order.store_id,
        order_id=repair_order.order_id,
        estimate_version=version,
        channel=decision_record.channel,
        recorded_by=decision_record.recorded_by,
        declined_at=decision_record.at,
    )
    return with_versions(repair_order, versions, [declined]), declined, [event]
