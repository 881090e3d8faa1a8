"""Dead letters (待处理异常): records that services could not apply or gave up, and the work they
block.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime
from functools import partial
from typing import get_args

from services.desk import formats
from services.desk.client import Service
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    facts,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_actions
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.problems import unavailable_text
from services.desk.context import PageContext
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.calls import ServiceUnavailableError
from shared.clients.platform.models import (
    DeadLetter,
    DeadLetters,
    DecideDeadLetterRequest,
    DecideDeadLetterResponse,
    Gap,
)
from shared.dead_letters import Decision

PAGE = Page(
    path="/dead-letters",
    title="Dead letters",
    icon="report",
    roles=frozenset({"operator"}),
    requirements=(),
)

_DECISIONS_SHOWN = 5
_INTERVAL_S = 2.0
_SERVICES: tuple[Service, ...] = get_args(Service)

Found = dict[Service, DeadLetters | str]
"""Response of each service, or a sentence that it does not respond."""


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show by service: dead letters, keys whose events wait, and past decisions with their
    actors.
    """

    async def ask(service: Service) -> DeadLetters | str:
        try:
            return await ctx.services.platform[service].list_dead_letters()
        except ServiceUnavailableError as unavailable:
            return unavailable_text(ctx.t, unavailable)

    async def fetch() -> Found:
        responses = await asyncio.gather(*map(ask, _SERVICES))
        return dict(zip(_SERVICES, responses, strict=True))

    def render(found: Found, renderer: PartialRenderer) -> None:
        for service, response in found.items():
            renderer.section(service, partial(_service, ctx, service), response)

    await live(ctx, fetch, render, _INTERVAL_S)


def _service(ctx: PageContext, service: Service, found: DeadLetters | str) -> None:
    t = ctx.t
    with panel(t.code("service", service), name=f"service-{service}"):
        if isinstance(found, str):
            text(found)
            return
        if not found.letters and not found.gaps:
            empty(t("No events are blocked."))
        _letters(ctx, service, found.letters)
        _gaps(ctx, found.gaps)
        _decisions(ctx, found.decisions[:_DECISIONS_SHOWN])


def _letters(ctx: PageContext, service: Service, letters: Sequence[DeadLetter]) -> None:
    t = ctx.t
    headings = [t("Entry"), t("Key"), t("Store"), t("Since"), t("Waiting events"), t("Error"), ""]
    if letters:
        with table(headings):
            for letter in letters:
                _letter(ctx, service, letter)


def _gaps(ctx: PageContext, gaps: Sequence[Gap]) -> None:
    t = ctx.t
    if gaps:
        text(t("These events wait for an earlier event that has not arrived."), "card-note")
        with table([t("Stream"), t("Key"), t("Store"), t("Since"), t("Waiting events")]):
            for gap in gaps:
                _gap(ctx, gap)


def _decisions(ctx: PageContext, decisions: Sequence[DecideDeadLetterResponse]) -> None:
    t = ctx.t
    if decisions:
        text(t("Latest decisions"), "card-note")
        with table([t("Entry"), t("Decision"), t("Decided by"), t("When")]):
            for decision in decisions:
                _decision(ctx, decision)


def _letter(ctx: PageContext, service: Service, letter: DeadLetter) -> None:
    t = ctx.t
    with test_id("dead-letter", row()):
        with cell_box():
            badge(_sort(t, letter), "bad")
            text(_name(t, letter))
        cell(letter.key)
        cell(letter.store_id or "—")
        cell(_since(ctx, letter.since), "number")
        cell(str(letter.waiting), "number")
        cell(letter.error)
        with cell_box("cell-actions"):
            if letter.decision:
                badge(t.code("decision", letter.decision), "busy")
                return
            decide = partial(_decide_dialog, ctx, service, letter)
            if letter.store_id and not letter.conflict:
                button(t("Replay"), partial(decide, "replay"), name="replay", kind="small")
            button(t("Skip"), partial(decide, "skip"), name="skip", kind="small")


def _gap(ctx: PageContext, gap: Gap) -> None:
    with test_id("gap", row()):
        cell(gap.topic)
        cell(gap.key)
        cell(gap.store_id)
        cell(_since(ctx, gap.since), "number")
        cell(str(gap.waiting), "number")


def _decision(ctx: PageContext, decision: DecideDeadLetterResponse) -> None:
    name, _, key = decision.about.partition(" ")
    with test_id("decision", row()):
        cell(f"{ctx.t.code('timer', name)} {key}")
        cell(ctx.t.code("decision", decision.decision))
        cell(ctx.colleague(decision.decided_by))
        cell(_since(ctx, decision.decided_at), "number")


def _decide_dialog(
    ctx: PageContext, service: Service, letter: DeadLetter, decision: Decision
) -> None:
    t = ctx.t
    title = t("Replay this entry?") if decision == "replay" else t("Skip this entry?")
    with dialog(title) as opened:
        facts([(t("Entry"), _name(t, letter)), (t("Key"), letter.key)])
        with box("found"):
            text(
                t("It is processed again, then the events behind it.")
                if decision == "replay"
                else t("It is never processed; the events behind it are. This cannot be undone.")
            )
        form = Form(ctx)

        def decide() -> Awaitable[DeadLetters]:
            return ctx.services.platform[service].decide_dead_letter(
                letter.letter_id,
                DecideDeadLetterRequest(decision=decision),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if await form.send(decide):
                opened.close()
                await ctx.changed()

        dialog_actions(form, opened, t.code("decide", decision), send)


def _sort(t: Translator, letter: DeadLetter) -> str:
    if letter.kind == "timer":
        return t("Timer")
    return t("Conflicting event") if letter.conflict else t("Event")


def _name(t: Translator, letter: DeadLetter) -> str:
    """Return the word for a kind of timer; a stream of events has its technical name."""
    return t.code("timer", letter.name) if letter.kind == "timer" else letter.name


def _since(ctx: PageContext, moment: datetime) -> str:
    return formats.day_and_clock(moment, ctx.store.timezone, datetime.now(ctx.store.timezone))
