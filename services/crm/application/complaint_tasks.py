"""Tasks of departments for complaints (协办任务), and all that is asked of a department."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.crm.application.complaints import ComplaintTaskView, Words, add_entry
from services.crm.application.deps import Deps
from services.crm.application.rules import complaint_rules, working_time_of
from services.crm.domain import complaint as complaints
from services.crm.domain.complaint import ComplaintTask
from services.crm.persistence import complaint as records
from services.crm.persistence import inquiry as inquiries
from shared import timers
from shared.contracts.base import Timestamp
from shared.contracts.crm import EscalationRole
from shared.ids import new_id
from shared.request_model import Reason, RequestModel
from shared.security import Principal
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

ESCALATE_TASK = "escalate_complaint_task"

Department = Literal[
    "service_advisor",
    "front_desk_supervisor",
    "dispatcher",
    "technician",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
    "customer_care_agent",
    "customer_care_manager",
    "service_manager",
]
"""Role that answers for its department."""


class AssignComplaintTaskRequest(RequestModel):
    """What a department is asked to do; without ``due_at`` it is due by the rules."""

    role: Department
    due_at: Timestamp | None = None
    words: Annotated[Words, Field(description="协办事项")]


class CompleteComplaintTaskRequest(RequestModel):
    words: Annotated[Words, Field(description="处理结果")]


class EscalateComplaintTaskRequest(RequestModel):
    reason: Reason


class DepartmentRequest(BaseModel):
    """What is asked of a department: a task for a complaint, or an inquiry to answer.

    ``request_id`` is the id of the task or of the inquiry.
    """

    kind: Literal["complaint_task", "inquiry"]
    request_id: str
    complaint_id: str | None
    order_id: str | None
    role: str
    asked_by: str
    asked_at: datetime
    due_at: datetime
    escalated_to: EscalationRole | None
    words: str | None


async def assign_complaint_task(
    uow: UnitOfWork, complaint_id: str, command: AssignComplaintTaskRequest, deps: Deps
) -> ComplaintTaskView:
    """Give a task for a complaint to a department (转办), which cannot refuse it (执行权).

    Raises:
        RuleViolation: as :func:`complaint.assign_task`, or there is no such complaint.
    """
    complaint = await records.lock_complaint(uow.connection, uow.store_id, complaint_id)
    task, events = complaints.assign_task(
        complaint,
        complaint_task_id=str(new_id()),
        role=command.role,
        by=uow.person,
        due_at=command.due_at or await _due_at(uow, deps),
        now=uow.now,
    )
    await records.save_task(uow.connection, task)
    await _add_entry(uow, task, deps, "task_assigned", command.words)
    await timers.schedule(
        uow, ESCALATE_TASK, task.complaint_task_id, store_id=task.store_id, due_at=task.due_at
    )
    uow.publish(events)
    return ComplaintTaskView.model_validate(task)


async def complete_complaint_task(
    uow: UnitOfWork,
    complaint_task_id: str,
    command: CompleteComplaintTaskRequest,
    roles: Collection[str],
    deps: Deps,
) -> ComplaintTaskView:
    """Give the result of a task (协办结果).

    Raises:
        RuleViolation: as :func:`complaint.complete_task`, or there is no such task.
    """
    task, events = complaints.complete_task(
        await records.lock_task(uow.connection, uow.store_id, complaint_task_id),
        uow.person,
        roles,
        uow.now,
    )
    await records.save_task(uow.connection, task)
    await _add_entry(uow, task, deps, "task_completed", command.words)
    await timers.cancel(uow, ESCALATE_TASK, complaint_task_id)
    uow.publish(events)
    return ComplaintTaskView.model_validate(task)


async def escalate_complaint_task(
    uow: UnitOfWork,
    complaint_task_id: str,
    command: EscalateComplaintTaskRequest,
    roles: Collection[str],
    deps: Deps,
) -> ComplaintTaskView:
    """Hand a task up that the department cannot do (协办升级); it stays due.

    Raises:
        RuleViolation: as :func:`complaint.escalate_task`, or there is no such task.
    """
    task, events = complaints.escalate_task(
        await records.lock_task(uow.connection, uow.store_id, complaint_task_id),
        uow.person,
        roles,
        uow.now,
    )
    await records.save_task(uow.connection, task)
    await _add_entry(uow, task, deps, "task_escalated", command.reason)
    uow.publish(events)
    return ComplaintTaskView.model_validate(task)


async def lock_complaint_task(uow: UnitOfWork, store_id: str, complaint_task_id: str) -> None:
    """Lock the task before its timer, as commands do."""
    await records.lock_task(uow.connection, store_id, complaint_task_id)


async def escalate_overdue_task(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Hand an overdue task up (协办超时升级)."""
    locked = await records.lock_task(uow.connection, timer.store_id, timer.entity_id)
    task, events = complaints.escalate_overdue_task(locked, uow.now)
    if events:
        await records.save_task(uow.connection, task)
        await _add_entry(uow, task, deps, "task_escalated", None)
        uow.publish(events)


async def list_department_requests(
    store_id: str, principal: Principal, deps: Deps
) -> list[DepartmentRequest]:
    """List what is asked of the caller's department: tasks and inquiries, by deadline."""
    async with deps.uow_factory.read(store_id) as connection:
        tasks = await records.open_tasks_of_roles(connection, store_id, principal.roles)
        asked = await records.asked_words(connection, store_id, tasks)
        passed = await inquiries.open_inquiries_of_roles(connection, store_id, principal.roles)
        written = [
            (task.customer_ref, asked[task.complaint_task_id])
            for task in tasks
            if task.complaint_task_id in asked
        ]
        written += [(each.inquiry.data_subject, each.question) for each in passed]
        texts = iter(await deps.personal.decrypt_all(connection, store_id, written))
    requests = [
        DepartmentRequest(
            kind="complaint_task",
            request_id=task.complaint_task_id,
            complaint_id=task.complaint_id,
            order_id=None,
            role=task.role,
            asked_by=task.assigned_by,
            asked_at=task.assigned_at,
            due_at=task.due_at,
            escalated_to=task.escalated_to,
            words=next(texts) if task.complaint_task_id in asked else None,
        )
        for task in tasks
    ]
    requests += [
        DepartmentRequest(
            kind="inquiry",
            request_id=inquiry.inquiry_id,
            complaint_id=None,
            order_id=inquiry.order_id,
            role=inquiry.role or "",
            asked_by=inquiry.passed_by or inquiry.recorded_by,
            asked_at=inquiry.passed_at or inquiry.recorded_at,
            due_at=inquiry.due_at,
            escalated_to=None,
            words=next(texts),
        )
        for inquiry in (each.inquiry for each in passed)
    ]
    return sorted(requests, key=lambda each: (each.due_at, each.request_id))


async def _due_at(uow: UnitOfWork, deps: Deps) -> datetime:
    """Return by when a task is due that names no time."""
    store = await deps.group.store(uow.connection, uow.store_id)
    rules = await complaint_rules(uow.connection, store, uow.now, deps)
    working_time = await working_time_of(uow.connection, store, deps)
    return working_time.after_days(uow.now, rules.task_days)


async def _add_entry(
    uow: UnitOfWork,
    task: ComplaintTask,
    deps: Deps,
    kind: Literal["task_assigned", "task_escalated", "task_completed"],
    words: str | None,
) -> None:
    await add_entry(
        uow,
        task.complaint_id,
        task.customer_ref,
        deps,
        kind,
        complaint_task_id=task.complaint_task_id,
        role=task.role,
        words=words,
    )
