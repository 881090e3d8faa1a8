"""Follow-up calls (回访): one mechanism for every call that a store makes to a customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.crm.domain import errors
from services.crm.domain.follow_up_reason import Reason
from shared.contracts.crm import (
    FollowUpAttempted,
    FollowUpCancelled,
    FollowUpCompleted,
    FollowUpRescheduled,
    FollowUpScheduled,
)
from shared.contracts.management import FollowUpRules, StaffProfile

Channel = Literal["phone", "email", "sms"]
"""电话、邮件、短信."""

Status = Literal["scheduled", "due", "completed", "not_reached", "cancelled"]
"""已排期、到期、已完成、未接通、已取消."""

Need = Literal[
    "maintenance",
    "repair",
    "tires",
    "insurance",
    "accessories",
    "warranty",
    "new_car",
    "used_car",
    "other",
]
"""Need of a customer that a call has found (客户需求): 保养、维修、轮胎、保险、精品、质保、新车、
二手车、其他."""

CancelCause = Literal["crowded", "refused", "settled", "erased"]
"""Cause for which a call is not made: another one matters more, the customer refuses it, what it
was about is settled, or the customer is erased (联系过密、客户拒绝、已无需回访、个人信息已删除)."""


class CallRules(BaseModel):
    """When the customers of a store are called after a delivery.

    The first call is so many working days after it, at the local time ``calls_at``; the next ones
    have ``days_between_attempts``, until the last of the ``attempts``.
    """

    model_config = ConfigDict(frozen=True)

    days_after_delivery: int
    calls_at: time
    attempts: int
    days_between_attempts: int


def call_rules(group: FollowUpRules, own: FollowUpRules | None) -> CallRules:
    """Return the rules of a store: its ``own``, and the group's for what they leave out."""
    first = own.model_dump(exclude_none=True) if own else {}
    return CallRules.model_validate(group.model_dump() | first)


@dataclass(frozen=True)
class FollowUp:
    """One call that an agent owes a customer.

    ``about`` is the id of what it concerns; a customer has one call for a reason and what it is
    about. ``priority`` is the place of the reason in the store's rules, 1 matters most.
    ``attempts`` counts the calls without an answer. It ends, at ``completed_at``, when the customer
    is reached, or not reached by the last attempt, or at ``cancelled_at``.
    """

    follow_up_id: str
    store_id: str
    reason: Reason
    about: str
    customer_ref: str
    agent_id: str
    priority: int
    due_at: datetime
    order_id: str | None = None
    vehicle_ref: str | None = None
    completed_at: datetime | None = None
    completed_by: str | None = None
    reached: bool | None = None
    satisfaction: int | None = None
    channel: Channel | None = None
    attempts: int = 0
    cancelled_at: datetime | None = None
    cancel_cause: CancelCause | None = None
    needs: Sequence[Need] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """Reason, customer and what the call is about."""
        return self.reason, self.customer_ref, self.about

    def status(self, now: datetime) -> Status:
        if self.cancelled_at is not None:
            return "cancelled"
        if self.completed_at is not None:
            return "completed" if self.reached else "not_reached"
        return "due" if self.due_at <= now else "scheduled"


def callers(
    staff: Mapping[str, StaffProfile], store_id: str, roles: Sequence[str], day: date
) -> Sequence[str]:
    """Return who calls the customers of a store on ``day``.

    It is the staff of the first of ``roles`` who are not on leave (休假); without one, those of the
    next.
    """
    present = {
        person_id: {post.role for post in profile.posts if post.in_store == store_id}
        for person_id, profile in staff.items()
        if not is_on_leave(profile, day)
    }
    by_role = ([person_id for person_id, held in present.items() if role in held] for role in roles)
    return next(filter(None, by_role), [])


def is_on_leave(profile: StaffProfile, day: date) -> bool:
    """Return whether a person has leave (休假) on ``day``."""
    return any(each.first_day <= day.isoformat() <= each.last_day for each in profile.leave)


def least_loaded(agents: Sequence[str], open_calls: Mapping[str, int]) -> str:
    """Return the agent with the fewest open calls; of equals, the first by id."""
    return min(agents, key=lambda agent_id: (open_calls.get(agent_id, 0), agent_id))


def choose_agent(own: str | None, agents: Sequence[str], open_calls: Mapping[str, int]) -> str:
    """Return the customer's own agent if they are one of ``agents``, else the least loaded."""
    return own if own is not None and own in agents else least_loaded(agents, open_calls)


def cancel(follow_up: FollowUp, cause: CancelCause, now: datetime) -> FollowUp:
    """End a call that is not made any more."""
    return replace(follow_up, cancelled_at=now, cancel_cause=cause)


def announced(
    before: FollowUp | None, after: FollowUp
) -> Sequence[FollowUpScheduled | FollowUpRescheduled | FollowUpCancelled]:
    """Return what is published when the plan of a call changes; ``before`` is None for a new one.

    A new call that is cancelled at once was never planned: nothing is published.
    """
    if after.cancelled_at is not None:
        if before is None:
            return []
        return [
            FollowUpCancelled(
                **_identity(after), cause=after.cancel_cause, cancelled_at=after.cancelled_at
            )
        ]
    plan = {**_identity(after), "agent_id": after.agent_id, "due_at": after.due_at}
    if before is None:
        return [FollowUpScheduled(**plan, about=after.about, vehicle_ref=after.vehicle_ref)]
    if (before.agent_id, before.due_at) == (after.agent_id, after.due_at):
        return []
    return [FollowUpRescheduled(**plan)]


def record_call(
    follow_up: FollowUp,
    *,
    agent_id: str,
    reached: bool,
    satisfaction: int | None,
    needs: Sequence[Need],
    channel: Channel,
    most_attempts: int,
    next_due_at: datetime,
    now: datetime,
) -> tuple[FollowUp, Sequence[FollowUpCompleted | FollowUpAttempted]]:
    """Complete the follow-up if ``agent_id`` reached the customer, else plan the next call.

    The next call is at ``next_due_at``, until there were ``most_attempts``.
    """
    if follow_up.completed_at is not None:
        raise errors.already_completed(
            follow_up.follow_up_id, follow_up.completed_by, follow_up.completed_at
        )
    if follow_up.cancelled_at is not None:
        raise errors.follow_up_cancelled(follow_up.follow_up_id)
    if not reached:
        if satisfaction is not None:
            raise errors.satisfaction_without_contact()
        if needs:
            raise errors.needs_without_contact()
        next_at = next_due_at if follow_up.attempts + 1 < most_attempts else None
        return _attempt(follow_up, agent_id, channel, next_at, now)
    completed = replace(
        follow_up,
        completed_at=now,
        completed_by=agent_id,
        reached=True,
        satisfaction=satisfaction,
        channel=channel,
        needs=tuple(dict.fromkeys(needs)),
    )
    event = FollowUpCompleted(
        **_identity(follow_up),
        agent_id=agent_id,
        reached=True,
        satisfaction=satisfaction,
        needs=completed.needs,
        channel=channel,
        completed_at=now,
    )
    return completed, [event]


def _attempt(
    follow_up: FollowUp,
    agent_id: str,
    channel: Channel,
    next_due_at: datetime | None,
    now: datetime,
) -> tuple[FollowUp, list[FollowUpAttempted]]:
    attempts = follow_up.attempts + 1
    if next_due_at is None:
        attempted = replace(
            follow_up,
            attempts=attempts,
            completed_at=now,
            completed_by=agent_id,
            reached=False,
            channel=channel,
        )
    else:
        attempted = replace(follow_up, attempts=attempts, due_at=next_due_at)
    event = FollowUpAttempted(
        **_identity(follow_up),
        agent_id=agent_id,
        attempt=attempts,
        channel=channel,
        next_due_at=next_due_at,
        attempted_at=now,
    )
    return attempted, [event]


def _identity(follow_up: FollowUp) -> dict[str, Any]:
    """Return the fields that every event about a call has."""
    return {
        "store_id": follow_up.store_id,
        "customer_ref": follow_up.customer_ref,
        "follow_up_id": follow_up.follow_up_id,
        "reason": follow_up.reason,
        "order_id": follow_up.order_id,
    }
