"""Head of an order: its status, its promise and the promise's risk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.cancelling import cancellation_facts, end_dialog
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
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    moment_field,
    moment_of,
)
from services.desk.components.lead import lead_button
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.components.tier import tier_badge
from services.desk.context import PageContext, Who
from services.desk.i18n import Translator
from services.desk.orders import ORDER_TONES
from services.desk.pages.order.data import AT_WORK, OrderData, OrderPage
from services.desk.pages.order.withdrawal import Withdrawal
from services.desk.reasons import DISPLAY_BAD_BELOW, sentence
from shared.clients.reception.models import (
    OrderDetail,
    OrderStatus,
    RevisePromisedTimeReason,
    RevisePromisedTimeRequest,
)
from shared.clients.workshop.models import PromiseRiskView

_WAY = ("arrived", "greeted", "opened", "in_progress", "ready", "delivered", "closed")
_CANCELLABLE = ("arrived", "greeted", "opened")
_REVISIONS = get_args(RevisePromisedTimeReason)
_STEP = timedelta(minutes=5)


@dataclass(frozen=True)
class _Head:
    """Values in the head of an order; it is redrawn only when one of them changes."""

    queue_number: int
    status: OrderStatus
    waiting_customer: bool
    promised_at: datetime | None
    delivered_at: datetime | None
    who: Who


def summary(page: OrderPage, renderer: PartialRenderer) -> None:
    """Show the customer and vehicle, the progress of the order, and the promised time."""
    ctx, t, data, order = page.ctx, page.ctx.t, page.data, page.data.order
    with renderer.frame("summary", panel, "", "summary-panel"):
        shown = partial(_head, ctx, renderer.every_second)
        head = _Head(
            order.queue_number,
            order.status,
            order.waiting_customer,
            order.promised_at,
            order.delivered_at,
            data.who,
        )
        renderer.section("head", shown, head)
        if data.status != "cancelled":
            renderer.section("way", partial(_steps_of_the_way, t), data.status)
        renderer.section("facts", facts, _facts(ctx, order))
        if data.cancellation:
            renderer.section("cancellation", partial(cancellation_facts, ctx), data.cancellation)
        if order.promise_provisional:
            words = t("Provisional: not planned by the workshop yet")
            renderer.section("provisional", badge, words, "warn")
        if data.status in AT_WORK and data.risk:
            operations = {job.job_id: job.op_code for job in data.jobs}
            renderer.section("promise-risk", partial(_promise_risk, page), data.risk, operations)
        if ctx.may(ctx.services.reception.revise_promise):
            renderer.section("actions", partial(_actions, page), data.status)
        if order.customer_ref:
            renderer.section("lead", partial(_lead, ctx), order.customer_ref, order.order_id)


def _head(ctx: PageContext, every_second: EverySecond, order: _Head) -> None:
    t, status, who = ctx.t, order.status, order.who
    with box("order-head"):
        text(formats.queue_number(order.queue_number), "queue-number")
        with box("card-names"):
            if who.plate:
                text(who.plate, "plate")
            if who.name:
                text(who.name, "card-note")
        badge(t.code("order_status", status), ORDER_TONES[status])
        if who.tier:
            tier_badge(t, who.tier)
        if order.waiting_customer:
            badge(t("Waiter"), "calm")
        box("spacer")
        if order.promised_at:
            _promise(ctx, every_second, order.promised_at, order.delivered_at)


def _facts(ctx: PageContext, order: OrderDetail) -> list[tuple[str, str]]:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    return [
        (t("Arrived"), formats.day_and_clock(order.arrived_at, zone, now)),
        (t("Advisor"), ctx.colleague(order.advisor_id)),
        (t("Odometer"), _kilometers(order.odometer_km)),
        (t("Estimate"), formats.money(order.estimate_cents or None)),
        (t("Ready"), formats.day_and_clock(order.ready_at, zone, now)),
        (t("Delivered"), formats.day_and_clock(order.delivered_at, zone, now)),
    ]


def _kilometers(value: int | None) -> str:
    return formats.NOTHING if value is None else f"{value:,} km"


def _promise(
    ctx: PageContext, every_second: EverySecond, promised: datetime, done: datetime | None
) -> None:
    t = ctx.t
    with box("promise-side") as side:
        text(t("Promised time"), "promise-label")
        when = formats.day_and_clock(promised, ctx.store.timezone, ctx.now())
        text(when, "promise-time")
        left = text("", "hint")

    def tell(now: datetime) -> None:
        seconds = (promised - (done or now)).total_seconds()
        late = seconds < 0
        duration = formats.duration(t, abs(seconds))
        words = (
            ("Late by {time}" if late else "On time, {time} early")
            if done
            else ("Overdue by {time}" if late else "{time} left")
        )
        left.set_text(t(words, time=duration))
        side.classes(remove="late", add="late" if late else "")

    tell(ctx.now())
    every_second(tell)


def _steps_of_the_way(t: Translator, reached_status: OrderStatus) -> None:
    reached = _WAY.index(reached_status)
    with box("way"):
        for place, status in enumerate(_WAY):
            state = "done" if place < reached else "here" if place == reached else "ahead"
            with box(f"way-step {state}"):
                box("way-dot")
                text(t.code("order_status", status), "way-name")


def _promise_risk(page: OrderPage, risk: PromiseRiskView, operations: Mapping[str, str]) -> None:
    """Show the promise's limiting factor, its probability, and the best new promise (承诺风险)."""
    ctx, t = page.ctx, page.ctx.t

    def job_name(job_id: str) -> str:
        op_code = operations.get(job_id)
        return page.catalog.operation(op_code) if op_code else t("another job")

    alerted, broken = risk.alerted_at, risk.probability < DISPLAY_BAD_BELOW
    tone = "bad" if broken else "warn" if alerted else "calm"
    with test_id("promise-risk", box(f"promise-risk tone-{tone}")):
        text(f"{risk.probability:.0%}", "promise-risk-share")
        with box("promise-risk-text"):
            text(t("Probability that the promised time is kept"), "promise-risk-name")
            cause = sentence(ctx, "risk", risk.cause, risk.detail, job_name)
            text(t("Main risk: {cause}", cause=cause))
        with box("promise-risk-best"):
            text(t("Best new promised time"), "promise-risk-name")
            best = risk.best_promise_at
            text(formats.day_and_clock(best, ctx.store.timezone, ctx.now()), "promise-risk-time")


def _actions(page: OrderPage, status: OrderStatus) -> None:
    t = page.ctx.t
    if status not in (*_CANCELLABLE, *AT_WORK):
        return
    with box("card-actions"):
        if status in AT_WORK:
            button(t("Revise promised time…"), partial(_revise, page), name="revise-promise")
            label = t("Withdraw or stop work …")
            button(label, lambda: Withdrawal(page).open(), name="withdraw-work")
        if status in _CANCELLABLE:
            button(
                t("End the visit without work"),
                lambda: end_dialog(page.ctx, page.data.order.order_id, page.data.order.version),
                name="cancel-order",
            )


def _lead(ctx: PageContext, customer_ref: str, order_id: str) -> None:
    with box("card-actions"):
        lead_button(ctx, customer_ref, order_id)


def _revise(page: OrderPage) -> None:
    """Tell the customer another time (承诺变更); the workshop's best one is offered first."""
    ctx, t = page.ctx, page.ctx.t
    with dialog(t("Revise promised time")) as opened:
        form = Form(ctx, page.data.version)
        offered = _offered(page.data, ctx.now())
        promised_at = moment_field(form, "promised_at", t("New promised time"), offered)
        reason = form.field(
            "reason", ui.select(choices(t, "reason", _REVISIONS), label=t("Reason"))
        )
        text(t("The customer is told the new time by message."), "hint")

        def request() -> RevisePromisedTimeRequest:
            return RevisePromisedTimeRequest(
                version=form.version,
                promised_at=moment_of(form, promised_at),
                reason=reason.value,
            )

        async def send() -> None:
            if form.require("promised_at", "reason"):
                await page.submit(form, opened, ctx.services.reception.revise_promise, request)

        dialog_actions(form, opened, t("Revise promised time"), send)


def _offered(data: OrderData, now: datetime) -> datetime:
    """Return the workshop's best promise, else the present one, rounded up to five minutes."""
    best = data.risk.best_promise_at if data.risk else data.order.promised_at
    moment = max(best or now, now)
    return moment + (datetime.min.replace(tzinfo=moment.tzinfo) - moment) % _STEP
