"""Customer's decision on a version of the estimate: all of it, a part, or nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reception.domain import additional_work, errors, estimate_items, ordered_work
from services.reception.domain.estimate_version import (
    DecisionRecord,
    EstimateVersion,
    require_awaiting,
)
from services.reception.domain.promise import Promise
from services.reception.domain.repair_order import RepairOrder
from shared.contracts import Event
from shared.contracts.management import PromiseRules
from shared.contracts.reception import ReportedChannel

_MEET_CUSTOMERS = frozenset({"service_advisor", "front_desk_supervisor", "service_manager"})


@dataclass(frozen=True)
class Choice:
    """Choice on a version: wanted or not; of a wanted version, the items ``declined`` are not."""

    version: int
    wanted: bool
    declined: frozenset[str] = frozenset()


def channels_of(roles: Collection[str]) -> Sequence[ReportedChannel]:
    """Return the channels over which colleagues of these ``roles`` learn of a decision.

    Customer care (客服) talks to customers by phone only.
    """
    return ("phone",) if _MEET_CUSTOMERS.isdisjoint(roles) else ("in_person", "phone")


def require_presence(channel: ReportedChannel, roles: Collection[str]) -> None:
    """Refuse a decision over a channel that colleagues of these ``roles`` do not have."""
    if channel not in channels_of(roles):
        raise errors.in_person_decision_by_agent()


def divide(
    repair_order: RepairOrder,
    versions: Sequence[EstimateVersion],
    choice: Choice,
    typical_parts: Mapping[str, Collection[str]],
    *,
    additional_work_id: str,
    now: datetime,
) -> tuple[Sequence[EstimateVersion], Sequence[Event]]:
    """Split the chosen version where only a part of it is wanted; return all versions.

    After a split, the last but one is the wanted part, and the last is not wanted.
    """
    if not choice.declined:
        return versions, ()
    parts = estimate_items.without(
        require_awaiting(repair_order, versions, choice.version),
        choice.declined,
        typical_parts,
    )
    return estimate_items.split(
        repair_order,
        versions,
        choice.version,
        parts,
        additional_work_id=additional_work_id,
        now=now,
    )


def decide(
    repair_order: RepairOrder,
    versions: Sequence[EstimateVersion],
    choice: Choice,
    decision_record: DecisionRecord,
    promise: Promise | None,
    rules: PromiseRules,
) -> tuple[RepairOrder, list[EstimateVersion], list[Event]]:
    """Apply the decision to the divided versions; return the order, the result and the events.

    ``promise`` is that of additional work.
    """
    if not choice.declined:
        repair_order, decided, events = _decide_on(
            repair_order,
            versions,
            choice.version,
            decision_record,
            promise,
            rules,
            wanted=choice.wanted,
        )
        return repair_order, [decided], [*events]
    *others, wanted, rest = versions
    repair_order, kept, agreed = _decide_on(
        repair_order, versions, wanted.version, decision_record, promise, rules, wanted=True
    )
    repair_order, left, declined = additional_work.decline(
        repair_order, [*others, kept, rest], rest.version, decision_record
    )
    return repair_order, [kept, left], [*agreed, *declined]


def _decide_on(
    repair_order: RepairOrder,
    versions: Sequence[EstimateVersion],
    version: int,
    decision_record: DecisionRecord,
    promise: Promise | None,
    rules: PromiseRules,
    *,
    wanted: bool,
) -> tuple[RepairOrder, EstimateVersion, Sequence[Event]]:
    matter = require_awaiting(repair_order, versions, version).additional_work_id
    if not wanted:
        decline = ordered_work.decline if matter is None else additional_work.decline
        return decline(repair_order, versions, version, decision_record)
    if promise is None:
        return ordered_work.authorize(repair_order, versions, version, decision_record)
    return additional_work.authorize(
        repair_order, versions, version, decision_record, promise, rules
    )
