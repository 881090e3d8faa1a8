"""Items of an estimate (项目), of which the customer may want only some (分项).

An item is a service package, an operation with the parts that it commonly takes, or another part.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.reception.domain import errors
from services.reception.domain.estimate import Estimate
from services.reception.domain.estimate_version import (
    EstimateVersion,
    Versions,
    next_version,
    presented,
    require_awaiting,
)
from services.reception.domain.repair_order import RepairOrder
from shared.contracts.reception import EstimateLine, EstimatePresented
from shared.contracts.violations import unknown_code


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
    estimate_version = require_awaiting(repair_order, versions, version)
    if not is_divisible(repair_order, estimate_version):
        raise errors.indivisible()
    wanted, rest = parts
    by = estimate_version.presented_by
    others = [
        replace(each, status="superseded") if each.version == estimate_version.version else each
        for each in versions
    ]
    kept = next_version(repair_order, others, wanted, estimate_version.additional_work_id, by, now)
    left = next_version(repair_order, [*others, kept], rest, additional_work_id, by, now)
    return [*others, kept, left], [presented(kept), presented(left)]


def _estimate_of(estimate_version: EstimateVersion, lines: Sequence[EstimateLine]) -> Estimate:
    labor = {line.code for line in lines if line.kind == "labor"}
    operations = (each for each in estimate_version.labor_operations if each.op_code in labor)
    return Estimate(tuple(operations), tuple(lines))
