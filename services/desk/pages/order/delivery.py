"""Delivery (交车): the checklist step by step, waivers, the signature, and the keys."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.elements import badge, box, button, dialog, panel, test_id, text
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
from services.desk.pages.order.file import Entry, Opened
from services.desk.pages.order.summary import MAY_CHANGE

_SIGNATURE_STEP = "customer_signed"
_REASONS = ("customer_declines", "customer_absent", "not_applicable", "other")
_ICONS = {
    "done": "check_circle",
    "waived": "do_not_disturb_on",
    "open": "radio_button_unchecked",
}
_APPROVES = ("service_manager", "group_manager")


def delivery(page: Opened, renderer: PartialRenderer) -> None:
    """Show every step with its actor and time; the vehicle is not handed over while one is
    missing.
    """
    order, steps = page.file.order, page.catalog.steps
    done, waivers = ({each.step: each for each in order[kind]} for kind in ("steps", "waivers"))
    repeat = {*order.steps_to_repeat}
    ready = page.file.status == "ready"
    with renderer.frame("delivery", panel, page.ctx.t("Delivery checklist")):
        with renderer.frame("checklist", box, "checklist"):
            for step in steps:
                shown = partial(_step, page, step)
                recorded = done.get(step), waivers.get(step)
                renderer.section(step, shown, *recorded, step in repeat, ready)
        if repeat & steps.keys():
            words = page.ctx.t("Work or invoice has changed: do the marked steps again.")
            renderer.section("repeat", text, words, "hint")
        if page.may(MAY_CHANGE):
            missing = steps.keys() - ((done.keys() | _waived(waivers)) - repeat)
            with renderer.frame("actions", box, "card-actions"):
                if ready:
                    renderer.section(
                        "deliver", partial(_hand_over, page), len(missing), page.file.may_go
                    )
                if order.signed_at:
                    renderer.section("signature", _signature, page)


def _waived(waivers: Mapping[str, Entry]) -> set[str]:
    return {step for step, waiver in waivers.items() if waiver.approved_by}


def _hand_over(page: Opened, missing: int, paid: bool) -> None:
    t, attempt = page.ctx.t, new_attempt()
    made = button(
        t("Hand the vehicle over"),
        lambda: page.send_now("delivery", attempt=attempt),
        name="deliver",
        kind="main",
    )
    made.set_enabled(paid and not missing)
    if missing:
        text(t("Steps missing: {count}", count=missing), "hint")
    elif not paid:
        text(t("The invoice is not paid."), "hint")


def _signature(page: Opened) -> None:
    button(page.ctx.t("Show the signature"), partial(_show_signature, page), name="signature")


def _step(
    page: Opened, step: str, done: Entry | None, waiver: Entry | None, repeat: bool, ready: bool
) -> None:
    ctx, zone = page.ctx, page.ctx.store.timezone
    waived = bool(waiver and waiver.approved_by)
    may_do = ready and page.may(MAY_CHANGE)
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


def _may_be_waived(page: Opened, step: str) -> None:
    with box("check-side"):
        button(
            page.ctx.t("Waive …"), partial(_waive, page, step), name=f"waive-{step}", kind="small"
        ).on("click.stop", lambda: None)


def _doing(page: Opened, step: str) -> Any:
    """Return the action for a tap on an open step."""
    if step == _SIGNATURE_STEP:
        return partial(_sign, page)
    path, body = f"{page.path}/delivery-steps", {"step": step}
    return partial(send_now, page.ctx, "reception", path, body, attempt=new_attempt())


def _waiver(page: Opened, waiver: Entry) -> None:
    """Show a waived step, or a requested waiver: reason, person, and the second person's
    approval.
    """
    ctx, t, step = page.ctx, page.ctx.t, waiver.step
    asked = f"{t.code('waiver', waiver.reason)} · {ctx.colleague(waiver.requested_by)}"
    with box("check-side"):
        if waiver.approved_by:
            text(f"{asked} → {ctx.colleague(waiver.approved_by)}", "card-note")
            return
        text(asked, "card-note")
        if ctx.person.has(_APPROVES) and ctx.person.subject != waiver.requested_by:
            button(
                t("Approve"),
                partial(
                    page.send_now, f"delivery-steps/{step}/waiver/approve", attempt=new_attempt()
                ),
                name=f"approve-{step}",
                kind="small",
            ).on("click.stop", lambda: None)
        else:
            badge(t("Awaits approval"), "warn")


def _waive(page: Opened, step: str) -> None:
    """Ask to leave a step out (免做申请); another person approves it, signed in themselves."""
    ctx, t = page.ctx, page.ctx.t
    with dialog(t("Leave out: {step}", step=page.catalog.steps[step])) as opened:
        form = Form(ctx, page.file.version)
        reason = form.field("reason", ui.select(choices(t, "waiver", _REASONS), label=t("Reason")))
        text(t("A manager approves this on their own screen."), "hint")

        async def send() -> None:
            if form.require("reason"):
                path = f"{page.path}/delivery-steps/{step}/waiver"
                await submit(form, opened, "reception", path, {"reason": reason.value})

        dialog_actions(form, opened, t("Ask for approval"), send)


def _sign(page: Opened) -> None:
    """Ask the customer to draw their signature (签字) with finger, pen or mouse."""
    ctx, t = page.ctx, page.ctx.t

    def explained() -> None:
        sentence = "I have received the vehicle; work and invoice of {amount} were explained to me."
        amount = formats.money(page.file.order.payable_cents)
        text(t(sentence, amount=amount), "explained")

    with dialog(t("Signature of the customer")) as opened:
        form = Form(ctx, page.file.version)
        form.show(explained)
        strokes = pad(t("Please sign here"))

        async def send() -> None:
            if not strokes:
                form.say(t("Nothing is drawn yet."))
                return
            body = {"strokes": strokes}
            await submit(form, opened, "reception", f"{page.path}/signature", body)

        dialog_actions(form, opened, t("Confirm"), send)


async def _show_signature(page: Opened) -> None:
    ctx, t, zone = page.ctx, page.ctx.t, page.ctx.store.timezone
    with dialog(t("Signature of the customer")) as opened:
        form = Form(ctx)
        path = f"{ctx.store_path}{page.path}/signature"
        response = await form.send(lambda: ctx.services.get("reception", path))
        if response and response.strokes:
            drawn(response.strokes)
        elif response:
            text(t("The signature was erased."), "hint")
        signed = formats.day_and_clock(page.file.order.signed_at, zone, ctx.now())
        text(t("Signed {time}", time=signed), "card-note")
        with dialog_foot(form):
            button(t("Close"), opened.close, name="dialog-cancel")
