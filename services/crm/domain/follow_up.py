"""Follow-up calls after a delivery (回访)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.crm.domain import errors
from shared.contracts.crm import FollowUpAttempted, FollowUpCompleted, FollowUpScheduled
from shared.contracts.management import FollowUpRules, StaffProfile

Channel = Literal["phone", "email", "sms"]
"""电话、邮件、短信."""

Status = Literal["scheduled", "due", "completed", "not_reached"]
"""已排期、到期、已完成、未接通."""

_CALLING_ROLES = ("customer_care_agent", "customer_care_manager", "service_manager")


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

    ``attempts`` counts the calls without an answer. It ends, at ``completed_at``, when the customer
    is reached, or not reached by the last attempt.
    """

    follow_up_id: str
    store_id: str
    order_id: str
    customer_ref: str
    agent_id: str
    due_at: datetime
    completed_at: datetime | None = None
    completed_by: str | None = None
    reached: bool | None = None
    satisfaction: int | None = None
    channel: Channel | None = None
    attempts: int = 0

    def status(self, now: datetime) -> Status:
        if self.completed_at is not None:
            return "completed" if self.reached else "not_reached"
        return "due" if self.due_at <= now else "scheduled"


def callers(staff: Mapping[str, StaffProfile], store_id: str, day: date) -> Sequence[str]:
    """Return who calls the customers of a store on ``day``.

    It is the agents (客服专员) who are not on leave (休假); without one, the managers of customer
    care, and without these the service managers.
    """
    present = {
        person_id: {post.role for post in profile.posts if post.in_store == store_id}
        for person_id, profile in staff.items()
        if not any(each.first_day <= day.isoformat() <= each.last_day for each in profile.leave)
    }
    by_role = (
        [person_id for person_id, roles in present.items() if role in roles]
        for role in _CALLING_ROLES
    )
    return next(filter(None, by_role), [])


def least_loaded(agents: Sequence[str], open_calls: Mapping[str, int]) -> str:
    """Return the agent with the fewest open calls; of equals, the first by id."""
    return min(agents, key=lambda agent_id: (open_calls.get(agent_id, 0), agent_id))


def schedule(
    *,
    follow_up_id: str,
    store_id: str,
    order_id: str,
    customer_ref: str,
    agent_id: str,
    due_at: datetime,
) -> tuple[FollowUp, list[FollowUpScheduled]]:
    """Plan the call after a delivery."""
    follow_up = FollowUp(follow_up_id, store_id, order_id, customer_ref, agent_id, due_at)
    event = FollowUpScheduled(
        store_id=store_id,
        customer_ref=customer_ref,
        follow_up_id=follow_up_id,
        order_id=order_id,
        agent_id=agent_id,
        due_at=due_at,
    )
    return follow_up, [event]


def record_call(
    follow_up: FollowUp,
    *,
    agent_id: str,
    reached: bool,
    satisfaction: int | None,
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
    if not reached:
        if satisfaction is not None:
            raise errors.satisfaction_without_contact()
        next_at = next_due_at if follow_up.attempts + 1 < most_attempts else None
        return _attempt(follow_up, agent_id, channel, next_at, now)
    completed = replace(
        follow_up,
        completed_at=now,
        completed_by=agent_id,
        reached=True,
        satisfaction=satisfaction,
        channel=channel,
    )
    event = FollowUpCompleted(
        store_id=follow_up.store_id,
        customer_ref=follow_up.customer_ref,
        follow_up_id=follow_up.follow_up_id,
        order_id=follow_up.order_id,
        agent_id=agent_id,
        reached=True,
        satisfaction=satisfaction,
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
        store_id=follow_up.store_id,
        customer_ref=follow_up.customer_ref,
        follow_up_id=follow_up.follow_up_id,
        order_id=follow_up.order_id,
        agent_id=agent_id,
        attempt=attempts,
        channel=channel,
        next_due_at=next_due_at,
        attempted_at=now,
    )
    return attempted, [event]
