"""The figures of a store's day, computed once more from its events alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from deploy.cli.audit.topics import StreamEvent

ZONE = ZoneInfo("Asia/Shanghai")
"""The one time zone of China, by which every store's day begins."""


def figures_of_day(
    events: Iterable[StreamEvent], day: str, published_at: str
) -> Mapping[str, int | float | None]:
    """The figures of a daily report, from the store's events before it was published.

    Counts are integers, money integer cents, hours and ratios floats; a ratio without a
    denominator is ``None``.
    """
    begin = datetime.fromisoformat(day).replace(tzinfo=ZONE)
    until = min(begin + timedelta(days=1), datetime.fromisoformat(published_at))
    known: dict[str, list[StreamEvent]] = {}
    for event in events:
        if event.time is not None and event.time < until:
            known.setdefault(event.name, []).append(event)
    return _figures(_Day(known, begin, until))


class _Day:
    """Events known at the end of a span of time, by their name."""

    def __init__(
        self, known: Mapping[str, Sequence[StreamEvent]], begin: datetime, until: datetime
    ) -> None:
        self.begin = begin
        self.until = until
        self._known = known

    def all(self, name: str) -> Sequence[StreamEvent]:
        return self._known.get(name, ())

    def within(self, name: str, field: str) -> list[StreamEvent]:
        """Events whose own time ``field`` lies in the span."""
        return [
            event for event in self.all(name) if self.begin <= at(event.data[field]) < self.until
        ]

    def published(self, name: str) -> list[StreamEvent]:
        """Events that were published in the span."""
        return [event for event in self.all(name) if event.time and self.begin <= event.time]

    def by_order(self, name: str, field: str) -> dict[str, datetime]:
        """The last time that events of a name give each order."""
        return {event.data["order_id"]: at(event.data[field]) for event in self.all(name)}

    def last_promises(self) -> dict[str, datetime]:
        """What each order was promised last, other than at its opening."""
        told = [*self.all("PromiseRevised"), *self.all("AdditionalWorkAuthorized")]
        told.sort(key=lambda event: event.sequence)
        return {event.data["order_id"]: at(event.data["promised_at"]) for event in told}


def _figures(day: _Day) -> Mapping[str, int | float | None]:
    return {
        **_reception(day),
        **_delivery(day),
        **_money(day),
        **_estimates(day),
        **_collection(day),
        **_workshop(day),
        "follow_ups_scheduled": len(day.published("FollowUpScheduled")),
        **_improvement(day),
    }


def _improvement(day: _Day) -> dict[str, int | float | None]:
    """What customers thought, what is being put right, and what nobody looked at."""
    marks = [
        event.data[name]
        for event in day.within("FeedbackGiven", "given_at")
        for name in ("quality", "technique", "attitude")
    ]
    closed = {
        event.data["rectification_id"]
        for event in day.all("RectificationClosed")
        if at(event.data["closed_at"]) < day.until
    }
    late = [
        event
        for event in day.all("RectificationOpened")
        if at(event.data["due_at"]) < day.until and event.data["rectification_id"] not in closed
    ]
    return {
        "feedback": sum(marks) / len(marks) if marks else None,
        "rectifications_opened": len(day.within("RectificationOpened", "opened_at")),
        "rectifications_overdue": len(late),
        "checks_missing": len(day.within("DailyCheckMissing", "due_at")),
    }


def _reception(day: _Day) -> dict[str, int | float | None]:
    arrived = day.within("VehicleArrived", "arrived_at")
    opened = day.by_order("OrderOpened", "opened_at")
    greeted = day.by_order("CustomerGreeted", "greeted_at")
    overdue = {event.data["order_id"] for event in day.all("ReceptionOverdue")}
    waits = [
        (greeted[event.key] - at(event.data["arrived_at"])).total_seconds()
        for event in arrived
        if event.key in greeted
    ]
    late = [
        greeted[event.key] > at(event.data["greeting_due_at"])
        if event.key in greeted
        else event.key in overdue
        for event in arrived
    ]
    return {
        "arrived": len(arrived),
        "orders": sum(event.key in opened for event in arrived),
        "greet_wait_median_s": _quantile(waits, 0.5),
        "greet_wait_p90_s": _quantile(waits, 0.9),
        "greeted_late": sum(late),
        "appointment": _share(arrived, lambda event: bool(event.data.get("appointment_id"))),
        "show": _show(day),
    }


def _show(day: _Day) -> float | None:
    """Of the appointments that were last planned for the day: came ÷ came or missed."""
    planned = {
        event.data["appointment_id"]: at(event.data["planned_at"])
        for event in sorted(
            [*day.all("AppointmentBooked"), *day.all("AppointmentMoved")],
            key=lambda event: event.sequence,
        )
    }
    due = {each for each, moment in planned.items() if day.begin <= moment < day.until}
    came = {event.data.get("appointment_id") for event in day.all("VehicleArrived")} & due
    missed = {event.data["appointment_id"] for event in day.all("AppointmentMissed")} & due
    return len(came) / len(came | missed) if came | missed else None


def _delivery(day: _Day) -> dict[str, int | float | None]:
    delivered = day.within("VehicleDelivered", "delivered_at")
    arrived = day.by_order("VehicleArrived", "arrived_at")
    first = day.by_order("OrderOpened", "promised_at")
    last = first | day.last_promises()
    return {
        "delivered": len(delivered),
        "on_time_first": _share(delivered, lambda event: _kept(event, first)),
        "on_time_last": _share(delivered, lambda event: _kept(event, last)),
        "same_day": _share(delivered, lambda event: arrived[event.key] >= day.begin),
        "delivery_complete": _share(delivered, _is_complete),
    }


def _is_complete(event: StreamEvent) -> bool:
    return len(event.data["steps"]) > 0 and not event.data.get("waivers")


def _kept(event: StreamEvent, promises: Mapping[str, datetime]) -> bool:
    return at(event.data["delivered_at"]) <= promises[event.key]


def _money(day: _Day) -> dict[str, int | float | None]:
    invoices = [event.data for event in day.within("InvoiceIssued", "issued_at")]
    payments = [
        event.data
        for name in ("PaymentReceived", "DepositReceived")
        for event in day.within(name, "received_at")
    ]
    refunds = [event.data for event in day.within("RefundPaid", "paid_at")]
    return {
        "settled": len(invoices),
        "invoiced_cents": sum(invoice["total_cents"] for invoice in invoices),
        "labor_cents": sum(invoice["labor_cents"] for invoice in invoices),
        "parts_cents": sum(invoice["parts_cents"] for invoice in invoices),
        "received_cents": sum(payment["amount_cents"] for payment in payments),
        "refunded_cents": sum(refund["amount_cents"] for refund in refunds),
        "credited_cents": sum(
            event.data["total_cents"] for event in day.within("CreditNoteIssued", "issued_at")
        ),
        "standard_hours_sold": _hours(invoices),
    }


def _estimates(day: _Day) -> dict[str, float | None]:
    """How near the bills came to the estimates that orders were opened with."""
    estimated = {event.key: event.data["estimate_cents"] for event in day.all("OrderOpened")}
    off = [
        (abs(event.data["total_cents"] - estimated[event.key]), estimated[event.key])
        for event in day.within("InvoiceIssued", "issued_at")
        if estimated.get(event.key)
    ]
    return {
        "estimate_accuracy": _mean([1 - wrong / whole for wrong, whole in off]),
        "estimate_within_tenth": _mean([float(10 * wrong <= whole) for wrong, whole in off]),
    }


def _collection(day: _Day) -> dict[str, float | None]:
    """What was received so far of the day's bills, of what the store does not pay itself."""
    bills = day.within("InvoiceIssued", "issued_at")
    billed = {event.key for event in bills}
    due = sum(
        share["amount_cents"]
        for event in bills
        for share in event.data["shares"]
        if share["payer"] != "internal"
    )
    due -= sum(
        event.data["total_cents"] for event in day.all("CreditNoteIssued") if event.key in billed
    )
    signs = {"PaymentReceived": 1, "DepositReceived": 1, "RefundPaid": -1}
    got = sum(
        sign * event.data["amount_cents"]
        for name, sign in signs.items()
        for event in day.all(name)
        if event.key in billed
    )
    return {"collected": got / due if due else None}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _hours(invoices: Iterable[Mapping[str, Any]]) -> float:
    """Standard hours of all labor lines; tenths of an hour are added as integers."""
    milli = sum(
        round(1000 * (line["standard_hours"] or 0))
        for invoice in invoices
        for line in invoice["lines"]
        if line["kind"] == "labor"
    )
    return milli / 1000


def _workshop(day: _Day) -> dict[str, int | float | None]:
    clocks = {
        event.data["job_id"]: event
        for name in ("JobFinished", "JobClockCorrected")
        for event in day.all(name)
        if event.data["finished_at"]
    }
    finished = [
        event for event in clocks.values() if day.begin <= at(event.data["finished_at"]) < day.until
    ]
    assigned = day.published("JobAssigned")
    by_hand = {
        event.data["job_id"] for event in day.all("JobReassigned") if event.data["by"] != "planner"
    }
    clocked = sum(event.data["clocked_s"] for event in finished) / 3600
    sold = _hours(event.data for event in day.within("InvoiceIssued", "issued_at"))
    return {
        "clocked_hours": clocked,
        "efficiency": sold / clocked if clocked else None,
        "override": _share(assigned, lambda event: event.data["job_id"] in by_hand),
    }


def at(text: str) -> datetime:
    """A time as events write it."""
    return datetime.fromisoformat(text)


def _share(events: Sequence[StreamEvent], counts: Callable[[StreamEvent], bool]) -> float | None:
    return sum(map(counts, events)) / len(events) if events else None


def _quantile(values: Iterable[float], share: float) -> float | None:
    """The quantile with linear interpolation between the two nearest values."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
