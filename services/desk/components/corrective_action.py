"""Corrective actions (整改): their state, answer, end and effect."""

from collections.abc import Awaitable
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk.catalog import Catalog
from services.desk.components.elements import badge, box, button, dialog, facts
from services.desk.components.forms import Form, choices, dialog_actions, dialog_foot, submit
from services.desk.components.surveys import factor_name
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from shared.clients.management.models import (
    AnswerCorrectiveActionRequest,
    AssessCorrectiveActionRequest,
    CloseCorrectiveActionRequest,
    CorrectiveActionDetail,
    CorrectiveActionResult,
    CorrectiveActionView,
)

_RESULTS = get_args(CorrectiveActionResult)


async def corrective_actions(ctx: PageContext) -> list[CorrectiveActionView]:
    """Return the store's corrective actions that the person sees; a technician sees their own."""
    viewer = ctx.person.subject if ctx.person.has({"technician"}) else "office"
    return await ctx.shared(
        f"corrective actions {viewer}",
        lambda: ctx.services.management.list_corrective_actions(
            ctx.store.id, state=("open", "overdue", "closed")
        ),
    )


def findings_in_words(
    ctx: PageContext, catalog: Catalog, corrective_action: CorrectiveActionView
) -> list[str]:
    """Return bad ratings, failed items or symptoms in words."""
    found = corrective_action.findings
    match corrective_action.source:
        case "feedback":
            return [ctx.t.code("rating", finding) for finding in found]
        case "follow_up":
            return [ctx.t.code("finding", finding) for finding in found]
        case "complaint":
            return [ctx.t.code("complaint_cause", finding) for finding in found]
        case "comeback":
            return list(map(catalog.symptom, found))
        case "survey" | "survey_month":
            return [factor_name(ctx, each) for each in found]
    items = ctx.directory.check_items
    return [ctx.t.of(items[finding]) if finding in items else finding for finding in found]


def corrective_action_state(ctx: PageContext, corrective_action: CorrectiveActionView) -> None:
    """Show the state: in progress or overdue, and answered or not; or done, and whether it
    worked.
    """
    t = ctx.t
    if corrective_action.is_effective is not None:
        effective = corrective_action.is_effective
        badge(t("Effective") if effective else t("No effect"), "good" if effective else "bad")
    elif corrective_action.closed_at:
        badge(t("Done"), "good")
    elif corrective_action.overdue_at:
        badge(t("Overdue"), "bad")
    else:
        badge(t("Action in progress"), "warn")
    if corrective_action.answered_at and not corrective_action.closed_at:
        badge(t("Measure stated"), "calm")


def action_buttons(ctx: PageContext, corrective_action: CorrectiveActionView) -> None:
    """Offer the next step to those who may take it, and the texts to all."""
    t, me = ctx.t, ctx.person.subject
    is_open = corrective_action.closed_at is None
    if is_open and (corrective_action.owner_id == me or not corrective_action.owner_only):
        answer = t("Change answer") if corrective_action.answered_at else t("State cause")
        button(
            answer,
            partial(_answer_dialog, ctx, corrective_action),
            name="answer-corrective-action",
            kind="small",
        )
        button(
            t("Close action"),
            partial(_closing_dialog, ctx, corrective_action),
            name="close-corrective-action",
            kind="small",
        )
    elif _may_assess(me, corrective_action):
        button(
            t("Assess effect"),
            partial(_assessment_dialog, ctx, corrective_action),
            name="assess-corrective-action",
            kind="small",
        )
    if corrective_action.answered_at or not is_open:
        button(
            t("Details"),
            partial(_details_dialog, ctx, corrective_action),
            name="corrective-action-details",
            kind="small",
        )


def _may_assess(me: str, corrective_action: CorrectiveActionView) -> bool:
    """Return whether the person may say whether a closed corrective action worked."""
    return (
        corrective_action.closed_at is not None
        and corrective_action.is_effective is None
        and me not in (corrective_action.owner_id, corrective_action.closed_by)
        and (corrective_action.found_by == me or not corrective_action.finder_only)
    )


async def _answer_dialog(ctx: PageContext, corrective_action: CorrectiveActionView) -> None:
    t = ctx.t
    with dialog(t("Cause and measure")) as opened:
        form = Form(ctx, corrective_action.version)
        cause = form.field("cause", ui.textarea(t("Cause")).props("autogrow"))
        measure = form.field("measure", ui.textarea(t("Measure")).props("autogrow"))

        def answer() -> Awaitable[CorrectiveActionView]:
            return ctx.services.management.answer_corrective_action(
                ctx.store.id,
                corrective_action.corrective_action_id,
                AnswerCorrectiveActionRequest(
                    version=form.version, cause=cause.value, measure=measure.value
                ),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("cause", "measure"):
                await submit(form, opened, answer)

        dialog_actions(form, opened, t("Save"), send)
    if corrective_action.answered_at and (detail := await _detail(form, corrective_action)):
        cause.value, measure.value = detail.cause or "", detail.measure or ""


async def _closing_dialog(ctx: PageContext, corrective_action: CorrectiveActionView) -> None:
    """Ask how it ended; only what is unfounded ends without an answer."""
    t, is_answered = ctx.t, corrective_action.answered_at is not None
    with dialog(t("Close action")) as opened:
        stated = box("found")
        form = Form(ctx, corrective_action.version)
        results = choices(t, "closing", _RESULTS if is_answered else ["unfounded"])
        result = form.field(
            "result", ui.select(results, label=t("Result"), value=next(iter(results)))
        )
        note = form.field("note", ui.textarea(t("What was done")).props("autogrow"))

        def close() -> Awaitable[CorrectiveActionView]:
            return ctx.services.management.close_corrective_action(
                ctx.store.id,
                corrective_action.corrective_action_id,
                CloseCorrectiveActionRequest(
                    version=form.version, result=result.value, note=note.value
                ),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("note"):
                await submit(form, opened, close)

        dialog_actions(form, opened, t("Save"), send)
    if is_answered and (detail := await _detail(form, corrective_action)):
        with stated:
            _texts(ctx, detail)


async def _assessment_dialog(ctx: PageContext, corrective_action: CorrectiveActionView) -> None:
    t = ctx.t
    with dialog(t("Assess effect")) as opened:
        stated = box("found")
        form = Form(ctx, corrective_action.version)
        effects = {True: t("Effective"), False: t("No effect: another action follows")}
        effect = form.field("is_effective", ui.select(effects, label=t("Effect"), value=True))
        comment = form.field("comment", ui.textarea(t("Remark")).props("autogrow"))

        def assess() -> Awaitable[CorrectiveActionView]:
            return ctx.services.management.assess_corrective_action(
                ctx.store.id,
                corrective_action.corrective_action_id,
                AssessCorrectiveActionRequest(
                    version=form.version, is_effective=effect.value, comment=comment.value or None
                ),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if effect.value or form.require("comment"):
                await submit(form, opened, assess)

        dialog_actions(form, opened, t("Save"), send)
    if detail := await _detail(form, corrective_action):
        with stated:
            _texts(ctx, detail)


async def _details_dialog(ctx: PageContext, corrective_action: CorrectiveActionView) -> None:
    with dialog(ctx.t("Corrective action")) as opened:
        stated = box("found")
        form = Form(ctx)
        with dialog_foot(form):
            button(ctx.t("Close"), opened.close, name="dialog-cancel")
    if detail := await _detail(form, corrective_action):
        with stated:
            _texts(ctx, detail)


async def _detail(
    form: Form, corrective_action: CorrectiveActionView
) -> CorrectiveActionDetail | None:
    ctx = form.ctx
    return await form.send(
        lambda: ctx.services.management.get_corrective_action(
            ctx.store.id, corrective_action.corrective_action_id
        )
    )


def _texts(ctx: PageContext, detail: CorrectiveActionDetail) -> None:
    """Show what was written about it; a destroyed text is shown as nothing."""
    t = ctx.t
    written = [
        (detail.answered_at, t("Cause"), detail.cause),
        (detail.answered_at, t("Measure"), detail.measure),
        (detail.closed_at, t("What was done"), detail.note),
        (detail.assessed_at, t("Assessment"), detail.comment),
    ]
    facts([(name, text or NOTHING) for at, name, text in written if at])
