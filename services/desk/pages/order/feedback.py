"""What the customer thinks at the counter (现场评价), and the rectification it opened (整改)."""

from collections.abc import Sequence
from functools import partial

from nicegui import ui

from services.desk import formats
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
from services.desk.components.forms import Form, dialog_actions, submit
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.rectification import close_button
from services.desk.context import PageContext
from services.desk.pages.order.file import Entry, Opened

MARKS = ("quality", "technique", "attitude")

_ASKS = ("advisor", "manager", "agent")
_BEST = 5


def feedback(page: Opened, renderer: PartialRenderer) -> None:
    """The customer's marks, else the question for them."""
    given = page.file.feedback
    if given or page.may(_ASKS):
        renderer.section("feedback", partial(_feedback, page), given, page.file.rectifications)


def _feedback(page: Opened, given: Entry | None, rectifications: Sequence[Entry]) -> None:
    ctx, t = page.ctx, page.ctx.t
    with panel(t("Feedback at the counter"), name="feedback"):
        if not given:
            with box("card-actions"):
                button(t("Ask for feedback …"), partial(_ask, page), name="give-feedback")
            return
        facts([(t.code("mark", name), _stars(given[name])) for name in MARKS])
        if given["words"]:
            text(f"“{given['words']}”", "words")
        for rectification in rectifications:
            _rectification(ctx, rectification)


def _stars(given: int) -> str:
    return "★" * given + "☆" * (_BEST - given)


def _rectification(ctx: PageContext, rectification: Entry) -> None:
    """Who puts right what, until when."""
    t, zone = ctx.t, ctx.store.timezone
    with test_id("rectification", box("state-line")):
        if rectification["closed_at"]:
            badge(t.code("rectified", rectification["result"]), "good")
        elif rectification["overdue_at"]:
            badge(t("Rectification overdue"), "bad")
        else:
            badge(t("Rectification open"), "warn")
        text(t.listed(t.code("mark", subject) for subject in rectification["subjects"]))
        due = formats.day_and_clock(rectification["due_at"], zone, ctx.now())
        owner = ctx.colleague(rectification["owner_id"])
        text(t("{person}, due {time}", person=owner, time=due), "card-note")
        close_button(ctx, rectification)


def _ask(page: Opened) -> None:
    """Three marks and words; a bad mark has somebody put it right."""
    ctx, t = page.ctx, page.ctx.t
    with dialog(t("Feedback at the counter")) as opened:
        form = Form(ctx)
        marks = {}
        for name in MARKS:
            with test_id(f"mark-{name}", box("mark-row")):
                text(t.code("mark", name))
                marks[name] = ui.rating(value=None, max=_BEST, icon="star", size="36px")
        words = form.field("words", ui.textarea(t("In the customer's own words")).props("autogrow"))
        text(t("A mark of 1 or 2 opens a rectification with an owner and a due date."), "hint")

        async def send() -> None:
            if not all(each.value for each in marks.values()):
                form.say(t("Please give all three marks."))
                return
            body = {name: int(each.value or 0) for name, each in marks.items()}
            body_with_words = body | {"words": words.value or None}
            await submit(form, opened, "reception", f"{page.path}/feedback", body_with_words)

        dialog_actions(form, opened, t("Save"), send)
