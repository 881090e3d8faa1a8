"""Delivery (交车): the checklist step by step, waivers, the signature, and the keys."""

from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.client import new_attempt
from services.desk.components.elements import badge, box, button, dialog, mark, panel, text
from services.desk.components.forms import Form, choices, dialog_actions, send_now, submit
from services.desk.components.signature import drawing, pad
from services.desk.pages.order.file import Entry, File
from services.desk.pages.order.summary import MAY_CHANGE
from services.desk.visit import Visit

_SIGNATURE_STEP = "customer_signed"
_REASONS = ("customer_declines", "customer_absent", "not_applicable", "other")
_ICONS = {
    "done": "check_circle",
    "waived": "do_not_disturb_on",
    "open": "radio_button_unchecked",
}
_APPROVES = ("manager", "group_manager")


def delivery(visit: Visit, catalogue: Catalogue, file: File) -> None:
    """Every step with who and when; nothing is handed over while one is missing."""
    t, order = visit.t, file.order
    done = {step["step"]: step for step in order["steps"]}
    waivers = {waiver["step"]: waiver for waiver in order["waivers"]}
    with panel(t("Delivery checklist")):
        with box("checklist"):
            for step, name in catalogue.steps.items():
                _step(visit, file, step, name, done.get(step), waivers.get(step))
        if not visit.person.has(MAY_CHANGE):
            return
        with box("card-actions"):
            if file.stage == "ready":
                _hand_over(visit, file, missing=len(_missing(catalogue, done, waivers)))
            if order["signed_at"]:
                button(
                    t("Show the signature"), lambda: _show_signature(visit, file), name="signature"
                )


def _missing(catalogue: Catalogue, done: dict[str, Entry], waivers: dict[str, Entry]) -> set[str]:
    waived = {step for step, waiver in waivers.items() if waiver["approved_by"]}
    return catalogue.steps.keys() - done.keys() - waived


def _hand_over(visit: Visit, file: File, *, missing: int) -> None:
    t, order, attempt = visit.t, file.order, new_attempt()
    made = button(
        t("Hand the vehicle over"),
        lambda: send_now(visit, "reception", f"/orders/{file.order_id}/delivery", attempt=attempt),
        name="deliver",
        kind="main",
    )
    unpaid = not order["invoice_id"] or bool(order["balance_cents"])
    made.set_enabled(not missing and (not unpaid or bool(order["credit"])))
    if missing:
        text(t("Steps missing: {count}", count=missing), "hint")
    elif unpaid and not order["credit"]:
        text(t("The bill is not paid."), "hint")


def _step(
    visit: Visit, file: File, step: str, name: str, done: Entry | None, waiver: Entry | None
) -> None:
    t, zone = visit.t, visit.store.timezone
    waived = bool(waiver and waiver["approved_by"])
    state = "done" if done else "waived" if waived else "open"
    with mark(f"step-{step}", box(f"check {state}")) as line:
        ui.icon(
            "check_circle" if done else "do_not_disturb_on" if waived else "radio_button_unchecked"
        )
        text(name, "check-name")
        if done:
            at = formats.clock(done["done_at"], zone)
            text(f"{visit.colleague(done['done_by'])} · {at}", "card-note")
        elif waiver:
            _waiver(visit, file, waiver)
        elif file.stage == "ready" and visit.person.has(MAY_CHANGE):
            with box("check-side"):
                button(
                    t("Waive …"),
                    partial(_waive, visit, file, step, name),
                    name=f"waive-{step}",
                    kind="small",
                ).on("click.stop", lambda: None)
    if file.stage == "ready" and visit.person.has(MAY_CHANGE) and not done and not waived:
        line.classes("can-check").props("role=button tabindex=0")
        line.on("click", _doing(visit, file, step))


def _doing(visit: Visit, file: File, step: str) -> Any:
    """What a tap on an open step does."""
    if step == _SIGNATURE_STEP:
        return partial(_sign, visit, file)
    path, body = f"/orders/{file.order_id}/delivery-steps", {"step": step}
    return partial(send_now, visit, "reception", path, body, attempt=new_attempt())


def _waiver(visit: Visit, file: File, waiver: Entry) -> None:
    """A step that is left out, or is to be: why, by whom, and the second person's word."""
    t, step = visit.t, waiver["step"]
    asked = f"{t.code('waiver', waiver['reason'])} · {visit.colleague(waiver['requested_by'])}"
    with box("check-side"):
        if waiver["approved_by"]:
            text(f"{asked} → {visit.colleague(waiver['approved_by'])}", "card-note")
            return
        text(asked, "card-note")
        if visit.person.has(_APPROVES) and visit.person.subject != waiver["requested_by"]:
            path = f"/orders/{file.order_id}/delivery-steps/{step}/waiver/approval"
            button(
                t("Approve"),
                partial(send_now, visit, "reception", path, attempt=new_attempt()),
                name=f"approve-{step}",
                kind="small",
            ).on("click.stop", lambda: None)
        else:
            badge(t("Awaits approval"), "warn")


def _waive(visit: Visit, file: File, step: str, name: str) -> None:
    """Ask to leave a step out (免做申请); somebody else approves it, signed in themselves."""
    t = visit.t
    with dialog(t("Leave out: {step}", step=name)) as opened:
        form = Form(visit)
        reason = form.field("reason", ui.select(choices(t, "waiver", _REASONS), label=t("Reason")))
        text(t("A manager approves this on their own screen."), "hint")

        async def send() -> None:
            if form.require("reason"):
                path = f"/orders/{file.order_id}/delivery-steps/{step}/waiver"
                await submit(form, opened, "reception", path, {"reason": reason.value})

        dialog_actions(visit, opened, t("Ask for approval"), send)


def _sign(visit: Visit, file: File) -> None:
    """The customer draws their signature (签字) with finger, pen or mouse."""
    t, order = visit.t, file.order
    with dialog(t("Signature of the customer")) as opened:
        form = Form(visit)
        text(
            t(
                "I have received the vehicle; work and bill of {amount} were explained to me.",
                amount=formats.money(order["invoiced_cents"] or order["estimate_cents"]),
            ),
            "explained",
        )
        strokes = pad(t("Please sign here"))

        async def send() -> None:
            if not strokes:
                form.say(t("Nothing is drawn yet."))
                return
            path = f"/orders/{file.order_id}/signature"
            await submit(form, opened, "reception", path, {"strokes": strokes})

        dialog_actions(visit, opened, t("Confirm"), send)


async def _show_signature(visit: Visit, file: File) -> None:
    t, zone = visit.t, visit.store.timezone
    with dialog(t("Signature of the customer")) as opened:
        form = Form(visit)
        path = f"{visit.store_path}/orders/{file.order_id}/signature"
        answer = await form.send(lambda: visit.services.get("reception", path))
        if answer and answer["strokes"]:
            drawing(answer["strokes"])
        elif answer:
            text(t("The signature was erased."), "hint")
        signed = formats.day_and_clock(file.order["signed_at"], zone, visit.now())
        text(t("Signed {time}", time=signed), "card-note")
        with box("dialog-actions"):
            button(t("Close"), opened.close, name="dialog-cancel")
