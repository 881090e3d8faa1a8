"""One order (工单详情): work, delivery steps, bill, payment and its whole history of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.client import AwayError, new_attempt
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    facts,
    mark,
    panel,
    row,
    table,
    text,
)
from services.desk.components.forms import Form, dialog_actions, send_now
from services.desk.components.history import history
from services.desk.components.live import EverySecond, live
from services.desk.page import Page
from services.desk.pages.orders import STAGE_TONES
from services.desk.pages.reception import cancel_dialog, t_number
from services.desk.visit import Names, Visit, together

DUTIES = ("R3", "R4", "R5", "R7", "R8", "R13", "R33")

PAGE = Page(
    path="/stores/{store_id}/orders/{order_id}",
    title="Order",
    roles=frozenset(
        {"advisor", "manager", "dispatcher", "inspector", "technician", "agent", "group_manager"}
    ),
    duties=DUTIES,
)

JOB_TONES = {
    "planned": "calm",
    "in_progress": "busy",
    "paused": "warn",
    "finished": "warn",
    "passed": "good",
    "failed": "bad",
    "cancelled": "quiet",
}

_WAY = ("arrived", "greeted", "opened", "in_work", "ready", "delivered", "settled")
_CHANGES = ("advisor", "manager")
_METHODS = ("wechat", "alipay", "card", "cash", "transfer")
_CENTS = 100
_HOUR_S = 3600


@dataclass(frozen=True)
class File:
    """What the page knows about the order."""

    order: Mapping[str, Any]
    names: Names
    jobs: Sequence[Mapping[str, Any]]


@PAGE.shows
async def show(visit: Visit) -> None:
    """The order and its events follow the services, each in its own part."""
    catalogue = await visit.catalogue()
    with box("columns"):
        with box("column-wide"):
            await live(visit, lambda: _read(visit), _renderer(visit, catalogue))
        with box("column-side"), panel(visit.t("History")):
            await live(
                visit,
                lambda: _history(visit),
                lambda events, _: history(visit, catalogue, events),
            )


async def _read(visit: Visit) -> File:
    order_id = visit.parameters["order_id"]
    services, store = visit.services, visit.store_path
    order, jobs = await together(
        visit.shared(
            f"order {order_id}", lambda: services.get("reception", f"{store}/orders/{order_id}")
        ),
        visit.shared(
            f"jobs of {order_id}",
            lambda: services.get("workshop", f"{store}/jobs", order_id=order_id),
        ),
        forgiving=True,
    )
    if isinstance(order, Exception):
        raise order
    try:
        names = await visit.names([order])
    except AwayError:
        names = Names()
    return File(order, names, [] if isinstance(jobs, Exception) else jobs)


async def _history(visit: Visit) -> list[dict[str, Any]]:
    order_id = visit.parameters["order_id"]
    path = f"{visit.store_path}/orders/{order_id}/history"
    events: list[dict[str, Any]] | None = await visit.shared(
        f"history {order_id}", lambda: visit.services.find("reporting", path)
    )
    return events or []


def _renderer(visit: Visit, catalogue: Catalogue) -> Any:
    def render(file: File, every_second: EverySecond) -> None:
        _summary(visit, file, every_second)
        order = file.order
        if order["stage"] not in ("arrived", "greeted"):
            _settlement(visit, order)
            _delivery(visit, catalogue, order)
            _work(visit, catalogue, file)
            _fault(visit, catalogue, order)

    return render


def _summary(visit: Visit, file: File, every_second: EverySecond) -> None:
    t, order, zone = visit.t, file.order, visit.store.timezone
    with panel(classes="summary-panel"):
        with box("order-head"):
            text(t_number(order["queue_number"]), "queue-number")
            with box("card-names"):
                if plate := file.names.plates.get(order["plate_ref"]):
                    text(plate, "plate")
                if name := file.names.customers.get(order["customer_ref"] or ""):
                    text(name, "card-note")
            badge(t.code("stage", order["stage"]), STAGE_TONES[order["stage"]])
            if order["waiting_customer"]:
                badge(t("Customer waits"), "calm")
            box("spacer")
            _promise(visit, order, every_second)
        _steps_of_the_way(visit, order)
        facts(
            [
                (t("Arrived"), formats.day_and_clock(order["arrived_at"], zone, visit.now())),
                (t("Advisor"), visit.colleague(order["advisor_id"])),
                (t("Odometer"), _kilometres(order["odometer_km"])),
                (t("Estimate"), formats.money(order["estimate_cents"] or None)),
                (t("Ready"), formats.day_and_clock(order["ready_at"], zone, visit.now())),
                (t("Delivered"), formats.day_and_clock(order["delivered_at"], zone, visit.now())),
            ]
        )
        if visit.person.has(_CHANGES) and order["stage"] in ("arrived", "greeted", "opened"):
            with box("card-actions"):
                button(
                    t("End the visit without work"),
                    lambda: cancel_dialog(visit, order["order_id"]),
                    name="cancel-order",
                )


def _kilometres(value: int | None) -> str:
    return "—" if value is None else f"{value:,} km"


def _promise(visit: Visit, order: Mapping[str, Any], every_second: EverySecond) -> None:
    if not order["promised_at"]:
        return
    t, promised = visit.t, datetime.fromisoformat(order["promised_at"])
    with box("promise-side") as side:
        text(t("Promised"), "promise-label")
        when = formats.day_and_clock(promised, visit.store.timezone, visit.now())
        text(when, "promise-time")
        left = text("", "hint")

    def tell(now: datetime) -> None:
        done = order["delivered_at"]
        compared = datetime.fromisoformat(done) if done else now
        seconds = (promised - compared).total_seconds()
        late = seconds < 0
        duration = _duration(visit, abs(seconds))
        words = (
            ("Late by {time}" if late else "Kept, {time} early")
            if done
            else ("Overdue by {time}" if late else "{time} left")
        )
        left.set_text(t(words, time=duration))
        side.classes(remove="late", add="late" if late else "")

    tell(visit.now())
    every_second(tell)


def _duration(visit: Visit, seconds: float) -> str:
    """Hours and minutes in words; minutes and seconds within the hour."""
    hours, rest = divmod(int(seconds), _HOUR_S)
    if not hours:
        return formats.stopwatch(seconds)
    return visit.t("{hours} h {minutes} min", hours=hours, minutes=rest // 60)


def _steps_of_the_way(visit: Visit, order: Mapping[str, Any]) -> None:
    if order["stage"] == "cancelled":
        return
    reached = _WAY.index(order["stage"])
    with box("way"):
        for place, stage in enumerate(_WAY):
            state = "done" if place < reached else "here" if place == reached else "ahead"
            with box(f"way-step {state}"):
                box("way-dot")
                text(visit.t.code("stage", stage), "way-name")


def _fault(visit: Visit, catalogue: Catalogue, order: Mapping[str, Any]) -> None:
    with panel(visit.t("Fault description")):
        if order["words"]:
            text(f"“{order['words']}”", "words")
        with box("chips"):
            for code in order["symptoms"]:
                badge(catalogue.symptom(code), "quiet")


def _work(visit: Visit, catalogue: Catalogue, file: File) -> None:
    t, zone = visit.t, visit.store.timezone
    amounts = (t("Quantity"), t("Hours"), t("Amount"))
    with panel(t("Work and parts")):
        with table([t("Item"), *amounts], amounts):
            for line in file.order["lines"]:
                with row():
                    cell(catalogue.line(line["kind"], line["code"]))
                    cell(str(line["quantity"]), "figure")
                    cell(formats.hours(line["standard_hours"]), "figure")
                    cell(formats.money(line["amount_cents"]), "figure")
        if file.jobs:
            text(t("Jobs in the workshop"), "section-title")
            who_and_where = [t("Technician"), t("Bay"), t("Planned"), t("Clocked")]
            with table([t("Job"), t("Status"), *who_and_where], [t("Clocked")]):
                for job in file.jobs:
                    with row():
                        cell(catalogue.operation(job["operation_id"]))
                        with cell_box():
                            badge(t.code("status", job["status"]), JOB_TONES[job["status"]])
                        cell("、".join(map(visit.colleague, job["technician_ids"])) or "—")
                        cell(job["bay_id"] or "—")
                        cell(
                            formats.span(job["planned_start_at"], job["planned_finish_at"], zone),
                            "number",
                        )
                        cell(formats.stopwatch(job["clocked_s"]), "figure")


def _delivery(visit: Visit, catalogue: Catalogue, order: Mapping[str, Any]) -> None:
    t = visit.t
    if order["stage"] not in ("ready", "delivered", "settled"):
        return
    done = {step["step"]: step for step in order["steps"]}
    may_change = visit.person.has(_CHANGES) and order["stage"] == "ready"
    with panel(t("Delivery checklist")):
        with box("checklist"):
            for step, name in catalogue.steps.items():
                _step(visit, order, step, name, done.get(step), may_change=may_change)
        if may_change:
            waived = {waiver["step"] for waiver in order["waivers"] if waiver["approved_by"]}
            missing = len(catalogue.steps.keys() - done.keys() - waived)
            with box("card-actions"):
                attempt = new_attempt()
                made = button(
                    t("Hand the vehicle over"),
                    lambda: send_now(
                        visit, "reception", f"/orders/{order['order_id']}/delivery", attempt=attempt
                    ),
                    name="deliver",
                    kind="main",
                )
                unpaid = not order["invoice_id"] or bool(order["balance_cents"])
                made.set_enabled(not missing and (not unpaid or bool(order["credit"])))
                if missing:
                    text(t("Steps missing: {count}", count=missing), "hint")
                elif unpaid:
                    text(t("The bill is not paid."), "hint")


def _step(
    visit: Visit,
    order: Mapping[str, Any],
    step: str,
    name: str,
    done: Mapping[str, Any] | None,
    *,
    may_change: bool,
) -> None:
    attempt = new_attempt()
    with mark(f"step-{step}", box("check done" if done else "check")) as line:
        ui.icon("check_circle" if done else "radio_button_unchecked")
        text(name, "check-name")
        if done:
            at = formats.clock(done["done_at"], visit.store.timezone)
            text(f"{visit.colleague(done['done_by'])} · {at}", "card-note")
    if may_change and not done:
        line.classes("can-check").props("role=button tabindex=0")
        path, body = f"/orders/{order['order_id']}/delivery-steps", {"step": step}
        line.on("click", lambda: send_now(visit, "reception", path, body, attempt=attempt))


def _settlement(visit: Visit, order: Mapping[str, Any]) -> None:
    t = visit.t
    if order["stage"] not in ("ready", "delivered", "settled"):
        return
    with panel(t("Settlement")):
        facts(
            [
                (t("Invoiced"), formats.money(order["invoiced_cents"])),
                (t("Received"), formats.money(order["received_cents"])),
                (t("Balance"), formats.money(order["balance_cents"])),
            ]
        )
        if not visit.person.has(_CHANGES) or (order["invoice_id"] and not order["balance_cents"]):
            return
        with box("card-actions"):
            if order["invoice_id"]:
                button(
                    t("Receive payment"),
                    lambda: _payment_dialog(visit, order),
                    name="pay",
                    kind="main",
                )
            else:
                attempt = new_attempt()
                button(
                    t("Issue invoice"),
                    lambda: send_now(
                        visit, "reception", f"/orders/{order['order_id']}/invoice", attempt=attempt
                    ),
                    name="invoice",
                    kind="main",
                )


async def _payment_dialog(visit: Visit, order: Mapping[str, Any]) -> None:
    t = visit.t
    with dialog(t("Receive payment")) as opened:
        form = Form(visit)
        methods = {method: t.code("method", method) for method in _METHODS}
        method = form.field("method", ui.select(methods, label=t("Method"), value="wechat"))
        amount = form.field(
            "amount_cents",
            ui.number(
                t("Amount"), value=order["balance_cents"] / _CENTS, min=0, prefix="¥", format="%.2f"
            ),
        )

        async def send() -> None:
            if not form.require("amount_cents"):
                return
            body = {"method": method.value, "amount_cents": round(amount.value * _CENTS)}
            path = f"{visit.store_path}/orders/{order['order_id']}/payments"
            if await form.send(
                lambda: visit.services.command("reception", path, body, attempt=form.attempt)
            ):
                opened.close()
                await visit.changed()

        dialog_actions(visit, opened, t("Receive payment"), send)
