"""Leave (休假): asked for by a person, approved or declined by a manager, perhaps withdrawn."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from services.management.domain import errors
from services.management.domain.person import Person
from services.management.domain.record import Version, content_on
from shared.contracts.management import MOST_LEAVE, Leave
from shared.contracts.versioned import Versioned

LeaveKind = Literal["annual", "sick", "personal", "marriage", "parental", "other"]
"""年假、病假、事假、婚假、产假与陪产假、其他."""

LeaveStatus = Literal["requested", "approved", "declined", "withdrawn"]
"""待批准、已批准、不批准、已撤回."""

LONGEST_DAYS = 366


@dataclass(frozen=True)
class LeaveRequest(Versioned):
    """Request for leave from a first day to a last (请假); its reason is kept apart, encrypted."""

    store_id: str
    leave_request_id: str
    person_id: str
    kind: LeaveKind
    first_day: date
    last_day: date
    requested_at: datetime
    status: LeaveStatus = "requested"
    decided_at: datetime | None = None
    decided_by: str | None = None

    @property
    def leave(self) -> Leave:
        """The leave as the person's record has it."""
        return Leave(first_day=self.first_day.isoformat(), last_day=self.last_day.isoformat())

    @property
    def counts(self) -> bool:
        """Whether its days are taken, or may be."""
        return self.status in ("requested", "approved")


def request(
    asked: LeaveRequest, others: Iterable[LeaveRequest], planned: Iterable[Leave], today: date
) -> LeaveRequest:
    """Ask for leave; ``others`` are the person's requests, ``planned`` the leave in their record.

    Raises:
        RuleViolation: it ends before it begins, begins in the past, is too long, or overlaps.
    """
    if asked.last_day < asked.first_day:
        raise errors.ends_before_it_begins("last_day")
    if asked.first_day < today:
        raise errors.day_passed(today, "first_day")
    if (asked.last_day - asked.first_day).days >= LONGEST_DAYS:
        raise errors.leave_too_long(LONGEST_DAYS)
    for each in (*(each.leave for each in others if each.counts), *planned):
        if each.first_day <= asked.leave.last_day and asked.leave.first_day <= each.last_day:
            raise errors.leave_overlaps(each.first_day, each.last_day)
    return asked


def decide(
    asked: LeaveRequest,
    status: Literal["approved", "declined"],
    by: str,
    today: date,
    now: datetime,
) -> LeaveRequest:
    """Approve or decline a request (批准、不批准).

    Raises:
        RuleViolation: it is decided or withdrawn already, its days have passed, or the person
            decides on their own.
    """
    if asked.status != "requested":
        raise errors.leave_decided(asked.status)
    if asked.person_id == by:
        raise errors.own_leave()
    if status == "approved" and asked.last_day < today:
        raise errors.day_passed(today, "last_day")
    return replace(asked, status=status, decided_by=by, decided_at=now)


def stores_on(day: date, asked: LeaveRequest, dated: Sequence[Version]) -> Set[str]:
    """Return the stores in which the person has a post on ``day``; without any, where they asked.

    These decide on leave on that day.
    """
    person = content_on(dated, day)
    posts = person.posts if isinstance(person, Person) else ()
    return {post.in_store for post in posts if post.in_store} or {asked.store_id}


def check_place(
    store_id: str, days: Iterable[date], asked: LeaveRequest, dated: Sequence[Version]
) -> None:
    """Check that the store decides on leave on these days.

    Raises:
        RuleViolation: the person has moved, or will have; the other store decides.
    """
    for day in days:
        if store_id not in stores_on(day, asked, dated):
            raise errors.leave_elsewhere(day, store_id)


def withdraw(asked: LeaveRequest, by: str, today: date) -> LeaveRequest:
    """Withdraw one's own leave before it begins (撤回).

    Raises:
        RuleViolation: it is another person's, was declined or withdrawn, or it has begun.
    """
    if asked.person_id != by:
        raise errors.leave_of_another()
    if not asked.counts:
        raise errors.leave_decided(asked.status)
    if asked.status == "approved" and asked.first_day <= today:
        raise errors.leave_begun(asked.first_day)
    return replace(asked, status="withdrawn")


def with_leave(person: Person, leave: Leave) -> Person:
    """Return a person with a leave in their record, in order of the first days.

    Raises:
        RuleViolation: their record has as much leave as it can hold.
    """
    planned = sorted({*person.leave, leave}, key=lambda each: (each.first_day, each.last_day))
    if len(planned) > MOST_LEAVE:
        raise errors.too_much_leave(MOST_LEAVE)
    return person.model_copy(update={"leave": tuple(planned)})


def without_leave(person: Person, leave: Leave) -> Person:
    """Return a person without a leave that was withdrawn."""
    planned = tuple(each for each in person.leave if each != leave)
    return person.model_copy(update={"leave": planned})
