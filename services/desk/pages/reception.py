"""The arrival board (接待看板): who waits, how long, and who receives them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.client import AwayError, new_attempt
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
from services.desk.components.forms import Form, dialog_actions, send_now
from services.desk.components.live import EverySecond, live
from services.desk.page import Page
from services.desk.visit import Names, Visit, together

DUTIES = ("R1", "R2")

PAGE = Page(
    path="/stores/{store_id}/reception",
    title="Arrival board",
    icon="garage",
    roles=frozenset({"advisor", "manager", "dispatcher", "agent"}),
    duties=DUTIES,
)

_RECEIVES = ("advisor", "manager")
_WARNING_SHARE = 0.7

Board = tuple[list[dict[str, Any]], Names, str]


@PAGE.shows
async def show(visit: Visit) -> None:
    """Two columns: waiting for a greeting, and being received."""
    if visit.person.has((*_RECEIVES, "agent")):
        with box("toolbar"):
            button(
                visit.t("Record arrival"),
                lambda: _arrival_dialog(visit),
                name="record-arrival",
                kind="main",
            )

    async def fetch() -> Board:
        orders = await arrivals(visit)
        problem = ""
        try:
            names = await visit.names(orders)
        except AwayError:
            names, problem = Names(), visit.t("Customer relations is away: names are not shown.")
        return orders, names, problem

    await live(visit, fetch, lambda board, every_second: _board(visit, board, every_second))


def _board(visit: Visit, board: Board, every_second: EverySecond) -> None:
    orders, names, problem = board
    if problem:
        text(problem, "hint")
    waiting = [order for order in orders if order["stage"] == "arrived"]
    received = [order for order in orders if order["stage"] == "greeted"]
    with box("board"):
        with _column(visit.t("Waiting"), len(waiting)):
            for order in waiting:
                _waiting_card(visit, order, names, every_second)
            if not waiting:
                empty(visit.t("Nobody is waiting."))
        with _column(visit.t("Being received"), len(received)):
            for order in received:
                _received_card(visit, order, names, every_second)
            if not received:
                empty(visit.t("Nobody is being received."))


async def arrivals(visit: Visit) -> list[dict[str, Any]]:
    """Who stands at reception, the longest waiting first."""
    found: list[dict[str, Any]] = await visit.shared(
        "arrivals", lambda: visit.services.get("reception", f"{visit.store_path}/arrivals")
    )
    return found


def _column(title: str, count: int) -> ui.element:
    column = box("board-column")
    with column, box("board-heading"):
        text(title, "board-title")
        text(str(count), "count")
    return column


def _waiting_card(
    visit: Visit, order: Mapping[str, Any], names: Names, every_second: EverySecond
) -> None:
    t, due = visit.t, datetime.fromisoformat(order["greeting_due_at"])
    limit_s = visit.store.greeting_limit_s
    with mark(f"arrival-{order['queue_number']}", box("card")) as card:
        _who(visit, order, names)
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
        if visit.person.has(_RECEIVES):
            with box("card-actions"):
                attempt = new_attempt()
                button(
                    t("Receive"),
                    lambda: send_now(
                        visit, "reception", f"/orders/{order['order_id']}/greeting", attempt=attempt
                    ),
                    name=f"greet-{order['queue_number']}",
                    kind="main",
                )
                _leave_button(visit, order)


def _received_card(
    visit: Visit, order: Mapping[str, Any], names: Names, every_second: EverySecond
) -> None:
    t = visit.t
    with mark(f"arrival-{order['queue_number']}", box("card")):
        _who(visit, order, names)
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


def _who(visit: Visit, order: Mapping[str, Any], names: Names) -> None:
    plate = names.plates.get(order["plate_ref"])
    with box("card-who"):
        text(t_number(order["queue_number"]), "queue-number")
        with box("card-names"):
            if plate:
                text(plate, "plate")
            with box("card-tags"):
                if order["appointment_id"]:
                    badge(visit.t("Appointment"), "calm")
                arrived = formats.clock(order["arrived_at"], visit.store.timezone)
                text(visit.t("Arrived {time}", time=arrived), "card-note")


def t_number(number: int) -> str:
    """A queue number as it is called out."""
    return f"{number:03}"


def _leave_button(visit: Visit, order: Mapping[str, Any]) -> None:
    button(
        visit.t("Left"),
        lambda: cancel_dialog(visit, order["order_id"]),
        name=f"left-{order['queue_number']}",
    )


async def cancel_dialog(visit: Visit, order_id: str) -> None:
    """Ask why the visit ends without work."""
    t = visit.t
    with dialog(t("End the visit without work")) as opened:
        form = Form(visit)
        reason = form.field("reason", ui.input(t("Reason")))

        async def send() -> None:
            if not form.require("reason"):
                return
            path = f"{visit.store_path}/orders/{order_id}/cancellation"
            body = {"reason": reason.value}
            if await form.send(
                lambda: visit.services.command("reception", path, body, attempt=form.attempt)
            ):
                opened.close()
                await visit.changed()

        dialog_actions(visit, opened, t("End visit"), send)


async def _arrival_dialog(visit: Visit) -> None:
    t = visit.t
    expected = await _expected(visit)
    with dialog(t("Record arrival")) as opened:
        form = Form(visit)
        plate = form.field("plate", ui.input(t("Plate"), placeholder="沪A12345"))
        known = text("", "hint")
        appointment = form.field(
            "appointment_id",
            ui.select(expected, label=t("Appointment of today"), clearable=True),
        )
        appointment.set_visibility(bool(expected))

        async def look_up() -> None:
            known.set_text(await _known_customer(visit, form, plate.value or ""))

        plate.on("blur", look_up)

        async def send() -> None:
            if not form.require("plate"):
                return
            body = {"plate": plate.value, "appointment_id": appointment.value}
            path = f"{visit.store_path}/arrivals"
            order = await form.send(
                lambda: visit.services.command("reception", path, body, attempt=form.attempt)
            )
            if order:
                opened.close()
                number = t_number(order["queue_number"])
                ui.notify(t("Queue number {number}", number=number), type="positive")
                await visit.changed()

        plate.on("keydown.enter", send)
        dialog_actions(visit, opened, t("Record arrival"), send)


async def _expected(visit: Visit) -> dict[str, str]:
    """Today's appointments that are still to come, by plate and time."""
    booked, catalogue = await together(
        visit.services.get("reception", f"{visit.store_path}/appointments"), visit.catalogue()
    )
    open_ones = [each for each in booked if each["status"] == "booked"]
    try:
        names = await visit.names(open_ones)
    except AwayError:
        names = Names()
    return {
        each["appointment_id"]: _appointment_line(visit, each, names, catalogue.operation)
        for each in open_ones
    }


def _appointment_line(
    visit: Visit, appointment: Mapping[str, Any], names: Names, operation: Any
) -> str:
    parts: Sequence[str] = (
        formats.clock(appointment["planned_at"], visit.store.timezone),
        names.plates.get(appointment["plate_ref"], ""),
        operation(appointment["operations"][0]),
    )
    return " · ".join(filter(None, parts))


async def _known_customer(visit: Visit, form: Form, plate: str) -> str:
    """One line about the customer whose plate was typed."""
    if not plate.strip() or not visit.sees_persons:
        return ""

    async def ask() -> dict[str, Any]:
        path = f"{visit.store_path}/customers"
        return await visit.services.find("crm", path, plate=plate) or {}

    found = await form.send(ask)
    if found is None:
        return ""
    if not found:
        return visit.t("New vehicle: details are taken when the order is opened.")
    return visit.t(
        "Known: {name}, {brand} {model}, visits: {visits}",
        **{key: found[key] for key in ("name", "brand", "model", "visits")},
    )
