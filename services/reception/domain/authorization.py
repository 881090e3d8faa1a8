"""Versions of the estimate (估价版本) and the customer's decision on them (授权).

Each version is a proposal for one matter: the ordered work, or one piece of additional work (增项).
A newer version takes the place of undecided versions on the same matter.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.reception.domain import errors
from services.reception.domain.estimate import Estimate, sum_of
from services.reception.domain.lifecycle import require_status
from services.reception.domain.link import LinkConsent
from services.reception.domain.order import Order, require_seen
from services.reception.domain.repair_order import Promise, RepairOrder
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    Channel,
    EstimateAuthorized,
    EstimateDeclined,
    EstimateLine,
    EstimatePresented,
    LaborOperation,
)
from shared.contracts.violations import unknown_code

PROMISE_TOLERANCE = timedelta(minutes=15)
"""Tolerance by which the workshop's promise may move while the customer decides."""

Status = Literal["awaiting", "authorized", "declined", "superseded"]
"""待授权、已授权、已拒绝、已被替代."""


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


def submit(
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
    superseded = _supersede(versions, additional_work_id)
    estimate_version = _next_version(
        repair_order, versions, priced, additional_work_id, presented_by, now
    )
    changed = [*superseded, estimate_version]
    return _with_versions(repair_order, versions, changed), changed, [_submitted(estimate_version)]


def offer_additional(
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

    Where the visit has ended or is invoiced, it is kept to be offered at the next one.
    """
    if not has_invoice and repair_order.status in ("opened", "in_progress", "ready"):
        return submit(
            repair_order,
            versions,
            priced,
            has_invoice=has_invoice,
            additional_work_id=additional_work_id,
            presented_by=presented_by,
            now=now,
        )
    late = _next_version(repair_order, versions, priced, additional_work_id, presented_by, now)
    return repair_order, [replace(late, status="declined")], []


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
    changed = _supersede(versions, None)
    agreed = _authorized(versions, None)
    if agreed is None or (agreed.lines, agreed.labor_operations) != (
        priced.lines,
        priced.labor_operations,
    ):
        estimate_version = _next_version(
            repair_order, versions, priced, None, advisor_id, decision_record.at
        )
        agreed = _decided(estimate_version, "authorized", decision_record)
        changed.append(agreed)
    return _with_versions(repair_order, versions, changed), agreed, changed


def authorize(
    repair_order: RepairOrder, versions: Versions, version: int, decision_record: DecisionRecord
) -> tuple[RepairOrder, EstimateVersion, list[EstimateAuthorized]]:
    """Authorize the ordered work at these prices (估价授权).

    Raises:
        RuleViolation: the version is old or already decided on, or the order is past it.
    """
    estimate_version = require_pending(repair_order, versions, version)
    agreed = _decided(estimate_version, "authorized", decision_record)
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
    return _with_versions(repair_order, versions, [agreed]), agreed, [event]


def decline(
    repair_order: RepairOrder, versions: Versions, version: int, decision_record: DecisionRecord
) -> tuple[RepairOrder, EstimateVersion, list[EstimateDeclined | AdditionalWorkDeclined]]:
    """Decline a version for the customer; what was agreed before stands.

    Raises:
        RuleViolation: as for :func:`authorize`.
    """
    estimate_version = require_pending(repair_order, versions, version)
    declined = _decided(estimate_version, "declined", decision_record)
    event: EstimateDeclined | AdditionalWorkDeclined
    if estimate_version.additional_work_id is None:
        event = EstimateDeclined(
            store_id=repair_order.store_id,
            order_id=repair_order.order_id,
            estimate_version=version,
            channel=decision_record.channel,
            recorded_by=decision_record.recorded_by,
            declined_at=decision_record.at,
        )
    else:
        event = AdditionalWorkDeclined(
            store_id=repair_order.store_id,
            order_id=repair_order.order_id,
            additional_work_id=estimate_version.additional_work_id,
            op_codes=tuple(operation.op_code for operation in estimate_version.labor_operations),
            channel=decision_record.channel,
            recorded_by=decision_record.recorded_by,
            declined_at=decision_record.at,
        )
    return _with_versions(repair_order, versions, [declined]), declined, [event]


def new_promise(repair_order: RepairOrder, work: Promise) -> Promise:
    """Return the order's promise with further work, of which ``work`` is the promise.

    It is never earlier than the present one.
    """
    return replace(
        work,
        promised_at=max(repair_order.promised_at or work.promised_at, work.promised_at),
        provisional=repair_order.promise_provisional or work.provisional,
    )


def latest_promise(repair_order: RepairOrder, seen: datetime | None) -> datetime | None:
    """Return the latest new promise to which a customer has agreed who saw this one."""
    shown = seen or repair_order.promised_at
    return shown + PROMISE_TOLERANCE if shown else None


def _agreed_promise(repair_order: RepairOrder, work: Promise, seen: datetime | None) -> Promise:
    """Return the new promise that the customer saw, if the workshop can still keep it.

    The customer is not asked again about one that moved a little.
    """
    promise = new_promise(repair_order, work)
    shown = seen or repair_order.promised_at or promise.promised_at
    if promise.promised_at > shown + PROMISE_TOLERANCE:
        raise errors.promise_later(promise.promised_at)
    stands = promise.promised_at <= shown <= promise.promised_at + PROMISE_TOLERANCE
    return replace(promise, promised_at=shown) if stands else promise


def authorize_additional(
    repair_order: RepairOrder,
    versions: Versions,
    version: int,
    decision_record: DecisionRecord,
    promise: Promise,
) -> tuple[RepairOrder, EstimateVersion, list[AdditionalWorkAuthorized]]:
    """Authorize additional work (增项授权); the vehicle may be ready later.

    Raises:
        RuleViolation: as for :func:`authorize`, or the customer saw an earlier promise.
    """
    estimate_version = require_pending(repair_order, versions, version)
    assert estimate_version.additional_work_id  # noqa: S101
    agreed = _decided(estimate_version, "authorized", decision_record)
    promise = _agreed_promise(repair_order, promise, decision_record.promised_at)
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
        promised_at=promise.promised_at,
        hold_id=promise.hold_id,
        authorized_at=decision_record.at,
    )
    resumed = replace(
        repair_order,
        promised_at=promise.promised_at,
        promise_provisional=promise.provisional,
        risk=repair_order.risk if promise.promised_at == repair_order.promised_at else None,
    )
    if repair_order.status == "ready" and agreed.labor_operations:
        resumed = replace(resumed, status="in_progress", ready_at=None)
    return _with_versions(resumed, versions, [agreed]), agreed, [event]


def items_of(
    lines: Sequence[EstimateLine], typical_parts: Mapping[str, Collection[str]]
) -> list[str]:
    """Return for each line the item it is decided on with (项目).

    It is its package or operation; a part goes with the first operation that commonly takes it,
    else stands alone.
    """
    op_codes = [line.code for line in lines if line.kind == "labor" and not line.package_id]

    def item(line: EstimateLine) -> str:
        takers = (each for each in op_codes if line.code in typical_parts.get(each, ()))
        return line.package_id or (line.code if line.kind == "labor" else next(takers, line.code))

    return [item(line) for line in lines]


def is_divisible(repair_order: RepairOrder, estimate_version: EstimateVersion) -> bool:
    """Return whether the customer may want only a part; work in progress goes on as a whole."""
    return estimate_version.additional_work_id is not None or repair_order.opened_at is None


def without(
    estimate_version: EstimateVersion,
    declined: Collection[str],
    typical_parts: Mapping[str, Collection[str]],
) -> tuple[Estimate, Estimate]:
    """Return the part of a version that the customer wants, and the rest.

    Raises:
        RuleViolation: the version has no such item, or nothing remains.
    """
    items = items_of(estimate_version.lines, typical_parts)
    for item in declined:
        if item not in items:
            raise unknown_code("declined", item)
    lines = list(zip(estimate_version.lines, items, strict=True))
    wanted = [line for line, item in lines if item not in declined]
    rest = [line for line, item in lines if item in declined]
    if not wanted:
        raise errors.nothing_wanted()
    return _estimate_of(estimate_version, wanted), _estimate_of(estimate_version, rest)


def split(
    repair_order: RepairOrder,
    versions: Versions,
    version: int,
    parts: tuple[Estimate, Estimate],
    *,
    additional_work_id: str,
    now: datetime,
) -> tuple[list[EstimateVersion], list[EstimatePresented]]:
    """Split one version into two (分项): the part that the customer wants, and the rest.

    The rest is a matter of its own. Returns all versions as they are now, those two last.

    Raises:
        RuleViolation: it is an estimate of work in progress.
    """
    estimate_version = require_pending(repair_order, versions, version)
    if not is_divisible(repair_order, estimate_version):
        raise errors.indivisible()
    wanted, rest = parts
    by = estimate_version.presented_by
    others = [
        replace(each, status="superseded") if each.version == estimate_version.version else each
        for each in versions
    ]
    kept = _next_version(repair_order, others, wanted, estimate_version.additional_work_id, by, now)
    left = _next_version(repair_order, [*others, kept], rest, additional_work_id, by, now)
    return [*others, kept, left], [_submitted(kept), _submitted(left)]


def agreed(versions: Versions) -> list[EstimateVersion]:
    """Return the last agreed version on each matter, in the order in which they came up."""
    by_matter: dict[str | None, EstimateVersion] = {}
    for version in versions:
        by_matter.setdefault(version.additional_work_id, version)
        if version.status == "authorized":
            by_matter[version.additional_work_id] = version
    return [version for version in by_matter.values() if version.status == "authorized"]


def take_out(
    repair_order: RepairOrder,
    versions: Versions,
    divided: Mapping[int, tuple[Estimate, Estimate]],
    decision_record: DecisionRecord,
    additional_work_id: str,
) -> tuple[RepairOrder, list[EstimateVersion]]:
    """Replace agreed versions by what remains of them; decline the rest as a matter of its own.

    ``divided`` has, for each agreed version, what remains and the rest. Returns all changed
    versions, the declined one last.
    """
    touched = [each for each in agreed(versions) if divided[each.version][1].lines]
    matters = {each.additional_work_id for each in touched}
    replaced = [
        replace(each, status="superseded")
        for each in versions
        if each.status == "authorized" and each.additional_work_id in matters
    ]
    present, added = list(versions), []
    for each in touched:
        kept = divided[each.version][0]
        if kept.lines:
            new = _next_version(
                repair_order,
                present,
                kept,
                each.additional_work_id,
                each.presented_by,
                decision_record.at,
            )
            added.append(_decided(new, "authorized", decision_record))
            present.append(new)
    rest = [divided[each.version][1] for each in touched]
    declined = _next_version(
        repair_order,
        present,
        Estimate(
            tuple(each for part in rest for each in part.labor_operations),
            tuple(line for part in rest for line in part.lines),
        ),
        additional_work_id,
        touched[0].presented_by,
        decision_record.at,
    )
    changed = [*replaced, *added, _decided(declined, "declined", decision_record)]
    return _with_versions(repair_order, versions, changed), changed


def require_pending(repair_order: RepairOrder, versions: Versions, version: int) -> EstimateVersion:
    """Require a version on which the customer may decide, and return it.

    Raises:
        RuleViolation: there is none, it is old or already decided on, or the order is past it.
    """
    found = next((each for each in versions if each.version == version), None)
    if found is None:
        raise errors.unknown_version(version)
    if found.status == "superseded":
        raise errors.old_version(version, versions[-1].version)
    if found.status != "awaiting":
        raise errors.already_decided(version, found.status)
    require_status(repair_order.status, "estimate")
    return found


def services_to_reoffer(
    found: Sequence[EstimateVersion], ordered_since: Sequence[str]
) -> list[EstimateVersion]:
    """Return services that the customer declined earlier and has not ordered since (未做项目).

    They are to be offered again.
    """
    since = set(ordered_since)
    return [
        version
        for version in found
        if not since.issuperset(operation.op_code for operation in version.labor_operations)
    ]


def _next_version(
    repair_order: RepairOrder,
    versions: Versions,
    priced: Estimate,
    additional_work_id: str | None,
    presented_by: str,
    now: datetime,
) -> EstimateVersion:
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


def _submitted(estimate_version: EstimateVersion) -> EstimatePresented:
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


def _estimate_of(estimate_version: EstimateVersion, lines: Sequence[EstimateLine]) -> Estimate:
    labor = {line.code for line in lines if line.kind == "labor"}
    operations = (each for each in estimate_version.labor_operations if each.op_code in labor)
    return Estimate(tuple(operations), tuple(lines))


def _decided(
    estimate_version: EstimateVersion,
    status: Literal["authorized", "declined"],
    decision_record: DecisionRecord,
) -> EstimateVersion:
    return replace(
        estimate_version,
        status=status,
        channel=decision_record.channel,
        recorded_by=decision_record.recorded_by,
        decided_at=decision_record.at,
        link_consent=decision_record.link_consent,
    )


def _supersede(versions: Versions, additional_work_id: str | None) -> list[EstimateVersion]:
    return [
        replace(version, status="superseded")
        for version in versions
        if version.status == "awaiting" and version.additional_work_id == additional_work_id
    ]


def _authorized(versions: Versions, additional_work_id: str | None) -> EstimateVersion | None:
    """Return the last version on a matter that the customer has agreed to."""
    agreed = [
        version
        for version in versions
        if version.status == "authorized" and version.additional_work_id == additional_work_id
    ]
    return agreed[-1] if agreed else None


def _with_versions(repair_order: RepairOrder, versions: Versions, changed: Versions) -> RepairOrder:
    """Return the order as its versions say: agreed lines will be done and invoiced.

    A discount was approved on the lines as they were; other lines need another one.
    """
    by_number = {version.version: version for version in (*versions, *changed)}
    present = [by_number[number] for number in sorted(by_number)]
    standing = agreed(present)
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
    agreed = _authorized(versions, None)
    is_open = repair_order.opened_at is not None and additional_work_id is None
    if is_open and agreed and agreed.labor_operations != priced.labor_operations:
        raise errors.op_codes_differ()
