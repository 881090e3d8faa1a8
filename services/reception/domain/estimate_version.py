"""Versions of an order's estimate (估价版本): what the customer is asked, and what they answered.

Each version is a proposal for one matter: the ordered work, or one piece of additional work (增项).
A newer version takes the place of undecided versions on the same matter. What is done and invoiced
is what the customer has agreed to last, matter by matter.

A version that the customer has not decided on says why: it was found too late to be offered
(``not_offered``), or the visit was cancelled before they answered (``unanswered``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.reception.domain import errors
from services.reception.domain.estimate import Estimate, sum_of
from services.reception.domain.lifecycle import require_status
from services.reception.domain.link import LinkConsent
from services.reception.domain.repair_order import RepairOrder
from shared.contracts.reception import Channel, EstimateLine, EstimatePresented, LaborOperation

Status = Literal["awaiting", "authorized", "declined", "not_offered", "unanswered", "superseded"]
"""待授权、已授权、已拒绝、未报价、未答复、已被替代."""


@dataclass(frozen=True)
class EstimateVersion:
    """Version of an estimate: its lines and its status. Money in integer cents."""

    store_id: str
    order_id: str
    version: int
    additional_work_id: str | None
    labor_operations: tuple[LaborOperation, ...]
    lines: tuple[EstimateLine, ...]
    status: Status
    presented_by: str
    presented_at: datetime
    channel: Channel | None = None
    recorded_by: str | None = None
    decided_at: datetime | None = None
    link_consent: LinkConsent | None = None

    @property
    def total_cents(self) -> int:
        return sum_of(self.lines)


@dataclass(frozen=True)
class DecisionRecord:
    """Record of the customer's decision: who took it; no user where it came over a link.

    ``promised_at`` is the new promise that they saw, absent where it was the present one.
    ``link_consent`` has the circumstances of a decision over a link.
    """

    channel: Channel
    recorded_by: str | None
    at: datetime
    promised_at: datetime | None = None
    link_consent: LinkConsent | None = None


Versions = Sequence[EstimateVersion]


def present(
    repair_order: RepairOrder,
    versions: Versions,
    priced: Estimate,
    *,
    has_invoice: bool,
    additional_work_id: str | None,
    presented_by: str,
    now: datetime,
) -> tuple[RepairOrder, list[EstimateVersion], list[EstimatePresented]]:
    """Present a new version to the customer; return all changed versions, the new one last.

    Raises:
        RuleViolation: the order's status does not allow it, it is invoiced, or the operations of
            work in progress would change.
    """
    _require_estimable(repair_order, versions, priced, additional_work_id, has_invoice=has_invoice)
    replaced = superseded(versions, additional_work_id)
    estimate_version = next_version(
        repair_order, versions, priced, additional_work_id, presented_by, now
    )
    changed = [*replaced, estimate_version]
    return with_versions(repair_order, versions, changed), changed, [presented(estimate_version)]


def require_awaiting(
    repair_order: RepairOrder, versions: Versions, version: int
) -> EstimateVersion:
    """Require a version on which the customer may decide, and return it.

    Raises:
        RuleViolation: there is none, it is old or already decided on, or the order is past it.
    """
    found = next((each for each in versions if each.version == version), None)
    if found is None:
        raise errors.unknown_version(version)
    if found.status == "superseded":
        raise errors.old_version(version, versions[-1].version)
    if found.status in ("authorized", "declined"):
        raise errors.already_decided(version, found.status)
    require_status(repair_order.status, "estimate")
    if found.status == "not_offered":
        raise errors.already_invoiced()
    return found


def close_unanswered(
    repair_order: RepairOrder, versions: Versions
) -> tuple[RepairOrder, list[EstimateVersion]]:
    """Close the versions of a cancelled visit that the customer has not decided on (未答复).

    Returns all changed versions.
    """
    unanswered = [
        replace(version, status="unanswered")
        for version in versions
        if version.status == "awaiting"
    ]
    return with_versions(repair_order, versions, unanswered), unanswered


def agreed_versions(versions: Versions) -> list[EstimateVersion]:
    """Return the last agreed version on each matter, in the order in which they came up."""
    by_matter: dict[str | None, EstimateVersion] = {}
    for version in versions:
        by_matter.setdefault(version.additional_work_id, version)
        if version.status == "authorized":
            by_matter[version.additional_work_id] = version
    return [version for version in by_matter.values() if version.status == "authorized"]


def last_authorized(versions: Versions, additional_work_id: str | None) -> EstimateVersion | None:
    """Return the last version on a matter that the customer has agreed to."""
    agreed = [
        version
        for version in versions
        if version.status == "authorized" and version.additional_work_id == additional_work_id
    ]
    return agreed[-1] if agreed else None


def next_version(
    repair_order: RepairOrder,
    versions: Versions,
    priced: Estimate,
    additional_work_id: str | None,
    presented_by: str,
    now: datetime,
) -> EstimateVersion:
    """Return the version that comes after ``versions``; the customer has yet to decide on it."""
    return EstimateVersion(
        store_id=repair_order.store_id,
        order_id=repair_order.order_id,
        version=len(versions) + 1,
        additional_work_id=additional_work_id,
        labor_operations=priced.labor_operations,
        lines=priced.lines,
        status="awaiting",
        presented_by=presented_by,
        presented_at=now,
    )


def presented(estimate_version: EstimateVersion) -> EstimatePresented:
    """Return the event that a version was presented to the customer."""
    return EstimatePresented(
        store_id=estimate_version.store_id,
        order_id=estimate_version.order_id,
        estimate_version=estimate_version.version,
        additional_work_id=estimate_version.additional_work_id,
        lines=estimate_version.lines,
        total_cents=estimate_version.total_cents,
        presented_by=estimate_version.presented_by,
        presented_at=estimate_version.presented_at,
    )


def decided(
    estimate_version: EstimateVersion,
    status: Literal["authorized", "declined"],
    decision_record: DecisionRecord,
) -> EstimateVersion:
    """Return a version with the customer's decision on it."""
    return replace(
        estimate_version,
        status=status,
        channel=decision_record.channel,
        recorded_by=decision_record.recorded_by,
        decided_at=decision_record.at,
        link_consent=decision_record.link_consent,
    )


def superseded(versions: Versions, additional_work_id: str | None) -> list[EstimateVersion]:
    """Return the undecided versions on a matter, of which a newer version takes the place."""
    return [
        replace(version, status="superseded")
        for version in versions
        if version.status == "awaiting" and version.additional_work_id == additional_work_id
    ]


def with_versions(repair_order: RepairOrder, versions: Versions, changed: Versions) -> RepairOrder:
    """Return the order as its versions say: agreed lines will be done and invoiced.

    A discount was approved on the lines as they were; other lines need another one.
    """
    by_number = {version.version: version for version in (*versions, *changed)}
    present = [by_number[number] for number in sorted(by_number)]
    standing = agreed_versions(present)
    lines = tuple(line for version in standing for line in version.lines)
    return replace(
        repair_order,
        lines=lines,
        labor_operations=tuple(each for version in standing for each in version.labor_operations),
        estimate_cents=sum_of(lines),
        estimate_count=len(present),
        awaiting_estimates=sum(version.status == "awaiting" for version in present),
        discount=repair_order.discount if lines == repair_order.lines else None,
    )


def _require_estimable(
    repair_order: RepairOrder,
    versions: Versions,
    priced: Estimate,
    additional_work_id: str | None,
    *,
    has_invoice: bool,
) -> None:
    """Refuse to change the price of work in progress; more work has its own authorization."""
    require_status(repair_order.status, "estimate" if additional_work_id is None else "add_work")
    if has_invoice:
        raise errors.already_invoiced()
    agreed = last_authorized(versions, None)
    is_open = repair_order.opened_at is not None and additional_work_id is None
    if is_open and agreed and agreed.labor_operations != priced.labor_operations:
        raise errors.op_codes_differ()
