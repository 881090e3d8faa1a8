"""Arrival board (接待看板): expected customers, waiting ones with their times, and their
advisors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.arriving import arrival_dialog, record_arrival
from services.desk.components.awaiting import awaiting_strip
from services.desk.components.cancelling import cancel_dialog
from services.desk.components.elements import (
    badge,
    box,
    button,
    dialog,
    empty,
    link,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_actions, send_now, submit
from services.desk.components.live import AT_ONCE_S, live
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import Names, PageContext, Who, together
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.calls import ServiceUnavailableError

REQUIREMENTS = ("R1", "R2")

PAGE = Page(
    path="/stores/{store_id}/reception",
    title="Arrival board",
    icon="garage",
    roles=frozenset({"service_advisor", "service_manager", "dispatcher", "customer_care_agent"}),
    requirements=REQUIREMENTS,
)

_RECEIVES = ("service_advisor", "service_manager")
_RECORDS = (*_RECEIVES, "customer_care_agent")
_ASSIGNS = ("service_manager", "dispatcher")
_WARNING_SHARE = 0.7
_COUNTED_BY_THE_PAGE = ("waited_s", "overdue")
_SOON = timedelta(hours=2)

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Board:
    """Expected customers, by time, and customers at reception, in their turn."""

    expected: Sequence[Entry]
    orders: Sequence[Entry]
    names: Names
    problem: str = ""

    def at(self, status: str) -> list[Entry]:
        """Return the entries whose order is in the status."""
        return [order for order in self.orders if order["status"] == status]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show three columns: expected, waiting for a greeting, being received."""
    if ctx.person.has(_RECORDS):
        with box("toolbar"):
            button(
                ctx.t("Record arrival"),
                lambda: arrival_dialog(ctx),
                name="record-arrival",
                kind="main",
            )
    if ctx.person.has(_RECEIVES):
        await awaiting_strip(ctx)

    async def fetch() -> Board:
        orders, expected = await together(arrivals(ctx), expected_today(ctx))
        try:
            names = await ctx.names([*orders, *expected], tiers=True)
            return Board(expected, orders, names)
        except ServiceUnavailableError:
            sentence = ctx.t("Customer records are unavailable; names are hidden.")
            return Board(expected, orders, Names(), sentence)

    await live(ctx, fetch, partial(_board, ctx), AT_ONCE_S)


def _board(ctx: PageContext, board: Board, renderer: PartialRenderer) -> None:
    t = ctx.t
    columns = (
        (t("Expected"), _expected_card, board.expected, t("Nobody is expected any more today.")),
        (t("Waiting"), _waiting_card, board.at("arrived"), t("Nobody is waiting.")),
        (
            t("Being greeted"),
            _received_card,
            board.at("greeted"),
            t("No customer is being greeted."),
        ),
    )
    if board.problem:
        renderer.section("problem", text, board.problem, "hint")
    with renderer.frame("board", box, "board three"):
        for title, card, entries, nobody in columns:
            with renderer.frame(title, box, "board-column"):
                renderer.section("heading", _heading, title, len(entries))
                for entry in entries:
                    key = entry.get("order_id") or entry["appointment_id"]
                    shown = partial(card, ctx, renderer.every_second)
                    renderer.section(key, shown, entry, board.names.of(entry))
                if not entries:
                    renderer.section("nobody", empty, nobody)


async def arrivals(ctx: PageContext) -> list[dict[str, Any]]:
    """Return the customers at reception: booked ones first, then by arrival."""
    found: list[dict[str, Any]] = await ctx.shared(
        "arrivals",
        lambda: ctx.services.get("reception", f"{ctx.store_path}/arrivals"),
        AT_ONCE_S / 2,
    )
    return [
        {name: value for name, value in order.items() if name not in _COUNTED_BY_THE_PAGE}
        for order in found
    ]


async def expected_today(ctx: PageContext) -> list[dict[str, Any]]:
    """Return today's appointments that are still to come, by time."""
    booked: list[dict[str, Any]] = await ctx.shared(
        "appointments", lambda: ctx.services.get("reception", f"{ctx.store_path}/appointments")
    )
    to_come = [each for each in booked if each["status"] == "booked"]
    return sorted(to_come, key=lambda each: str(each["appointment_at"]))


def _heading(title: str, count: int) -> None:
    with box("board-heading"):
        text(title, "board-title")
        text(str(count), "count")


def _expected_card(
    ctx: PageContext, every_second: EverySecond, appointment: Entry, who: Who
) -> None:
    t, planned = ctx.t, datetime.fromisoformat(appointment["appointment_at"])
    plate = who.plate
    with test_id("expected", box("card slim")) as card:
        with box("card-who"):
            text(formats.clock(planned, ctx.store.timezone), "expected-time number")
            with box("card-names"):
                text(plate or t("Appointment"), "plate")
                if who.name:
                    text(who.name, "card-note")
                if who.tier:
                    with box("card-tags"):
                        tier_badge(t, who.tier)
        if ctx.person.has(_RECORDS):
            attempt = new_attempt()

            async def arrive() -> None:
                if plate:
                    await record_arrival(ctx, plate, appointment["appointment_id"], attempt)
                else:
                    await arrival_dialog(ctx, appointment["appointment_id"])

            button(t("Arrived"), arrive, name="expected-arrived", kind="small")

        def tell(now: datetime) -> None:
            card.classes(remove="late soon", add=_lateness(planned, now))

        tell(ctx.now())
        every_second(tell)


def _lateness(planned: datetime, now: datetime) -> str:
    if now > planned:
        return "late"
    return "soon" if now > planned - _SOON else ""


def _waiting_card(ctx: PageContext, every_second: EverySecond, order: Entry, who: Who) -> None:
    t, due = ctx.t, datetime.fromisoformat(order["greeting_due_at"])
    limit_s = ctx.store.greeting_limit_s
    number, order_id = order["queue_number"], order["order_id"]
    with test_id(f"arrival-{number}", box("card")) as card:
        _who(ctx, order, who)
        with box("card-side"):
            waited = text("", "waited")
            text(t("Limit {time}", time=formats.stopwatch(limit_s)), "card-note")

        def wait(now: datetime) -> None:
            seconds = formats.seconds_since(order["arrived_at"], now)
            waited.set_text(formats.stopwatch(seconds))
            overdue, near = now >= due, seconds >= limit_s * _WARNING_SHARE
            tone = "overdue" if overdue else "near" if near else "in-time"
            card.classes(remove="overdue near in-time", add=tone)

        wait(ctx.now())
        every_second(wait)
        with box("card-actions"):
            _suggestion(ctx, order)
            if ctx.person.has(_RECEIVES):
                attempt = new_attempt()
                button(
                    t("Receive"),
                    lambda: send_now(
                        ctx,
                        "reception",
                        f"/orders/{order_id}/greet",
                        {"version": order["version"]},
                        attempt=attempt,
                        then_open=f"{ctx.store_path}/reception/{order_id}",
                    ),
                    name=f"greet-{number}",
                    kind="main",
                )
                _leave_button(ctx, order)


def _suggestion(ctx: PageContext, order: Entry) -> None:
    """Show the suggested advisor; permitted roles assign that one, or another, with one click."""
    t, suggested, number = ctx.t, order["suggested_advisor_id"], order["queue_number"]
    if suggested == ctx.person.subject:
        badge(t("Your turn"), "good")
    elif order["advisor_id"]:
        badge(t("Assigned to {person}", person=ctx.colleague(suggested)), "busy")
    elif suggested:
        badge(t("Suggested: {person}", person=ctx.colleague(suggested)), "calm")
    if not ctx.person.has(_ASSIGNS):
        return
    if suggested and not order["advisor_id"]:
        path = f"/orders/{order['order_id']}/advisor"
        body = {"advisor_id": suggested, "version": order["version"]}
        attempt = new_attempt()
        button(
            t("Assign"),
            lambda: send_now(ctx, "reception", path, body, attempt=attempt),
            name=f"assign-{number}",
        )
    button(
        t("Assign another"),
        lambda: _assign_dialog(ctx, order),
        name=f"assign-other-{number}",
        kind="small",
    )


async def _assign_dialog(ctx: PageContext, order: Entry) -> None:
    t = ctx.t
    advisors = {
        person.subject: person.name(t.language)
        for person in ctx.app_context.staff.values()
        if person.has(("service_advisor",)) and ctx.store.id in person.stores
    }
    with dialog(t("Who receives {number}?", number=t_number(order["queue_number"]))) as opened:
        form = Form(ctx, order["version"])
        advisor = form.field("advisor_id", ui.select(advisors, label=t("Advisor")))

        async def send() -> None:
            if not form.require("advisor_id"):
                return
            path = f"/orders/{order['order_id']}/advisor"
            await submit(form, opened, "reception", path, {"advisor_id": advisor.value})

        dialog_actions(form, opened, t("Assign"), send)


def _received_card(ctx: PageContext, every_second: EverySecond, order: Entry, who: Who) -> None:
    t = ctx.t
    with test_id(f"arrival-{order['queue_number']}", box("card")):
        _who(ctx, order, who)
        with box("card-side"):
            since = text("", "waited")
            text(ctx.colleague(order["advisor_id"]), "card-note")

        def receive(now: datetime) -> None:
            since.set_text(formats.stopwatch(formats.seconds_since(order["greeted_at"], now)))

        receive(ctx.now())
        every_second(receive)
        if ctx.person.has(_RECEIVES):
            with box("card-actions"):
                made = link(
                    t("Open order"),
                    f"{ctx.store_path}/reception/{order['order_id']}",
                    "button button-main as-button",
                )
                test_id(f"open-{order['queue_number']}", made)
                _leave_button(ctx, order)


def _who(ctx: PageContext, order: Entry, who: Who) -> None:
    with box("card-who"):
        text(t_number(order["queue_number"]), "queue-number")
        with box("card-names"):
            if who.plate:
                text(who.plate, "plate")
            with box("card-tags"):
                if who.tier:
                    tier_badge(ctx.t, who.tier)
                if order["appointment_id"]:
                    badge(ctx.t("Appointment"), "calm")
                arrived = formats.clock(order["arrived_at"], ctx.store.timezone)
                text(ctx.t("Arrived {time}", time=arrived), "card-note")


def tier_badge(t: Translator, tier: str) -> None:
    """Show the customer's loyalty tier (忠诚度等级)."""
    badge(t.code("tier", tier), "warn")


def t_number(number: int) -> str:
    """Format a queue number as it is called out."""
    return f"{number:03}"


def _leave_button(ctx: PageContext, order: Entry) -> None:
    button(
        ctx.t("Left"),
        lambda: end_dialog(ctx, order),
        name=f"left-{order['queue_number']}",
    )


def end_dialog(ctx: PageContext, order: Entry) -> None:
    """Ask why the visit ends without work."""
    path, title = f"/orders/{order['order_id']}", ctx.t("End the visit without work")
    cancel_dialog(ctx, path, title, order["version"])
