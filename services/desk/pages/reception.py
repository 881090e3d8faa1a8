"""Arrival board (接待看板): expected customers, waiting ones with their times, and their
advisors.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from nicegui import ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.arriving import arrival_dialog, record_arrival
from services.desk.components.awaiting import awaiting_strip
from services.desk.components.cancelling import end_dialog
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
from services.desk.components.entitlements import entitlements_dialog
from services.desk.components.forms import Form, dialog_actions, send_now, submit
from services.desk.components.live import AT_ONCE_S, live
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.components.tier import tier_badge
from services.desk.context import Names, PageContext, Who
from services.desk.page import Page
from shared.calls import ServiceUnavailableError
from shared.clients.access import roles_of
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import (
    AppointmentView,
    AssignAdvisorRequest,
    OrderView,
    VersionedRequest,
    WaitingView,
)

REQUIREMENTS = ("R1", "R2", "R25")

PAGE = Page(
    path="/stores/{store_id}/reception",
    title="Arrival board",
    icon="garage",
    roles=roles_of(ReceptionApi.record_arrival) | roles_of(ReceptionApi.assign_advisor),
    requirements=REQUIREMENTS,
)

_WARNING_SHARE = 0.7
_SOON = timedelta(hours=2)

EntryT = TypeVar("EntryT", AppointmentView, WaitingView)


@dataclass(frozen=True)
class Board:
    """Expected customers, by time, and customers at reception, in their turn."""

    expected: Sequence[AppointmentView]
    orders: Sequence[WaitingView]
    names: Names
    problem: str = ""

    def at(self, status: str) -> list[WaitingView]:
        """Return the entries whose order is in the status."""
        return [order for order in self.orders if order.status == status]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show three columns: expected, waiting for a greeting, being received."""
    if ctx.may(ctx.services.reception.record_arrival):
        with box("toolbar"):
            button(
                ctx.t("Record arrival"),
                lambda: arrival_dialog(ctx),
                name="record-arrival",
                kind="main",
            )
    if ctx.may(ctx.services.reception.greet_customer):
        await awaiting_strip(ctx)

    async def fetch() -> Board:
        orders, expected = await asyncio.gather(arrivals(ctx), expected_today(ctx))
        entries: list[AppointmentView | WaitingView] = [*orders, *expected]
        try:
            names = await ctx.names(
                (entry.customer_ref for entry in entries),
                (entry.plate_ref for entry in entries),
                tiers=True,
            )
            return Board(expected, orders, names)
        except ServiceUnavailableError:
            sentence = ctx.t("Customer records are unavailable; names are hidden.")
            return Board(expected, orders, Names(), sentence)

    await live(ctx, fetch, partial(_board, ctx), AT_ONCE_S)


def _board(ctx: PageContext, board: Board, renderer: PartialRenderer) -> None:
    t, expected = ctx.t, {each.appointment_id: each for each in board.expected}
    waiting, received = (
        {order.order_id: order for order in board.at(status)} for status in ("arrived", "greeted")
    )
    if board.problem:
        renderer.section("problem", text, board.problem, "hint")
    with renderer.frame("board", box, "board three"):
        column = partial(_column, ctx, board.names, renderer)
        column(
            t("Expected"), _expected_card, expected, t("No more appointments are expected today.")
        )
        column(t("Waiting"), _waiting_card, waiting, t("Nobody is waiting."))
        column(t("Being greeted"), _received_card, received, t("No customer is being greeted."))


def _column(
    ctx: PageContext,
    names: Names,
    renderer: PartialRenderer,
    title: str,
    card: Callable[[PageContext, EverySecond, EntryT, Who], None],
    entries: Mapping[str, EntryT],
    empty_text: str,
) -> None:
    with renderer.frame(title, box, "board-column"):
        renderer.section("heading", _heading, title, len(entries))
        for key, entry in entries.items():
            shown = partial(card, ctx, renderer.every_second)
            renderer.section(key, shown, entry, names.of(entry.customer_ref, entry.plate_ref))
        if not entries:
            renderer.section("empty", empty, empty_text)


async def arrivals(ctx: PageContext) -> list[WaitingView]:
    """Return the customers at reception: booked ones first, then by arrival.

    The page itself counts how long they wait, so that a card changes with its order alone.
    """
    found = await ctx.shared(
        "arrivals", lambda: ctx.services.reception.arrival_board(ctx.store.id), AT_ONCE_S / 2
    )
    return [order.model_copy(update={"waited_s": 0, "overdue": False}) for order in found]


async def expected_today(ctx: PageContext) -> list[AppointmentView]:
    """Return today's appointments that are still to come, by time."""
    booked = await ctx.shared(
        "appointments", lambda: ctx.services.reception.list_appointments(ctx.store.id)
    )
    to_come = [each for each in booked if each.status == "booked"]
    return sorted(to_come, key=lambda each: each.appointment_at)


def _heading(title: str, count: int) -> None:
    with box("board-heading"):
        text(title, "board-title")
        text(str(count), "count")


def _expected_card(
    ctx: PageContext, every_second: EverySecond, appointment: AppointmentView, who: Who
) -> None:
    t, planned = ctx.t, appointment.appointment_at
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
        if ctx.may(ctx.services.reception.record_arrival):
            attempt = new_attempt()

            async def arrive() -> None:
                if plate:
                    await record_arrival(ctx, plate, appointment.appointment_id, attempt)
                else:
                    await arrival_dialog(ctx, appointment.appointment_id)

            button(t("Arrived"), arrive, name="expected-arrived", kind="small")

        def tell(now: datetime) -> None:
            card.classes(remove="late soon", add=_lateness(planned, now))

        tell(ctx.now())
        every_second(tell)


def _lateness(planned: datetime, now: datetime) -> str:
    if now > planned:
        return "late"
    return "soon" if now > planned - _SOON else ""


def _waiting_card(
    ctx: PageContext, every_second: EverySecond, order: WaitingView, who: Who
) -> None:
    t, due = ctx.t, order.greeting_due_at
    limit_s = formats.seconds_since(order.arrived_at, due)
    number, order_id = order.queue_number, order.order_id
    with test_id(f"arrival-{number}", box("card")) as card:
        _who(ctx, order, who)
        with box("card-side"):
            waited = text("", "waited")
            text(t("Limit {time}", time=formats.stopwatch(limit_s)), "card-note")

        def wait(now: datetime) -> None:
            seconds = formats.seconds_since(order.arrived_at, now)
            waited.set_text(formats.stopwatch(seconds))
            overdue, near = now >= due, seconds >= limit_s * _WARNING_SHARE
            tone = "overdue" if overdue else "near" if near else "in-time"
            card.classes(remove="overdue near in-time", add=tone)

        wait(ctx.now())
        every_second(wait)
        with box("card-actions"):
            _suggestion(ctx, order)
            if ctx.may(ctx.services.reception.greet_customer):
                attempt = new_attempt()
                button(
                    t("Receive"),
                    lambda: send_now(
                        ctx,
                        lambda: ctx.services.reception.greet_customer(
                            ctx.store.id,
                            order_id,
                            VersionedRequest(version=order.version),
                            idempotency_key=attempt,
                        ),
                        then_open=f"{ctx.store_path}/reception/{order_id}",
                    ),
                    name=f"greet-{number}",
                    kind="main",
                )
                _other_buttons(ctx, order)


def _suggestion(ctx: PageContext, order: WaitingView) -> None:
    """Show the suggested advisor; permitted roles assign that one, or another, with one click."""
    t, suggested, number = ctx.t, order.suggested_advisor_id, order.queue_number
    if suggested == ctx.person.subject:
        badge(t("Your turn"), "good")
    elif order.advisor_id:
        badge(t("Assigned to {person}", person=ctx.colleague(suggested)), "busy")
    elif suggested:
        badge(t("Suggested: {person}", person=ctx.colleague(suggested)), "calm")
    if not ctx.may(ctx.services.reception.assign_advisor):
        return
    if suggested and not order.advisor_id:
        assign = partial(_assign, ctx, order.order_id, suggested, order.version, new_attempt())
        button(
            t("Assign"),
            lambda: send_now(ctx, assign),
            name=f"assign-{number}",
        )
    button(
        t("Assign another"),
        lambda: _assign_dialog(ctx, order),
        name=f"assign-other-{number}",
        kind="small",
    )


def _assign(
    ctx: PageContext, order_id: str, advisor_id: str, version: str, key: str
) -> Awaitable[OrderView]:
    request = AssignAdvisorRequest(version=version, advisor_id=advisor_id)
    return ctx.services.reception.assign_advisor(
        ctx.store.id, order_id, request, idempotency_key=key
    )


async def _assign_dialog(ctx: PageContext, order: WaitingView) -> None:
    t = ctx.t
    advisors = {
        subject: t.of(person)
        for subject, person in ctx.directory.people.items()
        if any(
            (post.role, post.in_store) == ("service_advisor", ctx.store.id) for post in person.posts
        )
    }
    with dialog(
        t("Who receives {number}?", number=formats.queue_number(order.queue_number))
    ) as opened:
        form = Form(ctx, order.version)
        advisor = form.field("advisor_id", ui.select(advisors, label=t("Advisor")))

        async def send() -> None:
            if form.require("advisor_id"):
                await submit(
                    form,
                    opened,
                    lambda: _assign(ctx, order.order_id, advisor.value, form.version, form.attempt),
                )

        dialog_actions(form, opened, t("Assign"), send)


def _received_card(
    ctx: PageContext, every_second: EverySecond, order: WaitingView, who: Who
) -> None:
    t, greeted_at = ctx.t, order.greeted_at or order.arrived_at
    with test_id(f"arrival-{order.queue_number}", box("card")):
        _who(ctx, order, who)
        with box("card-side"):
            since = text("", "waited")
            text(ctx.colleague(order.advisor_id), "card-note")

        def receive(now: datetime) -> None:
            since.set_text(formats.stopwatch(formats.seconds_since(greeted_at, now)))

        receive(ctx.now())
        every_second(receive)
        if ctx.may(ctx.services.reception.greet_customer):
            with box("card-actions"):
                made = link(
                    t("Open order"),
                    f"{ctx.store_path}/reception/{order.order_id}",
                    "button button-main as-button",
                )
                test_id(f"open-{order.queue_number}", made)
                _other_buttons(ctx, order)


def _who(ctx: PageContext, order: WaitingView, who: Who) -> None:
    with box("card-who"):
        text(formats.queue_number(order.queue_number), "queue-number")
        with box("card-names"):
            if who.plate:
                text(who.plate, "plate")
            with box("card-tags"):
                if who.tier:
                    tier_badge(ctx.t, who.tier)
                if order.has_priority:
                    test_id("priority", badge(ctx.t("Priority"), "good"))
                if order.appointment_id:
                    badge(ctx.t("Appointment"), "calm")
                arrived = formats.clock(order.arrived_at, ctx.store.timezone)
                text(ctx.t("Arrived {time}", time=arrived), "card-note")


def _other_buttons(ctx: PageContext, order: WaitingView) -> None:
    button(
        ctx.t("Special treatment"),
        lambda: entitlements_dialog(ctx, order.order_id),
        name=f"entitlements-{order.queue_number}",
    )
    button(
        ctx.t("Left"),
        lambda: end_dialog(ctx, order.order_id, order.version),
        name=f"left-{order.queue_number}",
    )
