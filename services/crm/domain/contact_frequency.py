"""How often a customer is called (联系频次): never twice in a week, and never in quiet hours."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.crm.domain.follow_up import FollowUp, cancel
from services.crm.domain.follow_up_reason import ReasonRules

CallableFrom = Callable[[datetime], datetime]
"""Returns the first moment from the given one on at which customers may be called."""


def spread(
    calls: Iterable[FollowUp],
    contacts: Iterable[datetime],
    rules: ReasonRules,
    callable_from: CallableFrom,
    now: datetime,
) -> Sequence[FollowUp]:
    """Return the open calls of one customer, as far from each other as the rules demand.

    Of calls that are too close to each other, or to one of ``contacts`` at which the customer was
    reached, the reason that matters most keeps its time, then the earlier one. As the rule of its
    reason says, another call moves to the first free time after it, is cancelled, or keeps its
    time.
    """
    taken = list(contacts)
    result = []
    for call in sorted(calls, key=lambda each: (each.priority, each.due_at, each.follow_up_id)):
        wanted = callable_from(max(call.due_at, now))
        free = _first_free(wanted, taken, rules.between_contacts, callable_from)
        if_crowded = rules.if_crowded(call.reason)
        if free == wanted or if_crowded == "keep":
            is_overdue = call.due_at < now
            result.append(call if is_overdue else replace(call, due_at=wanted))
            taken.append(wanted)
        elif if_crowded == "move":
            result.append(replace(call, due_at=free))
            taken.append(free)
        else:
            result.append(cancel(call, "crowded", now))
    return result


def _first_free(
    wanted: datetime, taken: Sequence[datetime], distance: timedelta, callable_from: CallableFrom
) -> datetime:
    free = wanted
    while too_close := [each for each in taken if abs(free - each) < distance]:
        free = callable_from(max(too_close) + distance)
    return free
