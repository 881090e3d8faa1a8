"""Delivery (交车): the checklist step by step, waivers, the signature, and the keys."""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.elements import (
    Handler,
    badge,
    box,
    button,
    dialog,
    panel,
    test_id,
    text,
)
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    dialog_foot,
    send_now,
    submit,
)
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.signature import drawn, pad
from services.desk.pages.order.data import OrderPage
from shared.clients.reception.models import (
    DeliveryBlocker,
    OrderView,
    RecordStepRequest,
    SignatureRequest,
    VersionedRequest,
    WaiverRequest,
)
from shared.contracts.reception import DeliveryStep, DeliveryWaiver, WaiverReason

_SIGNATURE_STEP = "customer_signed"
_ICONS = {
    "done": "check_circle",
    "waived": "do_not_disturb_on",
    "open": "radio_button_unchecked",
}


def delivery(page: OrderPage, renderer: PartialRenderer) -> None:
    """Show every step with its actor and time, and what blocks the delivery."""
    order, steps = page.data.order, page.catalog.steps
    done = {each.step: each for each in order.steps}
    waivers = {each.step: each for each in order.waivers}
    repeat = {*order.steps_to_repeat}
    ready = page.data.status == "ready"
    with renderer.frame("delivery", panel, page.ctx.t("Delivery checklist")):
        with renderer.frame("checklist", box, "checklist"):
            for step in steps:
                shown = partial(_step, page, step)
                recorded = done.get(step), waivers.get(step)
                renderer.section(step, shown, *recorded, step in repeat, ready)
        if repeat & steps.keys():
            words = page.ctx.t("Work or invoice has changed: do the marked steps again.")
            renderer.section("repeat", text, words, "hint")
        if page.ctx.may(page.ctx.services.reception.deliver_vehicle):
            with renderer.frame("actions", box, "card-actions"):
                if ready:
                    blockers = order.delivery_blockers or ()
                    renderer.section("deliver", partial(_hand_over, page), blockers)
                if order.signed_at:
                    renderer.section("signature", _signature, page)


def _hand_over(page: OrderPage, blockers: Sequence[DeliveryBlocker]) -> None:
    t, deliver = page.ctx.t, page.deciding(page.ctx.services.reception.deliver_vehicle)
    made = button(t("Hand the vehicle over"), deliver, name="deliver", kind="main")
    made.set_enabled(not blockers)
    for blocker in blockers:
        text(t.code("delivery_blocker", blocker), "hint")


def _signature(page: OrderPage) -> None:
    button(page.ctx.t("Show the signature"), partial(_show_signature, page), name="signature")


def _step(
    page: OrderPage,
    step: str,
    done: DeliveryStep | None,
    waiver: DeliveryWaiver | None,
    repeat: bool,
    ready: bool,
) -> None:
    ctx, zone = page.ctx, page.ctx.store.timezone
    waived = bool(waiver and waiver.approved_by)
    may_do = ready and ctx.may(ctx.services.reception.record_delivery_step)
    state = "open" if repeat else "done" if done else "waived" if waived else "open"
    with test_id(f"step-{step}", box(f"check {state}")) as line:
        ui.icon(_ICONS[state])
        text(page.catalog.steps[step], "check-name")
        if repeat:
            badge(ctx.t("Do again"), "warn")
        elif waiver:
            _waiver(page, waiver)
        elif done:
            at = formats.clock(done.done_at, zone)
            text(f"{ctx.colleague(done.done_by)} · {at}", "card-note")
        if may_do and (repeat or not (done or waiver)):
            _may_be_waived(page, step)
    if may_do and state == "open":
        line.classes("can-check").props("role=button tabindex=0")
        line.on("click", _doing(page, step))


def _may_be_waived(page: OrderPage, step: str) -> None:
    with box("check-side"):
        button(
            page.ctx.t("Waive …"), partial(_waive, page, step), name=f"waive-{step}", kind="small"
        ).on("click.stop", lambda: None)


def _doing(page: OrderPage, step: str) -> Handler:
    """Return the action for a tap on an open step."""
    if step == _SIGNATURE_STEP:
        return partial(_sign, page)
    attempt, request = new_attempt(), RecordStepRequest(step=step)

    def record() -> Awaitable[OrderView]:
        return page.ctx.services.reception.record_delivery_step(
            *page.ids, request, idempotency_key=attempt
        )

    return partial(send_now, page.ctx, record)


def _waiver(page: OrderPage, waiver: DeliveryWaiver) -> None:
    """Show a waived step, or a requested waiver: reason, person, and the second person's
    approval.
    """
    ctx, t = page.ctx, page.ctx.t
    asked = f"{t.code('waiver', waiver.reason)} · {ctx.colleague(waiver.requested_by)}"
    with box("check-side"):
        if waiver.approved_by:
            text(f"{asked} → {ctx.colleague(waiver.approved_by)}", "card-note")
            return
        text(asked, "card-note")
        approves = ctx.may(ctx.services.reception.approve_waiver)
        if approves and ctx.person.subject != waiver.requested_by:
            button(
                t("Approve"), _approving(page, waiver), name=f"approve-{waiver.step}", kind="small"
            ).on("click.stop", lambda: None)
        else:
            badge(t("Awaits approval"), "warn")


def _approving(page: OrderPage, waiver: DeliveryWaiver) -> Handler:
    attempt = new_attempt()

    def approve() -> Awaitable[OrderView]:
        request = VersionedRequest(version=page.data.version)
        return page.ctx.services.reception.approve_waiver(
            *page.ids, waiver.step, request, idempotency_key=attempt
        )

    return partial(send_now, page.ctx, approve)


def _waive(page: OrderPage, step: str) -> None:
    """Ask to leave a step out (免做申请); another person approves it, signed in themselves."""
    ctx, t = page.ctx, page.ctx.t
    with dialog(t("Leave out: {step}", step=page.catalog.steps[step])) as opened:
        form = Form(ctx, page.data.version)
        reason = form.field(
            "reason", ui.select(choices(t, "waiver", get_args(WaiverReason)), label=t("Reason"))
        )
        text(t("A manager approves this on their own screen."), "hint")

        def request_waiver() -> Awaitable[OrderView]:
            request = WaiverRequest(version=form.version, reason=reason.value)
            return ctx.services.reception.request_waiver(
                *page.ids, step, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("reason"):
                await submit(form, opened, request_waiver)

        dialog_actions(form, opened, t("Ask for approval"), send)


def _sign(page: OrderPage) -> None:
    """Ask the customer to draw their signature (签字) with finger, pen or mouse."""
    ctx, t = page.ctx, page.ctx.t

    def explained() -> None:
        sentence = "I have received the vehicle; work and invoice of {amount} were explained to me."
        amount = formats.money(page.data.order.payable_cents)
        text(t(sentence, amount=amount), "explained")

    with dialog(t("Signature of the customer")) as opened:
        form = Form(ctx, page.data.version)
        form.show(explained)
        strokes = pad(t("Please sign here"))

        def request() -> SignatureRequest:
            return SignatureRequest(version=form.version, strokes=strokes)

        async def send() -> None:
            if not strokes:
                form.say(t("The signature is missing."))
                return
            await page.submit(form, opened, ctx.services.reception.record_signature, request)

        dialog_actions(form, opened, t("Confirm"), send)


async def _show_signature(page: OrderPage) -> None:
    ctx, t, zone = page.ctx, page.ctx.t, page.ctx.store.timezone
    with dialog(t("Signature of the customer")) as opened:
        form = Form(ctx)
        response = await form.send(lambda: ctx.services.reception.get_signature(*page.ids))
        if response and response.strokes:
            drawn(response.strokes)
        elif response:
            text(t("The signature was erased."), "hint")
        signed = formats.day_and_clock(page.data.order.signed_at, zone, ctx.now())
        text(t("Signed {time}", time=signed), "card-note")
        with dialog_foot(form):
            button(t("Close"), opened.close, name="dialog-cancel")
