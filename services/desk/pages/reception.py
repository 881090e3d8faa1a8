"""The arrival board (接待看板): who is expected, who waits and how long, and who receives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.client import AwayError, new_attempt
from services.desk.components.arriving import arrival_dialog, record_arrival
from services.desk.components.awaiting import awaiting_strip
from services.desk.components.cancelling import cancel_dialog
from services.desk.components.drawing import Drawing, EverySecond
from services.desk.components.elements import (
    badge,
    box,
    button,
    dialog,
    empty,
    link,
    mark,
    text,
)
from services.desk.components.forms import Form, dialog_actions, send_now, submit
from services.desk.components.live import AT_ONCE_S, live
from services.desk.i18n import Words
from services.desk.page import Page
from services.desk.visit import Names, Visit, Who, together

DUTIES = ("R1", "R2")

PAGE = Page(
    path="/stores/{store_id}/reception",
    title="Arrival board",
    icon="garage",
    roles=frozenset({"advisor", "manager", "dispatcher", "agent"}),
    duties=DUTIES,
)

_RECEIVES = ("advisor", "manager")
_RECORDS = (*_RECEIVES, "agent")
_ASSIGNS = ("manager", "dispatcher")
_WARNING_SHARE = 0.7
_COUNTED_BY_THE_PAGE = ("waited_s", "overdue")
_SOON = timedelta(hours=2)

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Board:
    """Who is expected, by time, and who stands at reception, in their turn."""

    expected: Sequence[Entry]
    orders: Sequence[Entry]
    names: Names
    problem: str = ""

    def at(self, stage: str) -> list[Entry]:
        """Those whose order is at the stage."""
        return [order for order in self.orders if order["stage"] == stage]


@PAGE.shows
async def show(visit: Visit) -> None:
    """Three columns: expected, waiting for a greeting, being received."""
    if visit.person.has(_RECORDS):
        with box("toolbar"):
            button(
                visit.t("Record arrival"),
                lambda: arrival_dialog(visit),
                name="record-arrival",
                kind="main",
            )
    if visit.person.has(_RECEIVES):
        await awaiting_strip(visit)

    async def fetch() -> Board:
        orders, expected = await together(arrivals(visit), expected_today(visit))
        try:
            names = await visit.names([*orders, *expected], tiers=True)
            return Board(expected, orders, names)
        except AwayError:
            sentence = visit.t("Customer relations is away: names are not shown.")
            return Board(expected, orders, Names(), sentence)

    await live(visit, fetch, partial(_board, visit), AT_ONCE_S)


def _board(visit: Visit, board: Board, drawing: Drawing) -> None:
    t = visit.t
    columns = (
        (t("To come"), _expected_card, board.expected, t("Nobody is expected any more today.")),
        (t("Waiting"), _waiting_card, board.at("arrived"), t("Nobody is waiting.")),
        (t("Being received"), _received_card, board.at("greeted"), t("Nobody is being received.")),
    )
    if board.problem:
        drawing.part("problem", text, board.problem, "hint")
    with drawing.frame("board", box, "board three"):
        for title, card, entries, nobody in columns:
            with drawing.frame(title, box, "board-column"):
                drawing.part("heading", _heading, title, len(entries))
                for entry in entries:
                    key = entry.get("order_id") or entry["appointment_id"]
                    shown = partial(card, visit, drawing.every_second)
                    drawing.part(key, shown, entry, board.names.of(entry))
                if not entries:
                    drawing.part("nobody", empty, nobody)


async def arrivals(visit: Visit) -> list[dict[str, Any]]:
    """Who stands at reception: booked customers first, then by arrival."""
    found: list[dict[str, Any]] = await visit.shared(
        "arrivals",
        lambda: visit.services.get("reception", f"{visit.store_path}/arrivals"),
        AT_ONCE_S / 2,
    )
    return [
        {name: value for name, value in order.items() if name not in _COUNTED_BY_THE_PAGE}
        for order in found
    ]


async def expected_today(visit: Visit) -> list[dict[str, Any]]:
    """Today's appointments that are still to come, by time."""
    booked: list[dict[str, Any]] = await visit.shared(
        "appointments", lambda: visit.services.get("reception", f"{visit.store_path}/appointments")
    )
    to_come = [each for each in booked if each["status"] == "booked"]
    return sorted(to_come, key=lambda each: str(each["planned_at"]))


def _heading(title: str, count: int) -> None:
    with box("board-heading"):
        text(title, "board-title")
        text(str(count), "count")


def _expected_card(visit: Visit, every_second: EverySecond, appointment: Entry, who: Who) -> None:
    t, planned = visit.t, datetime.fromisoformat(appointment["planned_at"])
    plate = who.plate
    with mark("expected", box("card slim")) as card:
        with box("card-who"):
            text(formats.clock(planned, visit.store.timezone), "expected-time number")
            with box("card-names"):
                text(plate or t("Appointment"), "plate")
                if who.name:
                    text(who.name, "card-note")
                if who.tier:
                    with box("card-tags"):
                        tier_badge(t, who.tier)
        if visit.person.has(_RECORDS):
            attempt = new_attempt()

            async def arrive() -> None:
                if plate:
                    await record_arrival(visit, plate, appointment["appointment_id"], attempt)
                else:
                    await arrival_dialog(visit, appointment["appointment_id"])

            button(t("Arrived"), arrive, name="expected-arrived", kind="small")

        def tell(now: datetime) -> None:
            card.classes(remove="late soon", add=_lateness(planned, now))

        tell(visit.now())
        every_second(tell)


def _lateness(planned: datetime, now: datetime) -> str:
    if now > planned:
        return "late"
    return "soon" if now > planned - _SOON else ""


def _waiting_card(visit: Visit, every_second: EverySecond, order: Entry, who: Who) -> None:
    t, due = visit.t, datetime.fromisoformat(order["greeting_due_at"])
    limit_s = visit.store.greeting_limit_s
    number, order_id = order["queue_number"], order["order_id"]
    with mark(f"arrival-{number}", box("card")) as card:
        _who(visit, order, who)
        with box("card-side"):
            waited = text("", "waited")
            text(t("Limit {time}", time=formats.stopwatch(limit_s)), "card-note")

        def wait(now: datetime) -> None:
            seconds = formats.seconds_since(order["arrived_at"], now)
            waited.set_text(formats.stopwatch(seconds))
            overdue, near = now >= due, seconds >= limit_s * _WARNING_SHARE
            tone = "overdue" if overdue else "near" if near else "in-time"
            card.classes(remove="overdue near in-time", add=tone)

        wait(visit.now())
        every_second(wait)
        with box("card-actions"):
            _suggestion(visit, order)
            if visit.person.has(_RECEIVES):
                attempt = new_attempt()
                button(
                    t("Receive"),
                    lambda: send_now(
                        visit,
                        "reception",
                        f"/orders/{order_id}/greeting",
                        {"version": order["version"]},
                        attempt=attempt,
                        then_open=f"{visit.store_path}/reception/{order_id}",
                    ),
                    name=f"greet-{number}",
                    kind="main",
                )
                _leave_button(visit, order)


def _suggestion(visit: Visit, order: Entry) -> None:
    """Whose turn it is; whoever may, assigns that advisor with one click, or another."""
    t, suggested, number = visit.t, order["suggested_advisor_id"], order["queue_number"]
    if suggested == visit.person.subject:
        badge(t("Your turn"), "good")
    elif order["advisor_id"]:
        badge(t("Assigned to {person}", person=visit.colleague(suggested)), "busy")
    elif suggested:
        badge(t("Suggested: {person}", person=visit.colleague(suggested)), "calm")
    if not visit.person.has(_ASSIGNS):
        return
    if suggested and not order["advisor_id"]:
        path = f"/orders/{order['order_id']}/advisor"
        body = {"advisor_id": suggested, "version": order["version"]}
        attempt = new_attempt()
        button(
            t("Assign"),
            lambda: send_now(visit, "reception", path, body, attempt=attempt),
            name=f"assign-{number}",
        )
    button(
        t("Assign another"),
        lambda: _assign_dialog(visit, order),
        name=f"assign-other-{number}",
        kind="small",
    )


async def _assign_dialog(visit: Visit, order: Entry) -> None:
    t = visit.t
    advisors = {
        person.subject: person.name(t.language)
        for person in visit.desk.people.values()
        if person.has(("advisor",)) and visit.store.id in person.stores
    }
    with dialog(t("Who receives {number}?", number=t_number(order["queue_number"]))) as opened:
        form = Form(visit, order["version"])
        advisor = form.field("advisor_id", ui.select(advisors, label=t("Advisor")))

        async def send() -> None:
            if not form.require("advisor_id"):
                return
            path = f"/orders/{order['order_id']}/advisor"
            await submit(form, opened, "reception", path, {"advisor_id": advisor.value})

        dialog_actions(form, opened, t("Assign"), send)


def _received_card(visit: Visit, every_second: EverySecond, order: Entry, who: Who) -> None:
    t = visit.t
    with mark(f"arrival-{order['queue_number']}", box("card")):
        _who(visit, order, who)
        with box("card-side"):
            since = text("", "waited")
            text(visit.colleague(order["advisor_id"]), "card-note")

        def receive(now: datetime) -> None:
            since.set_text(formats.stopwatch(formats.seconds_since(order["greeted_at"], now)))

        receive(visit.now())
        every_second(receive)
        if visit.person.has(_RECEIVES):
            with box("card-actions"):
                made = link(
                    t("Open order"),
                    f"{visit.store_path}/reception/{order['order_id']}",
                    "button button-main as-button",
                )
                mark(f"open-{order['queue_number']}", made)
                _leave_button(visit, order)


def _who(visit: Visit, order: Entry, who: Who) -> None:
    with box("card-who"):
        text(t_number(order["queue_number"]), "queue-number")
        with box("card-names"):
            if who.plate:
                text(who.plate, "plate")
            with box("card-tags"):
                if who.tier:
                    tier_badge(visit.t, who.tier)
                if order["appointment_id"]:
                    badge(visit.t("Appointment"), "calm")
                arrived = formats.clock(order["arrived_at"], visit.store.timezone)
                text(visit.t("Arrived {time}", time=arrived), "card-note")


def tier_badge(t: Words, tier: str) -> None:
    """How loyal the customer is (忠诚度等级)."""
    badge(t.code("tier", tier), "warn")


def t_number(number: int) -> str:
    """A queue number as it is called out."""
    return f"{number:03}"


def _leave_button(visit: Visit, order: Entry) -> None:
    button(
        visit.t("Left"),
        lambda: end_dialog(visit, order),
        name=f"left-{order['queue_number']}",
    )


def end_dialog(visit: Visit, order: Entry) -> None:
    """Ask why the visit ends without work."""
    path, title = f"/orders/{order['order_id']}", visit.t("End the visit without work")
    cancel_dialog(visit, path, title, order["version"])
