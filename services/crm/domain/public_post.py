"""Public voice (媒体公关): posts and articles about a store, with owner, answer and deadline."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from shared.contracts.crm import (
    PublicPlatform,
    PublicPostAnswered,
    PublicPostLinked,
    PublicPostLogged,
    PublicPostOverdue,
    PublicTone,
)
from shared.contracts.violations import RuleViolation

PublicPostStatus = Literal["open", "overdue", "answered"]
"""待回应、已逾期、已回应."""


@dataclass(frozen=True)
class PublicPost:
    """One post or article; ``complaint_id`` is the complaint it comes from or has led to."""

    public_post_id: str
    store_id: str
    platform: PublicPlatform
    tone: PublicTone
    posted_on: date
    complaint_id: str | None
    owner_id: str
    logged_by: str
    logged_at: datetime
    due_at: datetime
    overdue_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None

    @property
    def status(self) -> PublicPostStatus:
        if self.answered_at:
            return "answered"
        return "overdue" if self.overdue_at else "open"


def log(post: PublicPost) -> list[PublicPostLogged]:
    """Tell that a post is logged (舆情登记)."""
    return [
        PublicPostLogged(
            store_id=post.store_id,
            public_post_id=post.public_post_id,
            platform=post.platform,
            tone=post.tone,
            posted_on=post.posted_on.isoformat(),
            complaint_id=post.complaint_id,
            owner_id=post.owner_id,
            logged_by=post.logged_by,
            due_at=post.due_at,
            logged_at=post.logged_at,
        )
    ]


def require_past_day(posted_on: date, today: date) -> None:
    """Refuse a post of a day to come.

    Raises:
        RuleViolation: ``posted_on`` is after ``today``.
    """
    if posted_on > today:
        raise RuleViolation("day_in_future", "The day has not come yet.", field="posted_on")


def link(
    post: PublicPost, complaint_id: str, by: str, now: datetime
) -> tuple[PublicPost, list[PublicPostLinked]]:
    """Link a post to the complaint that it comes from or has led to (关联投诉)."""
    if post.complaint_id == complaint_id:
        return post, []
    event = PublicPostLinked(
        store_id=post.store_id,
        public_post_id=post.public_post_id,
        complaint_id=complaint_id,
        linked_by=by,
        linked_at=now,
    )
    return replace(post, complaint_id=complaint_id), [event]


def answer(post: PublicPost, by: str, now: datetime) -> tuple[PublicPost, list[PublicPostAnswered]]:
    """Record the store's answer (舆情回应).

    Raises:
        RuleViolation: it is answered already.
    """
    if post.answered_at:
        raise RuleViolation(
            "public_post_answered",
            "The post is answered already.",
            field="public_post_id",
            kind="conflict",
            by=post.answered_by,
            at=post.answered_at.isoformat(),
        )
    event = PublicPostAnswered(
        store_id=post.store_id,
        public_post_id=post.public_post_id,
        answered_by=by,
        answered_at=now,
    )
    return replace(post, answered_at=now, answered_by=by), [event]


def overdue(post: PublicPost, now: datetime) -> tuple[PublicPost, list[PublicPostOverdue]]:
    """Return the event of a missed deadline, once, if there is still no answer."""
    if post.answered_at or post.overdue_at:
        return post, []
    event = PublicPostOverdue(
        store_id=post.store_id,
        public_post_id=post.public_post_id,
        owner_id=post.owner_id,
        due_at=post.due_at,
    )
    return replace(post, overdue_at=now), [event]
