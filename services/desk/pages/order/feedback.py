"""Customer's feedback at the counter (现场评价), and the corrective action it opened (整改)."""

from collections.abc import Sequence
from functools import partial

from nicegui import ui

from services.desk import formats
from services.desk.components.corrective_action import action_buttons
from services.desk.components.elements import (
    badge,
    box,
    button,
    dialog,
    facts,
    panel,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_actions
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.pages.order.data import OrderPage
from shared.clients.management.models import CorrectiveActionView
from shared.clients.reception.models import FeedbackDetail, SubmitFeedbackRequest

RATINGS = ("work_quality", "technical_skill", "service_attitude")

_BEST = 5


def feedback(page: OrderPage, renderer: PartialRenderer) -> None:
    """Show the customer's ratings, else the question for them."""
    given, ctx = page.data.feedback, page.ctx
    if given or ctx.may(ctx.services.reception.submit_feedback):
        renderer.section("feedback", partial(_feedback, page), given, page.data.corrective_actions)


def _feedback(
    page: OrderPage,
    given: FeedbackDetail | None,
    corrective_actions: Sequence[CorrectiveActionView],
) -> None:
    ctx, t = page.ctx, page.ctx.t
    with panel(t("Feedback at the counter"), name="feedback"):
        if not given:
            with box("card-actions"):
                button(t("Ask for feedback …"), partial(_ask, page), name="give-feedback")
            return
        ratings = (given.work_quality, given.technical_skill, given.service_attitude)
        facts(
            [
                (t.code("rating", name), _stars(rating))
                for name, rating in zip(RATINGS, ratings, strict=True)
            ]
        )
        if given.comment:
            text(f"“{given.comment}”", "comment")
        for corrective_action in corrective_actions:
            _corrective_action(ctx, corrective_action)


def _stars(given: int) -> str:
    return "★" * given + "☆" * (_BEST - given)


def _corrective_action(ctx: PageContext, corrective_action: CorrectiveActionView) -> None:
    """Show the corrective action: owner, finding and deadline."""
    t, zone = ctx.t, ctx.store.timezone
    with test_id("corrective_action", box("state-line")):
        if corrective_action.closed_at:
            badge(t.code("closing", corrective_action.result), "good")
        elif corrective_action.overdue_at:
            badge(t("Corrective action overdue"), "bad")
        else:
            badge(t("Corrective action open"), "warn")
        text(t.listed(t.code("rating", finding) for finding in corrective_action.findings))
        due = formats.day_and_clock(corrective_action.due_at, zone, ctx.now())
        owner = ctx.colleague(corrective_action.owner_id)
        text(t("{person}, due {time}", person=owner, time=due), "card-note")
        action_buttons(ctx, corrective_action)


def _ask(page: OrderPage) -> None:
    """Ask for three ratings and a comment; a bad rating opens a corrective action."""
    ctx, t = page.ctx, page.ctx.t
    with dialog(t("Feedback at the counter")) as opened:
        form = Form(ctx)
        ratings = {}
        for name in RATINGS:
            with test_id(f"rating-{name}", box("rating-row")):
                text(t.code("rating", name))
                ratings[name] = ui.rating(value=None, max=_BEST, icon="star", size="36px")
        comment = form.field("comment", ui.textarea(t("Comment")).props("autogrow"))
        text(
            t("A rating of 1 or 2 opens a corrective action with an owner and a due date."), "hint"
        )

        def request() -> SubmitFeedbackRequest:
            given = {name: int(each.value or 0) for name, each in ratings.items()}
            return SubmitFeedbackRequest(**given, comment=comment.value or None)

        async def send() -> None:
            if not all(each.value for each in ratings.values()):
                form.say(t("Please give all three ratings."))
                return
            await page.submit(form, opened, ctx.services.reception.submit_feedback, request)

        dialog_actions(form, opened, t("Save"), send)
