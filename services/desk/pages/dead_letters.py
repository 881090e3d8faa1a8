"""Dead letters (待处理异常): what the services set aside or gave up, and what it holds up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, get_args

from services.desk import formats
from services.desk.client import AwayError, Service
from services.desk.components.drawing import Drawing
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    facts,
    mark,
    panel,
    row,
    table,
    text,
)
from services.desk.components.forms import Form, dialog_actions
from services.desk.components.live import live
from services.desk.components.problems import away_text
from services.desk.i18n import Words
from services.desk.page import Page
from services.desk.visit import Visit, together

PAGE = Page(
    path="/dead-letters",
    title="Dead letters",
    icon="report",
    roles=frozenset({"operator"}),
    duties=(),
)

_DECISIONS_SHOWN = 5
_INTERVAL_S = 2.0
_SERVICES: tuple[Service, ...] = get_args(Service)

Entry = Mapping[str, Any]
Found = dict[Service, Entry | str]
"""What each service answers, or the sentence that says that it does not."""


@PAGE.shows
async def show(visit: Visit) -> None:
    """Service by service: dead letters, keys whose events wait, and who decided what."""

    async def ask(service: Service) -> Entry | str:
        try:
            found: Entry = await visit.services.get(service, "/dead-letters")
        except AwayError as away:
            return away_text(visit.t, away)
        return found

    async def fetch() -> Found:
        answers = await together(*map(ask, _SERVICES))
        return dict(zip(_SERVICES, answers, strict=True))

    def render(found: Found, drawing: Drawing) -> None:
        for service, answer in found.items():
            drawing.part(service, partial(_service, visit, service), answer)

    await live(visit, fetch, render, _INTERVAL_S)


def _service(visit: Visit, service: Service, found: Entry | str) -> None:
    t = visit.t
    with panel(t.code("service", service), name=f"service-{service}"):
        if isinstance(found, str):
            text(found)
            return
        if not found["letters"] and not found["gaps"]:
            empty(t("Nothing is held up."))
        _letters(visit, service, found["letters"])
        _gaps(visit, found["gaps"])
        _decisions(visit, found["decisions"][:_DECISIONS_SHOWN])


def _letters(visit: Visit, service: Service, letters: Sequence[Entry]) -> None:
    t = visit.t
    headings = [t("Entry"), t("Key"), t("Store"), t("Since"), t("Waiting events"), t("Error"), ""]
    if letters:
        with table(headings):
            for letter in letters:
                _letter(visit, service, letter)


def _gaps(visit: Visit, gaps: Sequence[Entry]) -> None:
    t = visit.t
    if gaps:
        text(t("These events wait for an earlier one that has not come."), "card-note")
        with table([t("Stream"), t("Key"), t("Store"), t("Since"), t("Waiting events")]):
            for gap in gaps:
                _gap(visit, gap)


def _decisions(visit: Visit, decisions: Sequence[Entry]) -> None:
    t = visit.t
    if decisions:
        text(t("Latest decisions"), "card-note")
        with table([t("Entry"), t("Decision"), t("Decided by"), t("When")]):
            for decision in decisions:
                _decision(visit, decision)


def _letter(visit: Visit, service: Service, letter: Entry) -> None:
    t = visit.t
    with mark("dead-letter", row()):
        with cell_box():
            badge(_sort(t, letter), "bad")
            text(_name(t, letter))
        cell(letter["key"])
        cell(letter["store_id"] or "—")
        cell(_since(visit, letter["since"]), "number")
        cell(str(letter["waiting"]), "number")
        cell(letter["error"])
        with cell_box("cell-actions"):
            if letter["decision"]:
                badge(t.code("decision", letter["decision"]), "busy")
                return
            decide = partial(_decide_dialog, visit, service, letter)
            if letter["store_id"] and not letter["conflict"]:
                button(t("Replay"), partial(decide, "replay"), name="replay", kind="small")
            button(t("Skip"), partial(decide, "skip"), name="skip", kind="small")


def _gap(visit: Visit, gap: Entry) -> None:
    with mark("gap", row()):
        cell(gap["topic"])
        cell(gap["key"])
        cell(gap["store_id"])
        cell(_since(visit, gap["since"]), "number")
        cell(str(gap["waiting"]), "number")


def _decision(visit: Visit, decision: Entry) -> None:
    name, _, key = decision["about"].partition(" ")
    with mark("decision", row()):
        cell(f"{visit.t.code('deadline', name)} {key}")
        cell(visit.t.code("decision", decision["decision"]))
        cell(visit.colleague(decision["decided_by"]))
        cell(_since(visit, decision["decided_at"]), "number")


def _decide_dialog(visit: Visit, service: Service, letter: Entry, decision: str) -> None:
    t = visit.t
    title = t("Replay this entry?") if decision == "replay" else t("Skip this entry?")
    with dialog(title) as opened:
        facts([(t("Entry"), _name(t, letter)), (t("Key"), letter["key"])])
        with box("found"):
            text(
                t("It is handled once more; what waits behind it follows.")
                if decision == "replay"
                else t("It is never handled; what waits behind it follows. It cannot be undone.")
            )
        form = Form(visit)

        async def send() -> None:
            path = f"/dead-letters/{letter['letter_id']}/decisions"
            answer = await form.send(
                lambda: visit.services.command(
                    service, path, {"decision": decision}, attempt=form.attempt
                )
            )
            if answer is not None:
                opened.close()
                await visit.changed()

        dialog_actions(form, opened, t.code("decide", decision), send)


def _sort(t: Words, letter: Entry) -> str:
    if letter["kind"] == "deadline":
        return t("Timer")
    return t("Conflicting event") if letter["conflict"] else t("Event")


def _name(t: Words, letter: Entry) -> str:
    """The word for a kind of deadline; a stream of events has its technical name."""
    name: str = letter["name"]
    return t.code("deadline", name) if letter["kind"] == "deadline" else name


def _since(visit: Visit, moment: str) -> str:
    return formats.day_and_clock(moment, visit.store.timezone, datetime.now(visit.store.timezone))
