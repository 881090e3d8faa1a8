"""One complaint (投诉): its deadlines, its timeline, and what may be done next."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.complaint import DEPARTMENTS, severity_badge, status_badges
from services.desk.components.deadline import deadline
from services.desk.components.elements import (
    Handler,
    badge,
    box,
    button,
    dialog,
    facts,
    link,
    panel,
    test_id,
    text,
)
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    moment_field,
    moment_of,
    send_now,
    submit,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    AssignComplaintTaskRequest,
    ComplaintChannel,
    ComplaintDetail,
    ComplaintEntry,
    ComplaintTaskView,
    ComplaintView,
    EscalateComplaintRequest,
    ProposeCompensationRequest,
    PublicPostDetail,
    RecordComplaintContactRequest,
    RecordRevisitRequest,
    ReopenComplaintRequest,
    ResolveComplaintRequest,
    VersionedRequest,
)
from shared.contracts.crm import ComplaintCause, EscalationRole

PAGE = Page(
    path="/stores/{store_id}/complaints/{complaint_id}",
    title="Complaint",
    roles=roles_of(CrmApi.get_complaint),
    requirements=("R21", "R22", "R23", "R44"),
)

_ESCALATION = get_args(EscalationRole)


@dataclass(frozen=True)
class _File:
    """A complaint with its customer's name, and the posts that belong to it."""

    complaint: ComplaintDetail
    name: str | None
    posts: list[PublicPostDetail]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the complaint with its next steps, and its timeline beside it."""

    def render(file: _File, renderer: PartialRenderer) -> None:
        head = partial(_head, ctx, renderer.every_second)
        renderer.section("head", head, _without_entries(file.complaint), file.name)
        if file.complaint.tasks:
            tasks = partial(_tasks, ctx, renderer.every_second)
            renderer.section("tasks", tasks, file.complaint.tasks)
        if file.posts:
            renderer.section("posts", partial(_posts, ctx), file.posts)
        renderer.section("timeline", partial(_timeline, ctx), file.complaint.entries)

    with box("narrow"):
        await live(ctx, lambda: _read(ctx), render)


async def _read(ctx: PageContext) -> _File:
    crm, store_id, complaint_id = (
        ctx.services.crm,
        ctx.store.id,
        ctx.parameters["complaint_id"],
    )
    complaint, posts = await asyncio.gather(
        crm.get_complaint(store_id, complaint_id),
        crm.list_public_posts(
            store_id, status=["open", "overdue", "answered"], complaint_id=complaint_id
        ),
    )
    names = await ctx.names([complaint.customer_ref])
    return _File(complaint, names.of(complaint.customer_ref).name, posts.public_posts)


def _without_entries(complaint: ComplaintDetail) -> ComplaintDetail:
    """Return what the head shows, which stays as it is when the timeline grows."""
    return complaint.model_copy(update={"entries": []})


def _head(
    ctx: PageContext, every_second: EverySecond, complaint: ComplaintDetail, name: str | None
) -> None:
    t = ctx.t
    with panel():
        with box("order-head"):
            with box("card-names"):
                customer = f"{ctx.store_path}/customers/{complaint.customer_ref}"
                link(name or t("Customer"), customer, "text-link")
                if complaint.order_id:
                    order = f"{ctx.store_path}/orders/{complaint.order_id}"
                    link(t("Order"), order, "text-link")
            severity_badge(t, complaint.severity)
            status_badges(t, complaint)
            box("spacer")
            if complaint.resolved_at is None:
                deadline(ctx, every_second, complaint.due_at)
        facts(_facts(ctx, complaint))
        with box("card-actions"):
            _actions(ctx, complaint)


def _facts(ctx: PageContext, complaint: ComplaintDetail) -> list[tuple[str, str]]:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    about = {
        t("Technician"): ctx.colleague(complaint.technician_id) if complaint.technician_id else "",
        t("Inspector"): ctx.colleague(complaint.inspector_id) if complaint.inspector_id else "",
        t("Part"): complaint.part_number,
        t("Cause"): t.code("complaint_cause", complaint.cause) if complaint.cause else "",
        t("Compensation"): formats.money(complaint.compensation_cents or None),
    }
    return [
        (t("Source"), t.code("complaint_source", complaint.source)),
        (t("Owner"), ctx.colleague(complaint.owner_id)),
        (t("Opened"), formats.day_and_clock(complaint.opened_at, zone, now)),
        (t("First answer due"), formats.day_and_clock(complaint.answer_due_at, zone, now)),
        (t("Solution due"), formats.day_and_clock(complaint.solution_due_at, zone, now)),
        *((label, value) for label, value in about.items() if value and value != formats.NOTHING),
    ]


def _actions(ctx: PageContext, complaint: ComplaintDetail) -> None:
    """Offer the next steps: in work, resolved, or closed."""
    t, crm = ctx.t, ctx.services.crm
    if complaint.status != "closed" and ctx.may(crm.record_complaint_contact):
        contact = partial(_contact_dialog, ctx, complaint)
        button(t("Record contact …"), contact, name="complaint-contact", kind="main")
    if not ctx.may(crm.resolve_complaint):
        return
    if complaint.status in ("open", "in_progress"):
        button(t("Give a task …"), partial(_task_dialog, ctx, complaint), name="complaint-task")
        compensate = partial(_compensation_dialog, ctx, complaint)
        button(t("Compensation …"), compensate, name="complaint-compensation")
        if complaint.compensation_pending:
            button(t("Approve compensation"), _approving(ctx, complaint), name="approve")
        if complaint.escalated_to != _ESCALATION[-1]:
            escalate = partial(_escalation_dialog, ctx, complaint)
            button(t("Escalate …"), escalate, name="complaint-escalate")
        resolve = partial(_resolution_dialog, ctx, complaint)
        button(t("Resolve …"), resolve, name="complaint-resolve")
    if complaint.status == "resolved":
        revisit = partial(_revisit_dialog, ctx, complaint)
        button(t("Record revisit …"), revisit, name="complaint-revisit", kind="main")
    if complaint.status in ("resolved", "closed"):
        button(t("Reopen …"), partial(_reopen_dialog, ctx, complaint), name="complaint-reopen")


def _tasks(ctx: PageContext, every_second: EverySecond, tasks: list[ComplaintTaskView]) -> None:
    t = ctx.t
    with panel(t("Tasks of departments")):
        for task in tasks:
            with test_id("complaint-task-row", box("state-line")):
                text(t.code("role", task.role))
                if task.escalated_to:
                    badge(t("Escalated: {role}", role=t.code("role", task.escalated_to)), "bad")
                if task.completed_at:
                    badge(t("Done"), "good")
                else:
                    deadline(ctx, every_second, task.due_at)


def _posts(ctx: PageContext, posts: list[PublicPostDetail]) -> None:
    t = ctx.t
    with panel(t("Public voice")):
        for post in posts:
            with box("state-line"):
                badge(t.code("platform", post.platform), "quiet")
                text(post.summary or formats.NOTHING)


def _timeline(ctx: PageContext, entries: list[ComplaintEntry]) -> None:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    with panel(t("Timeline")):
        for entry in entries:
            with test_id(f"entry-{entry.kind}", box("fact")):
                with box("state-line"):
                    text(formats.day_and_clock(entry.recorded_at, zone, now), "number")
                    badge(t.code("complaint_entry", entry.kind), "calm")
                    text(ctx.colleague(entry.recorded_by) if entry.recorded_by else t("The system"))
                    for word in _details(ctx, entry):
                        text(word, "hint")
                if entry.words:
                    text(entry.words)


def _details(ctx: PageContext, entry: ComplaintEntry) -> list[str]:
    """Return what else an entry says, in words."""
    t = ctx.t
    said: Mapping[bool, str] = {True: t("Reached"), False: t("Not reached")}
    thought: Mapping[bool, str] = {True: t("Satisfied"), False: t("Not satisfied")}
    words = [
        t.code("role", entry.role) if entry.role else None,
        t.code("channel", entry.channel) if entry.channel else None,
        None if entry.reached is None else said[entry.reached],
        None if entry.satisfied is None else thought[entry.satisfied],
        None if entry.amount_cents is None else formats.money(entry.amount_cents),
    ]
    return [word for word in words if word]


def _contact_dialog(ctx: PageContext, complaint: ComplaintDetail) -> None:
    t = ctx.t
    with dialog(t("Record contact …")) as opened:
        form = Form(ctx, complaint.version)
        channel = _channel(form)
        reached = form.field(
            "reached",
            ui.select({True: t("Reached"), False: t("Not reached")}, label=t("Result"), value=True),
        )
        words = form.field("words", ui.textarea(t("Record")).props("autogrow"))

        def command() -> Awaitable[ComplaintView]:
            request = RecordComplaintContactRequest(
                version=form.version,
                channel=channel.value,
                reached=reached.value,
                words=words.value,
            )
            return ctx.services.crm.record_complaint_contact(
                ctx.store.id, complaint.complaint_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("words"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _task_dialog(ctx: PageContext, complaint: ComplaintDetail) -> None:
    """Give a task to a department; it cannot refuse, only escalate (执行权)."""
    t = ctx.t
    with dialog(t("Give a task …")) as opened:
        form = Form(ctx)
        role = form.field("role", ui.select(choices(t, "role", DEPARTMENTS), label=t("Department")))
        due_at = moment_field(form, "due_at", t("Due"), None)
        words = form.field("words", ui.textarea(t("What is asked")).props("autogrow"))

        def command() -> Awaitable[ComplaintTaskView]:
            request = AssignComplaintTaskRequest(
                role=role.value,
                due_at=moment_of(form, due_at) if due_at.value else None,
                words=words.value,
            )
            return ctx.services.crm.assign_complaint_task(
                ctx.store.id, complaint.complaint_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("role", "words"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _compensation_dialog(ctx: PageContext, complaint: ComplaintDetail) -> None:
    t = ctx.t
    with dialog(t("Compensation …")) as opened:
        form = Form(ctx, complaint.version)
        amount = form.field(
            "amount_cents", ui.number(t("Amount"), min=0, prefix="¥", format="%.2f")
        )
        reason = form.field("reason", ui.textarea(t("Reason")).props("autogrow"))

        def command() -> Awaitable[ComplaintView]:
            request = ProposeCompensationRequest(
                version=form.version,
                amount_cents=formats.cents(amount.value or 0),
                reason=reason.value,
            )
            return ctx.services.crm.propose_compensation(
                ctx.store.id, complaint.complaint_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("amount_cents", "reason"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _approving(ctx: PageContext, complaint: ComplaintDetail) -> Handler:
    attempt, request = new_attempt(), VersionedRequest(version=complaint.version)
    return partial(
        send_now,
        ctx,
        lambda: ctx.services.crm.approve_compensation(
            ctx.store.id, complaint.complaint_id, request, idempotency_key=attempt
        ),
    )


def _escalation_dialog(ctx: PageContext, complaint: ComplaintDetail) -> None:
    t = ctx.t
    with dialog(t("Escalate …")) as opened:
        form = Form(ctx, complaint.version)
        reached = complaint.escalated_to
        higher = _ESCALATION[_ESCALATION.index(reached) + 1 :] if reached else _ESCALATION
        to = form.field(
            "to", ui.select(choices(t, "role", higher), label=t("Escalate to"), value=higher[0])
        )
        reason = form.field("reason", ui.textarea(t("Reason")).props("autogrow"))

        def command() -> Awaitable[ComplaintView]:
            request = EscalateComplaintRequest(
                version=form.version, to=to.value, reason=reason.value
            )
            return ctx.services.crm.escalate_complaint(
                ctx.store.id, complaint.complaint_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("reason"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Escalate …"), send)


def _resolution_dialog(ctx: PageContext, complaint: ComplaintDetail) -> None:
    """Record solution and cause, with the persons and the part that the complaint was about."""
    t = ctx.t
    with dialog(t("Resolve …"), wide=True) as opened:
        form = Form(ctx, complaint.version)
        causes = choices(t, "complaint_cause", get_args(ComplaintCause))
        cause = form.field("cause", ui.select(causes, label=t("Cause"), value=complaint.cause))
        technician = _person_field(form, "technician_id", t("Technician"), "technician")
        technician.set_value(complaint.technician_id)
        inspector = _person_field(form, "inspector_id", t("Inspector"), "quality_inspector")
        inspector.set_value(complaint.inspector_id)
        part = form.field(
            "part_number", ui.input(t("Part number"), value=complaint.part_number or "")
        )
        words = form.field("words", ui.textarea(t("Solution")).props("autogrow"))

        def command() -> Awaitable[ComplaintView]:
            request = ResolveComplaintRequest(
                version=form.version,
                cause=cause.value,
                vehicle_ref=complaint.vehicle_ref,
                order_id=complaint.order_id,
                technician_id=technician.value,
                inspector_id=inspector.value,
                part_number=(part.value or "").strip().upper() or None,
                words=words.value,
            )
            return ctx.services.crm.resolve_complaint(
                ctx.store.id, complaint.complaint_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("cause", "words"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _revisit_dialog(ctx: PageContext, complaint: ComplaintDetail) -> None:
    t = ctx.t
    with dialog(t("Record revisit …")) as opened:
        text(t("A satisfied customer closes the complaint; else it is open again."), "hint")
        form = Form(ctx, complaint.version)
        channel = _channel(form)
        said = {True: t("Satisfied"), False: t("Not satisfied")}
        satisfied = form.field("satisfied", ui.select(said, label=t("Result"), value=True))
        words = form.field("words", ui.textarea(t("Record")).props("autogrow"))

        def command() -> Awaitable[ComplaintView]:
            request = RecordRevisitRequest(
                version=form.version,
                channel=channel.value,
                satisfied=satisfied.value,
                words=words.value,
            )
            return ctx.services.crm.record_revisit(
                ctx.store.id, complaint.complaint_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("words"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _reopen_dialog(ctx: PageContext, complaint: ComplaintDetail) -> None:
    t = ctx.t
    with dialog(t("Reopen …")) as opened:
        form = Form(ctx, complaint.version)
        reason = form.field("reason", ui.textarea(t("Reason")).props("autogrow"))

        def command() -> Awaitable[ComplaintView]:
            request = ReopenComplaintRequest(version=form.version, reason=reason.value)
            return ctx.services.crm.reopen_complaint(
                ctx.store.id, complaint.complaint_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("reason"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Reopen …"), send)


def _channel(form: Form) -> ui.select:
    t = form.ctx.t
    channels = choices(t, "channel", get_args(ComplaintChannel))
    return form.field("channel", ui.select(channels, label=t("Channel"), value="phone"))


def _person_field(form: Form, name: str, label: str, role: str) -> ui.select:
    """Add a choice among the store's staff with a role."""
    ctx = form.ctx
    found = {
        person_id: ctx.t.of(person)
        for person_id, person in ctx.directory.people.items()
        if any((post.in_store, post.role) == (ctx.store.id, role) for post in person.posts)
    }
    return form.field(name, ui.select(found, label=label, clearable=True))
