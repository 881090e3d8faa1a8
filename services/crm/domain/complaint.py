"""Complaints (投诉): owner, deadlines, escalation, tasks, compensation, resolution and revisit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from services.crm.domain.working_time import WorkingTime
from shared.contracts.crm import (
    ComplaintAnswered,
    ComplaintCause,
    ComplaintCauseRepeated,
    ComplaintClosed,
    ComplaintEscalated,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintRevisited,
    ComplaintSeverity,
    ComplaintSource,
    ComplaintTaskAssigned,
    ComplaintTaskCompleted,
    ComplaintTaskEscalated,
    EscalationRole,
)
from shared.contracts.management import ComplaintDeadlines, ComplaintRules
from shared.contracts.versioned import Versioned
from shared.contracts.violations import RuleViolation

Status = Literal["open", "in_progress", "resolved", "closed"]
"""待答复、处理中、待回访、已归档."""

ESCALATION: tuple[EscalationRole, ...] = get_args(EscalationRole)
"""Roles that a complaint goes up to, the lowest first (逐级升级)."""

NOT_REPEATED: frozenset[ComplaintCause] = frozenset({"unfounded", "other"})
"""Causes that complaints may have in common without one and the same thing being wrong."""

EntryKind = Literal[
    "opened",
    "contact",
    "escalated",
    "task_assigned",
    "task_escalated",
    "task_completed",
    "compensation_proposed",
    "compensation_approved",
    "resolved",
    "revisited",
    "reopened",
    "closed",
]
"""受理、联系、升级、转办、协办升级、协办结果、提出补偿、批准补偿、解决、回访、重开、归档."""


@dataclass(frozen=True)
class Subject:
    """What a complaint is about: vehicle, order, technician, inspector and part, where known."""

    vehicle_ref: str | None = None
    order_id: str | None = None
    technician_id: str | None = None
    inspector_id: str | None = None
    part_number: str | None = None


@dataclass(frozen=True)
class Complaint(Versioned):
    """One complaint.

    ``due_at`` is when the next step is due: the first answer, then the solution. ``escalates_at``
    is when it goes up if that step is still missing; ``escalated_to`` is who it has gone up to.
    """

    complaint_id: str
    store_id: str
    customer_ref: str
    source: ComplaintSource
    severity: ComplaintSeverity
    vehicle_ref: str | None
    order_id: str | None
    technician_id: str | None
    inspector_id: str | None
    part_number: str | None
    owner_id: str
    opened_by: str
    opened_at: datetime
    answer_due_at: datetime
    solution_due_at: datetime
    due_at: datetime
    escalates_at: datetime | None
    escalated_to: EscalationRole | None = None
    escalated_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    cause: ComplaintCause | None = None
    compensation_cents: int = 0
    compensation_proposed_by: str | None = None
    compensation_approved_by: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolutions: int = 0
    revisited_at: datetime | None = None
    reopened_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None

    @property
    def status(self) -> Status:
        if self.closed_at:
            return "closed"
        if self.resolved_at:
            return "resolved"
        return "in_progress" if self.answered_at else "open"

    @property
    def revisit_about(self) -> str:
        """What the call after its present solution is about: each solution has one."""
        return f"{self.complaint_id}/{self.resolutions}"

    @property
    def compensation_pending(self) -> bool:
        """Whether a compensation still needs approval."""
        return self.compensation_cents > 0 and self.compensation_approved_by is None


@dataclass(frozen=True)
class ComplaintTask:
    """Task of a department for a complaint (协办任务), which cannot be refused (执行权)."""

    complaint_task_id: str
    store_id: str
    complaint_id: str
    customer_ref: str
    role: str
    assigned_by: str
    assigned_at: datetime
    due_at: datetime
    escalated_to: EscalationRole | None = None
    escalated_at: datetime | None = None
    completed_at: datetime | None = None
    completed_by: str | None = None


def revisited_complaint(about: str) -> str:
    """Return the complaint of a call after a solution."""
    return about.partition("/")[0]


def deadlines_of(rules: ComplaintRules, severity: ComplaintSeverity) -> ComplaintDeadlines:
    """Return the deadlines of a severity class."""
    return next(each for each in rules.deadlines if each.severity == severity)


def limit_of(rules: ComplaintRules, roles: Collection[str]) -> int:
    """Return the largest compensation, in cents, that one of ``roles`` may approve."""
    limits = (each.limit_cents for each in rules.compensation_limits if each.role in roles)
    return max(limits, default=0)


def open_complaint(
    *,
    complaint_id: str,
    store_id: str,
    customer_ref: str,
    source: ComplaintSource,
    severity: ComplaintSeverity,
    subject: Subject,
    owner_id: str,
    opened_by: str,
    rules: ComplaintRules,
    working_time: WorkingTime,
    now: datetime,
) -> tuple[Complaint, list[ComplaintOpened]]:
    """Open a complaint with the deadlines of its severity (投诉受理)."""
    deadlines = deadlines_of(rules, severity)
    answer_due_at = working_time.after_hours(now, deadlines.answer_hours)
    solution_due_at = working_time.after_days(now, deadlines.solution_days)
    complaint = Complaint(
        complaint_id=complaint_id,
        store_id=store_id,
        customer_ref=customer_ref,
        source=source,
        severity=severity,
        **vars(subject),
        owner_id=owner_id,
        opened_by=opened_by,
        opened_at=now,
        answer_due_at=answer_due_at,
        solution_due_at=solution_due_at,
        due_at=answer_due_at,
        escalates_at=answer_due_at,
    )
    event = ComplaintOpened(
        store_id=store_id,
        customer_ref=customer_ref,
        complaint_id=complaint_id,
        source=source,
        severity=severity,
        **vars(subject),
        owner_id=owner_id,
        opened_by=opened_by,
        answer_due_at=answer_due_at,
        solution_due_at=solution_due_at,
        opened_at=now,
    )
    return complaint, [event]


def record_contact(
    complaint: Complaint, by: str, *, reached: bool, now: datetime
) -> tuple[Complaint, list[ComplaintAnswered]]:
    """Record a contact with the customer; the first that reaches them is the first answer.

    Raises:
        RuleViolation: the complaint is closed.
    """
    _require_not_closed(complaint)
    if not reached or complaint.answered_at:
        return complaint, []
    answered = replace(
        complaint,
        answered_at=now,
        answered_by=by,
        due_at=complaint.solution_due_at,
        escalates_at=_next_escalation(complaint, complaint.solution_due_at),
    )
    event = ComplaintAnswered(**_ids(complaint), answered_by=by, answered_at=now)
    return answered, [event]


def escalate(
    complaint: Complaint,
    to: EscalationRole,
    by: str,
    *,
    next_at: datetime,
    now: datetime,
) -> tuple[Complaint, list[ComplaintEscalated]]:
    """Hand the complaint up to a higher role (主动升级); the next one is due at ``next_at``.

    Raises:
        RuleViolation: it is resolved or closed, or has gone up so far already.
    """
    _require_in_work(complaint)
    if complaint.escalated_to and _rank(to) <= _rank(complaint.escalated_to):
        raise _already_escalated("to", complaint.escalated_to, complaint.escalated_at)
    return _escalated(complaint, to, by, next_at=max(next_at, complaint.due_at), now=now)


def escalate_overdue(
    complaint: Complaint, *, next_at: datetime, now: datetime
) -> tuple[Complaint, list[ComplaintEscalated]]:
    """Hand an overdue complaint one level up (超时升级); nothing where it is not overdue."""
    if complaint.escalates_at is None or complaint.escalates_at > now:
        return complaint, []
    level = _rank(complaint.escalated_to) + 1 if complaint.escalated_to else 0
    return _escalated(complaint, ESCALATION[level], None, next_at=next_at, now=now)


def propose_compensation(
    complaint: Complaint, amount_cents: int, by: str, limit_cents: int
) -> Complaint:
    """Propose a compensation, which replaces an earlier one; within the person's limit it is
    approved.

    Raises:
        RuleViolation: the complaint is resolved or closed.
    """
    _require_in_work(complaint)
    return replace(
        complaint,
        compensation_cents=amount_cents,
        compensation_proposed_by=by,
        compensation_approved_by=by if amount_cents <= limit_cents else None,
    )


def approve_compensation(complaint: Complaint, by: str, limit_cents: int) -> Complaint:
    """Approve the compensation, which is within the limit of the person's role (补偿审批).

    Raises:
        RuleViolation: the complaint is resolved or closed, no compensation awaits approval, or it
            is over the limit.
    """
    _require_in_work(complaint)
    if not complaint.compensation_pending:
        raise RuleViolation(
            "no_compensation_to_approve",
            "No compensation of this complaint awaits approval.",
            field="complaint_id",
            kind="conflict",
        )
    if complaint.compensation_cents > limit_cents:
        raise RuleViolation(
            "compensation_over_limit",
            f"The caller may approve {limit_cents} cents at most.",
            field="amount_cents",
            kind="forbidden",
            limit_cents=limit_cents,
        )
    return replace(complaint, compensation_approved_by=by)


def resolve(
    complaint: Complaint,
    cause: ComplaintCause,
    subject: Subject,
    by: str,
    *,
    open_tasks: int,
    now: datetime,
) -> tuple[Complaint, list[ComplaintResolved]]:
    """Record the solution and its cause; the revisit follows (投诉解决).

    Raises:
        RuleViolation: it is resolved or closed, the customer has had no answer, a task is open, or
            a compensation is not approved.
    """
    _require_in_work(complaint)
    if complaint.answered_at is None:
        raise _conflict("complaint_not_answered", "The customer has had no answer yet.")
    if open_tasks:
        raise _conflict(
            "complaint_tasks_open", f"{open_tasks} tasks for it are open.", count=open_tasks
        )
    if complaint.compensation_pending:
        raise _conflict("compensation_not_approved", "Its compensation is not approved yet.")
    resolved = replace(
        complaint,
        cause=cause,
        **vars(subject),
        resolved_at=now,
        resolved_by=by,
        resolutions=complaint.resolutions + 1,
        escalates_at=None,
    )
    event = ComplaintResolved(
        **_ids(complaint),
        cause=cause,
        order_id=subject.order_id,
        technician_id=subject.technician_id,
        inspector_id=subject.inspector_id,
        part_number=subject.part_number,
        compensation_cents=complaint.compensation_cents,
        compensation_approved_by=complaint.compensation_approved_by,
        resolved_by=by,
        resolved_at=now,
    )
    return resolved, [event]


def record_revisit(
    complaint: Complaint, by: str, *, satisfied: bool, solution_due_at: datetime, now: datetime
) -> tuple[Complaint, Sequence[ComplaintRevisited | ComplaintClosed | ComplaintReopened]]:
    """Record what the customer says of the solution: it is closed, or open again (投诉回访).

    Raises:
        RuleViolation: the complaint is not resolved, or closed already.
    """
    _require_not_closed(complaint)
    if complaint.resolved_at is None:
        raise _conflict("complaint_not_resolved", "The complaint is not resolved yet.")
    revisited = replace(complaint, revisited_at=now)
    event = ComplaintRevisited(
        **_ids(complaint), satisfied=satisfied, revisited_by=by, revisited_at=now
    )
    if not satisfied:
        reopened, events = _reopened(revisited, by, solution_due_at, now)
        return reopened, [event, *events]
    closed = replace(revisited, closed_at=now, closed_by=by)
    return closed, [event, ComplaintClosed(**_ids(complaint), closed_by=by, closed_at=now)]


def reopen(
    complaint: Complaint, by: str, *, solution_due_at: datetime, now: datetime
) -> tuple[Complaint, list[ComplaintReopened]]:
    """Open a complaint again that is resolved or closed (投诉重开).

    Raises:
        RuleViolation: it is open.
    """
    if complaint.resolved_at is None:
        raise _conflict("complaint_open", "The complaint is open.")
    return _reopened(complaint, by, solution_due_at, now)


def assign_task(
    complaint: Complaint,
    *,
    complaint_task_id: str,
    role: str,
    by: str,
    due_at: datetime,
    now: datetime,
) -> tuple[ComplaintTask, list[ComplaintTaskAssigned]]:
    """Give a task to a department (转办).

    Raises:
        RuleViolation: the complaint is resolved or closed, or the deadline has passed.
    """
    _require_in_work(complaint)
    if due_at <= now:
        raise RuleViolation("due_in_past", "The deadline has passed already.", field="due_at")
    task = ComplaintTask(
        complaint_task_id=complaint_task_id,
        store_id=complaint.store_id,
        complaint_id=complaint.complaint_id,
        customer_ref=complaint.customer_ref,
        role=role,
        assigned_by=by,
        assigned_at=now,
        due_at=due_at,
    )
    event = ComplaintTaskAssigned(**_task_ids(task), assigned_by=by, due_at=due_at, assigned_at=now)
    return task, [event]


def complete_task(
    task: ComplaintTask, by: str, roles: Collection[str], now: datetime
) -> tuple[ComplaintTask, list[ComplaintTaskCompleted]]:
    """Give the result of a task (协办结果).

    Raises:
        RuleViolation: it is completed already, or another department's.
    """
    _require_own_open_task(task, roles)
    event = ComplaintTaskCompleted(**_task_ids(task), completed_by=by, completed_at=now)
    return replace(task, completed_at=now, completed_by=by), [event]


def escalate_task(
    task: ComplaintTask, by: str, roles: Collection[str], now: datetime
) -> tuple[ComplaintTask, list[ComplaintTaskEscalated]]:
    """Hand a task up that the department cannot do (协办升级); it stays due.

    Raises:
        RuleViolation: it is completed, another department's, or has gone up already.
    """
    _require_own_open_task(task, roles)
    if task.escalated_to:
        raise _already_escalated("complaint_task_id", task.escalated_to, task.escalated_at)
    return _task_escalated(task, by, now)


def escalate_overdue_task(
    task: ComplaintTask, now: datetime
) -> tuple[ComplaintTask, list[ComplaintTaskEscalated]]:
    """Hand an overdue task up (协办超时升级), once, if it is still open."""
    if task.completed_at or task.escalated_to:
        return task, []
    return _task_escalated(task, None, now)


def repeated_cause(
    complaint: Complaint, complaint_ids: Sequence[str], rules: ComplaintRules, now: datetime
) -> list[ComplaintCauseRepeated]:
    """Tell that the cause of a resolved complaint is that of ``complaint_ids`` too, once there are
    so many.
    """
    if complaint.cause is None or len(complaint_ids) < rules.repeat_count:
        return []
    return [
        ComplaintCauseRepeated(
            store_id=complaint.store_id,
            cause=complaint.cause,
            complaint_id=complaint.complaint_id,
            complaint_ids=tuple(complaint_ids),
            period_days=rules.repeat_days,
            found_by=complaint.resolved_by or complaint.owner_id,
            repeated_at=now,
        )
    ]


def _already_escalated(field: str, to: EscalationRole, at: datetime | None) -> RuleViolation:
    return RuleViolation(
        "already_escalated",
        f"It has gone up to {to} already.",
        field=field,
        kind="conflict",
        at=at and at.isoformat(),
    )


def _ids(complaint: Complaint) -> dict[str, str]:
    return {
        "store_id": complaint.store_id,
        "customer_ref": complaint.customer_ref,
        "complaint_id": complaint.complaint_id,
    }


def _task_ids(task: ComplaintTask) -> dict[str, str]:
    return {
        "store_id": task.store_id,
        "customer_ref": task.customer_ref,
        "complaint_id": task.complaint_id,
        "complaint_task_id": task.complaint_task_id,
        "role": task.role,
    }


def _rank(role: EscalationRole) -> int:
    return ESCALATION.index(role)


def _next_escalation(complaint: Complaint, at: datetime) -> datetime | None:
    """Return when it goes up next; never from the highest role."""
    return None if complaint.escalated_to == ESCALATION[-1] else at


def _escalated(
    complaint: Complaint, to: EscalationRole, by: str | None, *, next_at: datetime, now: datetime
) -> tuple[Complaint, list[ComplaintEscalated]]:
    escalated = replace(complaint, escalated_to=to, escalated_at=now)
    event = ComplaintEscalated(
        **_ids(complaint), escalated_to=to, escalated_by=by, escalated_at=now
    )
    return replace(escalated, escalates_at=_next_escalation(escalated, next_at)), [event]


def _reopened(
    complaint: Complaint, by: str, solution_due_at: datetime, now: datetime
) -> tuple[Complaint, list[ComplaintReopened]]:
    reopened = replace(
        complaint,
        resolved_at=None,
        resolved_by=None,
        closed_at=None,
        closed_by=None,
        reopened_at=now,
        solution_due_at=solution_due_at,
        due_at=solution_due_at,
        escalates_at=_next_escalation(complaint, solution_due_at),
    )
    event = ComplaintReopened(
        **_ids(complaint), reopened_by=by, solution_due_at=solution_due_at, reopened_at=now
    )
    return reopened, [event]


def _task_escalated(
    task: ComplaintTask, by: str | None, now: datetime
) -> tuple[ComplaintTask, list[ComplaintTaskEscalated]]:
    to = ESCALATION[0]
    event = ComplaintTaskEscalated(
        **_task_ids(task), escalated_to=to, escalated_by=by, escalated_at=now
    )
    return replace(task, escalated_to=to, escalated_at=now), [event]


def _require_own_open_task(task: ComplaintTask, roles: Collection[str]) -> None:
    if task.completed_at:
        raise RuleViolation(
            "complaint_task_completed",
            "The task is completed already.",
            field="complaint_task_id",
            kind="conflict",
            by=task.completed_by,
            at=task.completed_at.isoformat(),
        )
    if task.role not in roles and task.escalated_to not in roles:
        raise RuleViolation(
            "task_of_another_department",
            f"The task is that of the role {task.role}.",
            field="complaint_task_id",
            kind="forbidden",
        )


def _require_not_closed(complaint: Complaint) -> None:
    if complaint.closed_at:
        raise _conflict(
            "complaint_closed",
            "The complaint is closed; reopen it with a reason.",
            by=complaint.closed_by,
            at=complaint.closed_at.isoformat(),
        )


def _require_in_work(complaint: Complaint) -> None:
    _require_not_closed(complaint)
    if complaint.resolved_at:
        raise _conflict(
            "complaint_resolved",
            "The complaint is resolved and awaits its revisit.",
            by=complaint.resolved_by,
            at=complaint.resolved_at.isoformat(),
        )


def _conflict(rule: str, message: str, **values: object) -> RuleViolation:
    return RuleViolation(rule, message, field="complaint_id", kind="conflict", **values)
