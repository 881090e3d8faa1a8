"""Leave: asked for, decided on and withdrawn (R13, R40)."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.management.domain import leave
from services.management.domain.leave import LeaveRequest
from services.management.domain.person import Person
from services.management.domain.record import Version
from shared.contracts.management import Leave, Post
from shared.contracts.violations import RuleViolation

TODAY, NOW = date(2026, 3, 4), datetime(2026, 3, 4, 1, tzinfo=UTC)
PLANNED = Leave(first_day="2026-03-20", last_day="2026-03-22")


def asked(**changes: Any) -> LeaveRequest:
    return LeaveRequest(
        **{
            "store_id": "S01",
            "leave_request_id": "L-1",
            "person_id": "S01-technician-1",
            "kind": "annual",
            "first_day": date(2026, 3, 9),
            "last_day": date(2026, 3, 11),
            "requested_at": NOW,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"last_day": date(2026, 3, 8)}, "ends_before_it_begins last_day"),
        ({"first_day": date(2026, 3, 3)}, "day_passed first_day"),
        ({"last_day": date(2027, 3, 10)}, "leave_too_long last_day"),
        (
            {"first_day": date(2026, 3, 15), "last_day": date(2026, 3, 16)},
            "leave_overlaps first_day",
        ),
        (
            {"first_day": date(2026, 3, 22), "last_day": date(2026, 3, 30)},
            "leave_overlaps first_day",
        ),
    ],
)
def test_refused_request_names_its_field(changes: dict[str, Any], named: str) -> None:
    other = asked(first_day=date(2026, 3, 14), last_day=date(2026, 3, 15), status="approved")
    with pytest.raises(RuleViolation) as refused:
        leave.request(asked(**changes), [other], [PLANNED], TODAY)
    assert f"{refused.value.rule} {refused.value.field}" == named


def test_declined_leave_leaves_its_days_free() -> None:
    declined = asked(status="declined")
    assert leave.request(asked(), [declined], [PLANNED], TODAY) == asked()


@pytest.mark.parametrize(
    ("status", "by", "rule"),
    [
        ("requested", "S01-technician-1", "own_leave"),
        ("approved", "S01-manager-1", "leave_decided"),
        ("withdrawn", "S01-manager-1", "leave_decided"),
    ],
)
def test_decision_is_refused(status: str, by: str, rule: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        leave.decide(asked(status=status), "approved", by, TODAY, NOW)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("status", "by", "today", "rule"),
    [
        ("approved", "S01-technician-1", date(2026, 3, 9), "leave_begun"),
        ("declined", "S01-technician-1", TODAY, "leave_decided"),
        ("approved", "S01-technician-2", TODAY, "leave_of_another"),
    ],
)
def test_withdrawal_is_refused(status: str, by: str, today: date, rule: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        leave.withdraw(asked(status=status), by, today)
    assert refused.value.rule == rule


def test_approved_leave_enters_and_leaves_record() -> None:
    posts = (Post(role="technician", in_store="S01"),)
    person = Person(zh="刘洋", en="Yang Liu", posts=posts, leave=(PLANNED,))
    planned = leave.with_leave(person, asked().leave)
    assert planned.leave == (asked().leave, PLANNED)
    assert leave.with_leave(planned, asked().leave) == planned
    assert leave.without_leave(planned, asked().leave) == person


@pytest.mark.parametrize(
    ("moves_on", "refused_on"),
    [("2026-03-04", date(2026, 3, 9)), ("2026-03-10", date(2026, 3, 11)), ("2026-03-12", None)],
)
def test_store_approves_leave_in_its_own_days(moves_on: str, refused_on: date | None) -> None:
    dated = [
        Version(
            date.fromisoformat(day),
            Person(zh="刘洋", en="Yang Liu", posts=(Post(role="technician", in_store=store),)),
        )
        for day, store in (("2026-01-01", "S01"), (moves_on, "S02"))
    ]
    days = asked().first_day, asked().last_day
    if refused_on is None:
        leave.check_place("S01", days, asked(), dated)
        return
    with pytest.raises(RuleViolation) as refused:
        leave.check_place("S01", days, asked(), dated)
    assert (refused.value.rule, refused.value.values["day"]) == (
        "leave_elsewhere",
        refused_on.isoformat(),
    )
