"""The head of an order: its stage, its promise and what endangers it."""

from datetime import datetime, timedelta

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.components.elements import badge, box, button, dialog, facts, mark, panel, text
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.components.live import EverySecond
from services.desk.pages.order.file import AT_WORK, File
from services.desk.pages.orders import STAGE_TONES
from services.desk.pages.reception import cancel_dialog, t_number
from services.desk.reasons import sentence
from services.desk.visit import Visit

MAY_CHANGE = ("advisor", "manager")

_WAY = ("arrived", "greeted", "opened", "in_work", "ready", "delivered", "settled")
_CANCELLABLE = ("arrived", "greeted", "opened")
_REVISIONS = (
    "overrun",
    "part_late",
    "technician_absent",
    "queue",
    "additional_work",
    "customer_request",
    "other",
)
_HOUR_S = 3600
_RATHER_BROKEN = 0.5
_STEP = timedelta(minutes=5)


def summary(visit: Visit, catalogue: Catalogue, file: File, every_second: EverySecond) -> None:
    """Who it is, how far the order has come, and when the vehicle is promised."""
    t, order, zone = visit.t, file.order, visit.store.timezone
    with panel(classes="summary-panel"):
        with box("order-head"):
            text(t_number(order["queue_number"]), "queue-number")
            with box("card-names"):
                if plate := file.names.plates.get(order["plate_ref"]):
                    text(plate, "plate")
                if name := file.names.customers.get(order["customer_ref"] or ""):
                    text(name, "card-note")
            badge(t.code("stage", file.stage), STAGE_TONES[file.stage])
            if order["waiting_customer"]:
                badge(t("Customer waits"), "calm")
            box("spacer")
            _promise(visit, file, every_second)
        _steps_of_the_way(visit, file)
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
        _prospect(visit, catalogue, file)
        _actions(visit, file)


def _kilometres(value: int | None) -> str:
    return formats.NOTHING if value is None else f"{value:,} km"


def _promise(visit: Visit, file: File, every_second: EverySecond) -> None:
    order = file.order
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


def _steps_of_the_way(visit: Visit, file: File) -> None:
    if file.stage == "cancelled":
        return
    reached = _WAY.index(file.stage)
    with box("way"):
        for place, stage in enumerate(_WAY):
            state = "done" if place < reached else "here" if place == reached else "ahead"
            with box(f"way-step {state}"):
                box("way-dot")
                text(visit.t.code("stage", stage), "way-name")


def _prospect(visit: Visit, catalogue: Catalogue, file: File) -> None:
    """What the promise hangs on, how likely it is kept, and the best new one (承诺风险)."""
    t, risk = visit.t, file.risk
    if file.order["promise_provisional"]:
        badge(t("Provisional: not planned by the workshop yet"), "warn")
    if file.stage not in AT_WORK or risk is None:
        return

    def job_name(job_id: str) -> str:
        operation_id = file.operation_of(job_id)
        return catalogue.operation(operation_id) if operation_id else t("another job")

    raised, broken = risk["raised_at"], risk["probability"] < _RATHER_BROKEN
    tone = "bad" if broken else "warn" if raised else "calm"
    with mark("prospect", box(f"prospect tone-{tone}")):
        text(f"{risk['probability']:.0%}", "prospect-share")
        with box("prospect-text"):
            text(t("Probability that the promise is kept"), "prospect-name")
            cause = sentence(visit, "risk", risk["cause"], risk["detail"], job_name)
            text(t("It hangs on: {cause}", cause=cause))
        with box("prospect-best"):
            text(t("Best new promise"), "prospect-name")
            best = risk["best_promise_at"]
            text(formats.day_and_clock(best, visit.store.timezone, visit.now()), "prospect-time")


def _actions(visit: Visit, file: File) -> None:
    t, order = visit.t, file.order
    if not visit.person.has(MAY_CHANGE) or file.stage not in (*_CANCELLABLE, *AT_WORK):
        return
    with box("card-actions"):
        if file.stage in AT_WORK:
            button(t("Change the promise …"), lambda: _revise(visit, file), name="revise-promise")
        if file.stage in _CANCELLABLE:
            button(
                t("End the visit without work"),
                lambda: cancel_dialog(visit, order["order_id"]),
                name="cancel-order",
            )


def _revise(visit: Visit, file: File) -> None:
    """Tell the customer another time (承诺变更); the workshop's best one is offered first."""
    t, zone = visit.t, visit.store.timezone
    with dialog(t("Change the promise")) as opened:
        form = Form(visit)
        offered = _offered(file, visit.now())
        promised_at = form.field(
            "promised_at",
            ui.input(t("New promise"), value=f"{offered.astimezone(zone):%Y-%m-%dT%H:%M}"),
        ).props("type=datetime-local")
        reason = form.field(
            "reason", ui.select(choices(t, "reason", _REVISIONS), label=t("Reason"))
        )
        text(t("The customer is told the new time by message."), "hint")

        async def send() -> None:
            if form.require("promised_at", "reason"):
                moment = datetime.fromisoformat(promised_at.value or "").replace(tzinfo=zone)
                body = {"promised_at": moment.isoformat(), "reason": reason.value}
                path = f"/orders/{file.order_id}/promise-revision"
                await submit(form, opened, "reception", path, body)

        dialog_actions(visit, opened, t("Change the promise"), send)


def _offered(file: File, now: datetime) -> datetime:
    """The workshop's best promise, else the present one, rounded up to five minutes."""
    best = file.risk["best_promise_at"] if file.risk else file.order["promised_at"]
    moment = max(datetime.fromisoformat(best), now)
    return moment + (datetime.min.replace(tzinfo=moment.tzinfo) - moment) % _STEP
