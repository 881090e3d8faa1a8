"""Decisions on complaints, tasks, inquiries and public posts (R22, R23, R44)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.crm.domain import complaint as complaints
from services.crm.domain import public_post as public_posts
from services.crm.domain.complaint import ESCALATION, Complaint, ComplaintTask, Subject
from services.crm.domain.public_post import PublicPost
from services.crm.domain.working_time import WorkingTime
from shared.contracts import contracts_of
from shared.contracts.crm import ComplaintClosed, ComplaintReopened, ComplaintSeverity
from shared.contracts.management import ComplaintRules
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
RULES = ComplaintRules()
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = WorkingTime(SHANGHAI, time(8), time(18), lambda day: day.isoweekday() < 6)

OPENED = complaints.open_complaint(
    complaint_id="k-1",
    store_id="S01",
    customer_ref="c-1",
    source="phone",
    severity="major",
    subject=Subject(order_id="o-1"),
    owner_id="S01-manager-1",
    opened_by="S01-agent-1",
    rules=RULES,
    working_time=HOURS,
    now=NOW,
)[0]
ANSWERED = complaints.record_contact(OPENED, "S01-agent-1", reached=True, now=NOW)[0]
TASK = complaints.assign_task(
    ANSWERED,
    complaint_task_id="t-1",
    role="dispatcher",
    by="S01-agent-1",
    due_at=LATER,
    now=NOW,
)[0]


def resolved(complaint: Complaint = ANSWERED, open_tasks: int = 0) -> Complaint:
    decided, _ = complaints.resolve(
        complaint, "repair_quality", Subject(), "S01-agent-1", open_tasks=open_tasks, now=NOW
    )
    return decided


def revisited(satisfied: bool) -> tuple[Complaint, Any]:
    return complaints.record_revisit(
        resolved(), "S01-agent-2", satisfied=satisfied, solution_due_at=LATER, now=NOW
    )


def refused(decide: Callable[[], object]) -> str:
    with pytest.raises(RuleViolation) as violation:
        decide()
    return violation.value.rule


@pytest.mark.parametrize(
    ("begin", "hours", "end"),
    [
        ("2026-03-04T10:00", 4, "2026-03-04T14:00"),
        ("2026-03-04T17:00", 4, "2026-03-05T11:00"),
        ("2026-03-04T05:00", 1, "2026-03-04T09:00"),
        ("2026-03-06T17:30", 1, "2026-03-09T08:30"),
        ("2026-03-07T12:00", 10, "2026-03-09T18:00"),
    ],
)
def test_working_hours_pass_while_store_is_open(begin: str, hours: int, end: str) -> None:
    moment = datetime.fromisoformat(begin).replace(tzinfo=SHANGHAI)
    assert HOURS.after_hours(moment, hours) == datetime.fromisoformat(end).replace(tzinfo=SHANGHAI)


@given(st.integers(0, 500_000), st.integers(1, 60))
def test_working_hours_add_up(minutes: int, hours: int) -> None:
    moment = NOW + timedelta(minutes=minutes)
    one_by_one = moment
    for _ in range(hours):
        one_by_one = HOURS.after_hours(one_by_one, 1)
    assert HOURS.after_hours(moment, hours) == one_by_one


def test_solution_is_due_at_closing_of_working_day() -> None:
    friday = datetime(2026, 3, 6, 4, tzinfo=UTC)
    assert HOURS.after_days(friday, 2).astimezone(SHANGHAI) == datetime(
        2026, 3, 10, 18, tzinfo=SHANGHAI
    )


@pytest.mark.parametrize("severity", get_args(ComplaintSeverity))
def test_worse_complaint_is_never_due_later(severity: ComplaintSeverity) -> None:
    deadlines = complaints.deadlines_of(RULES, severity)
    minor = complaints.deadlines_of(RULES, "minor")
    assert deadlines.answer_hours <= minor.answer_hours
    assert deadlines.solution_days <= minor.solution_days


def test_overdue_complaint_climbs_to_group_manager() -> None:
    complaint, levels = OPENED, []
    while complaint.escalates_at:
        now = complaint.escalates_at
        complaint, events = complaints.escalate_overdue(
            complaint, next_at=now + timedelta(hours=4), now=now
        )
        levels += [event.escalated_to for event in events]
    assert tuple(levels) == ESCALATION


def test_answered_complaint_is_not_escalated_early() -> None:
    unchanged, events = complaints.escalate_overdue(ANSWERED, next_at=LATER, now=NOW)
    assert (unchanged, events) == (ANSWERED, [])
    assert ANSWERED.escalates_at == ANSWERED.due_at == ANSWERED.solution_due_at


def test_unreached_customer_has_no_answer() -> None:
    tried, events = complaints.record_contact(OPENED, "a", reached=False, now=NOW)
    assert (tried.status, events) == ("open", [])


def test_escalating_twice_is_refused() -> None:
    up, _ = complaints.escalate(ANSWERED, "service_manager", "a", next_at=LATER, now=NOW)
    again = "already_escalated"
    assert again == refused(
        lambda: complaints.escalate(up, "service_manager", "a", next_at=LATER, now=NOW)
    )
    higher, _ = complaints.escalate(up, "group_manager", "a", next_at=LATER, now=NOW)
    assert higher.escalates_at is None


def test_satisfied_revisit_closes_complaint() -> None:
    closed, events = revisited(satisfied=True)
    assert closed.status == "closed"
    assert isinstance(events[-1], ComplaintClosed)


def test_unsatisfied_revisit_opens_complaint_again() -> None:
    again, events = revisited(satisfied=False)
    assert (again.status, again.due_at, again.escalates_at) == ("in_progress", LATER, LATER)
    assert isinstance(events[-1], ComplaintReopened)


def test_closed_complaint_refuses_every_change() -> None:
    closed, _ = revisited(satisfied=True)
    changes: list[Callable[[], object]] = [
        lambda: complaints.record_contact(closed, "a", reached=True, now=NOW),
        lambda: complaints.escalate(closed, "group_manager", "a", next_at=LATER, now=NOW),
        lambda: complaints.propose_compensation(closed, 100, "a", 1000),
        lambda: complaints.approve_compensation(closed, "a", 1000),
        lambda: resolved(closed),
        lambda: complaints.record_revisit(
            closed, "a", satisfied=True, solution_due_at=LATER, now=NOW
        ),
        lambda: complaints.assign_task(
            closed, complaint_task_id="t", role="cashier", by="a", due_at=LATER, now=NOW
        ),
    ]
    assert {refused(change) for change in changes} == {"complaint_closed"}
    again, _ = complaints.reopen(closed, "a", solution_due_at=LATER, now=NOW)
    assert again.status == "in_progress"


def test_complaint_without_answer_is_not_resolved() -> None:
    assert refused(lambda: resolved(OPENED)) == "complaint_not_answered"
    assert refused(lambda: resolved(open_tasks=1)) == "complaint_tasks_open"


def test_compensation_over_limit_needs_approval() -> None:
    pending = complaints.propose_compensation(ANSWERED, 50_000, "a", 20_000)
    assert pending.compensation_pending
    assert refused(lambda: resolved(pending)) == "compensation_not_approved"
    over = "compensation_over_limit"
    assert refused(lambda: complaints.approve_compensation(pending, "m", 49_999)) == over
    approved = complaints.approve_compensation(pending, "m", 50_000)
    assert resolved(approved).compensation_approved_by == "m"
    raised = complaints.propose_compensation(approved, 60_000, "a", 20_000)
    assert raised.compensation_pending


@pytest.mark.parametrize(
    ("roles", "limit"),
    [
        ({"customer_care_agent"}, 20_000),
        ({"customer_care_agent", "service_manager"}, 500_000),
        ({"cashier"}, 0),
    ],
)
def test_highest_role_limits_compensation(roles: set[str], limit: int) -> None:
    assert complaints.limit_of(RULES, roles) == limit


def test_task_is_completed_by_its_department_once() -> None:
    other = "task_of_another_department"
    assert refused(lambda: complaints.complete_task(TASK, "p", {"parts_clerk"}, NOW)) == other
    done, _ = complaints.complete_task(TASK, "d", {"dispatcher"}, NOW)
    completed = "complaint_task_completed"
    assert refused(lambda: complaints.complete_task(done, "d", {"dispatcher"}, NOW)) == completed
    assert complaints.escalate_overdue_task(done, NOW) == (done, [])


def test_escalated_task_is_store_managers_too() -> None:
    up, _ = complaints.escalate_task(TASK, "d", {"dispatcher"}, NOW)
    again = "already_escalated"
    assert refused(lambda: complaints.escalate_task(up, "d", {"dispatcher"}, NOW)) == again
    assert complaints.escalate_overdue_task(up, NOW) == (up, [])
    done, _ = complaints.complete_task(up, "m", {"service_manager"}, NOW)
    assert isinstance(done, ComplaintTask)
    assert done.completed_by == "m"


def test_cause_counts_as_repeated_from_limit_on() -> None:
    complaint = resolved()
    assert complaints.repeated_cause(complaint, ["k-0", "k-1"], RULES, NOW) == []
    (event,) = complaints.repeated_cause(complaint, ["k-0", "k-1", "k-2"], RULES, NOW)
    assert (event.cause, event.complaint_id) == ("repair_quality", "k-1")


def test_post_is_overdue_once_without_answer() -> None:
    post = PublicPost(
        public_post_id="p-1",
        store_id="S01",
        platform="weibo",
        tone="negative",
        posted_on=date(2026, 3, 3),
        complaint_id=None,
        owner_id="a",
        logged_by="a",
        logged_at=NOW,
        due_at=NOW,
    )
    late, events = public_posts.overdue(post, NOW)
    assert (late.status, len(events)) == ("overdue", 1)
    assert public_posts.overdue(late, NOW) == (late, [])
    answered, _ = public_posts.answer(late, "a", NOW)
    assert public_posts.overdue(replace(answered, overdue_at=None), NOW)[1] == []
    assert refused(lambda: public_posts.answer(answered, "a", NOW)) == "public_post_answered"


def texts_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a schema that accept any text."""
    parts = [schema, *schema.get("anyOf", []), *filter(None, [schema.get("items")])]
    return [
        part
        for part in parts
        if part.get("type") == "string"
        and not {"pattern", "enum", "const", "format"}.intersection(part)
    ]


@pytest.mark.parametrize("event", contracts_of("crm"))
def test_events_have_no_field_for_words(event: type[BaseModel]) -> None:
    schema = event.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    fields = {
        name: field for model in models for name, field in model.get("properties", {}).items()
    }
    assert [name for name, field in fields.items() if texts_of(field)] == []
