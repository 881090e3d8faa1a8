"""Ordered work that the customer no longer wants (撤项), including begun work (中止施工).

What was not begun is not invoiced. Finished operations are invoiced whole. An operation that is
stopped in the middle is invoiced by the labor clocked on it, each begun tenth of an hour counting
whole, and at most by its standard hours. Parts are invoiced unless they are withdrawn as well.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from services.reception.domain import errors
from services.reception.domain.estimate import Estimate
from services.reception.domain.estimate_version import (
    DecisionRecord,
    EstimateVersion,
    Versions,
    agreed_versions,
    decided,
    next_version,
    with_versions,
)
from services.reception.domain.lifecycle import require_status
from services.reception.domain.money import rounded_cents
from services.reception.domain.repair_order import RepairOrder
from shared.contracts.reception import (
    EstimateLine,
    LaborOperation,
    WithdrawalReason,
    WorkWithdrawn,
)
from shared.contracts.violations import unknown_code

WorkState = Literal["open", "begun", "finished"]
"""未开工、已开工、已完工."""

_UNIT_S = 360
_UNITS_AN_HOUR = 10


@dataclass(frozen=True)
class WorkDone:
    """Progress of one operation in the workshop.

    ``labor_s`` is the time that all technicians have clocked on it.
    """

    op_code: str
    state: WorkState
    labor_s: int


@dataclass(frozen=True)
class Withdrawal:
    """Operations and parts by code that the customer no longer wants, and the reason."""

    op_codes: tuple[str, ...]
    parts: tuple[str, ...]
    reason: WithdrawalReason


def withdraw(
    repair_order: RepairOrder,
    versions: Sequence[EstimateVersion],
    withdrawal: Withdrawal,
    done: Sequence[WorkDone],
    decision_record: DecisionRecord,
    additional_work_id: str,
    *,
    has_invoice: bool,
) -> tuple[RepairOrder, list[EstimateVersion], list[WorkWithdrawn]]:
    """Withdraw work from the order; decline what is not done, as a matter of its own.

    Raises:
        RuleViolation: not now, it is invoiced, the customer has yet to decide on other versions, an
            item is not ordered or already finished, or no line would remain.
    """
    require_status(repair_order.status, "withdraw")
    if has_invoice:
        raise errors.already_invoiced()
    if repair_order.awaiting_estimates:
        raise errors.awaits_authorization(repair_order.awaiting_estimates)
    agreed = agreed_versions(versions)
    _require_ordered(agreed, withdrawal, done)
    progress = _progress(done)
    divided = {each.version: _divided(each, withdrawal, progress) for each in agreed}
    changed_work, changed = _take_out(
        repair_order, versions, divided, decision_record, additional_work_id
    )
    if not changed_work.lines:
        raise errors.nothing_left()
    event = WorkWithdrawn(
        store_id=repair_order.store_id,
        order_id=repair_order.order_id,
        withdrawn_op_codes=tuple(each.op_code for each in changed[-1].labor_operations),
        labor_operations=changed_work.labor_operations,
        lines=changed_work.lines,
        estimate_cents=changed_work.estimate_cents,
        replaced_versions=tuple(each.version for each in changed if each.status == "superseded"),
        reason=withdrawal.reason,
        channel=decision_record.channel,
        recorded_by=decision_record.recorded_by,
        withdrawn_at=decision_record.at,
    )
    return changed_work, changed, [event]


def require_agreed(repair_order: RepairOrder, agreed_cents: int) -> None:
    """Refuse a sum other than the one that the customer has agreed to.

    Raises:
        RuleViolation: more was clocked meanwhile.
    """
    if repair_order.estimate_cents != agreed_cents:
        raise errors.amount_changed(repair_order.estimate_cents)


def stopped_line(line: EstimateLine, labor_s: int) -> EstimateLine:
    """Return the price of a labor line that was stopped after so much clocked labor."""
    standard = Decimal(str(line.standard_hours or 0))
    hours = min(standard, Decimal(max(1, -(-labor_s // _UNIT_S))) / _UNITS_AN_HOUR)
    share = hours / standard if standard else Decimal(1)
    return line.model_copy(
        update={
            "standard_hours": float(hours),
            "amount_cents": rounded_cents(line.amount_cents * share),
        }
    )


def _take_out(
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
    touched = [each for each in agreed_versions(versions) if divided[each.version][1].lines]
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
            new = next_version(
                repair_order,
                present,
                kept,
                each.additional_work_id,
                each.presented_by,
                decision_record.at,
            )
            added.append(decided(new, "authorized", decision_record))
            present.append(new)
    rest = [divided[each.version][1] for each in touched]
    declined = next_version(
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
    changed = [*replaced, *added, decided(declined, "declined", decision_record)]
    return with_versions(repair_order, versions, changed), changed


def _require_ordered(
    agreed: Sequence[EstimateVersion], withdrawal: Withdrawal, done: Sequence[WorkDone]
) -> None:
    if not (withdrawal.op_codes or withdrawal.parts):
        raise errors.nothing_to_do()
    finished = Counter(each.op_code for each in done if each.state == "finished")
    ordered = Counter(each.op_code for version in agreed for each in version.labor_operations)
    open_operations = {code: finished[code] < count for code, count in ordered.items()}
    _require_open("op_codes", withdrawal.op_codes, open_operations)
    _require_open("parts", withdrawal.parts, _open_parts(agreed, finished))


def _open_parts(agreed: Sequence[EstimateVersion], finished: Counter[str]) -> Mapping[str, bool]:
    """Return for each part whether it may be unused.

    It may be if some work that it was agreed with is not finished.
    """
    parts: dict[str, bool] = {}
    for version in agreed:
        operations = Counter(each.op_code for each in version.labor_operations)
        is_open = not operations or bool(operations - finished)
        for line in version.lines:
            if line.kind == "part":
                parts[line.code] = parts.get(line.code, False) or is_open
    return parts


def _require_open(field: str, codes: Sequence[str], known: Mapping[str, bool]) -> None:
    for code in codes:
        if code not in known:
            raise unknown_code(field, code)
        if not known[code]:
            raise errors.already_finished(field, code)


def _progress(done: Sequence[WorkDone]) -> Mapping[str, Iterator[WorkDone]]:
    """Return the work done of each operation, finished first: it may be ordered twice."""
    order = ("finished", "begun", "open")
    by_code: dict[str, list[WorkDone]] = {}
    for each in sorted(done, key=lambda each: order.index(each.state)):
        by_code.setdefault(each.op_code, []).append(each)
    return {code: iter(found) for code, found in by_code.items()}


def _divided(
    version: EstimateVersion, withdrawal: Withdrawal, progress: Mapping[str, Iterator[WorkDone]]
) -> tuple[Estimate, Estimate]:
    """Return what remains of a version, and what is no longer wanted."""
    to_do = Counter(each.op_code for each in version.labor_operations)
    invoiced = [_invoiced(line, withdrawal, to_do, progress) for line in version.lines]
    rest = [line for line, kept in zip(version.lines, invoiced, strict=True) if kept is not line]
    gone = Counter(line.code for line in rest if line.kind == "labor")
    staying, going = _operations(version.labor_operations, gone)
    kept = tuple(line for line in invoiced if line)
    return Estimate(staying, kept), Estimate(going, tuple(rest))


def _invoiced(
    line: EstimateLine,
    withdrawal: Withdrawal,
    to_do: Counter[str],
    progress: Mapping[str, Iterator[WorkDone]],
) -> EstimateLine | None:
    """Return the invoiced part of a line; ``to_do`` counts down the operations it may stand for."""
    if line.kind == "part":
        return None if line.code in withdrawal.parts else line
    if line.code not in withdrawal.op_codes or not to_do[line.code]:
        return line
    to_do[line.code] -= 1
    work = next(progress.get(line.code, iter(())), None)
    if work is None or work.state == "open":
        return None
    return line if work.state == "finished" else stopped_line(line, work.labor_s)


def _operations(
    operations: Sequence[LaborOperation], gone: Counter[str]
) -> tuple[tuple[LaborOperation, ...], tuple[LaborOperation, ...]]:
    staying: list[LaborOperation] = []
    going: list[LaborOperation] = []
    for each in operations:
        is_gone = gone[each.op_code] > 0
        gone[each.op_code] -= is_gone
        (going if is_gone else staying).append(each)
    return tuple(staying), tuple(going)
