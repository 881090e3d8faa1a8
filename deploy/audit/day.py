"""KPIs of a store's day, computed a second time from its events alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from deploy.audit.topics import StreamEvent

KpiValue = int | float | Mapping[str, float] | None

_COMEBACK_TERM = timedelta(days=31)
"""Time after which thirty whole days have passed since any moment of a day."""
_FORTNIGHT = timedelta(days=14)
"""Time within which a complaint should be closed."""
_AGES = {"0-6": 7, "7-14": 15, "15-29": 30, "30-89": 90}
"""Ages of invoices in days, and the end of each."""
_SIGNS = {"PaymentReceived": 1, "DepositReceived": 1, "RefundIssued": -1}
"""Movements of money, with their signs."""


_TOTALS: Mapping[str, Mapping[str, str]] = {
    "arrived": {"VehicleArrived": ""},
    "orders": {"OrderOpened": ""},
    "greeted_late": {"GreetingOverdue": ""},
    "delivered": {"VehicleDelivered": ""},
    "settled": {"InvoiceIssued": ""},
    "invoiced_cents": {"InvoiceIssued": "total_cents"},
    "labor_cents": {"InvoiceIssued": "labor_cents"},
    "parts_cents": {"InvoiceIssued": "parts_cents"},
    "credited_cents": {"CreditNoteIssued": "total_cents"},
    "received_cents": {"PaymentReceived": "amount_cents", "DepositReceived": "amount_cents"},
    "refunded_cents": {"RefundIssued": "amount_cents"},
    "claims_submitted": {"WarrantyClaimSubmitted": ""},
    "claims_settled": {"WarrantyClaimSettled": ""},
    "customers_notified": {"CustomerNotified": ""},
    "follow_ups_scheduled": {"FollowUpScheduled": ""},
    "complaints_opened": {"ComplaintOpened": ""},
    "corrective_actions_opened": {"CorrectiveActionOpened": ""},
    "facility_checks_overdue": {"FacilityCheckOverdue": ""},
}
"""KPIs that add up over days: the events that each counts, or whose amount it sums."""


def totals_between(events: Iterable[StreamEvent], begin: str, until: str) -> Mapping[str, int]:
    """Return counts and integer cents of events published from ``begin`` until before ``until``."""
    totals = dict.fromkeys(_TOTALS, 0)
    within = [
        event
        for event in events
        if event.time and at(begin) <= event.time < at(until) and _is_counted(event)
    ]
    for kpi, fields in _TOTALS.items():
        for event in within:
            if event.name in fields:
                field = fields[event.name]
                totals[kpi] += event.data[field] if field else 1
    return totals


def kpis_of_day(
    events: Iterable[StreamEvent], report: Mapping[str, Any], zone: ZoneInfo
) -> Mapping[str, KpiValue]:
    """Return the KPIs of a daily report, from the store's events before the end of its span.

    Counts are integers, money integer cents, hours and ratios floats; a ratio without a
    denominator is ``None``. A vehicle's day of arrival and of delivery is by ``zone``.
    """
    begin, until = at(report["covers_from"]), at(report["covers_until"])
    known: dict[str, list[StreamEvent]] = {}
    for event in events:
        if event.time is not None and event.time < until:
            known.setdefault(event.name, []).append(event)
    return _kpis(_Day(known, begin, until, zone))


class _Day:
    """Events known at the end of a span of time, by their name."""

    def __init__(
        self,
        known: Mapping[str, Sequence[StreamEvent]],
        begin: datetime,
        until: datetime,
        zone: ZoneInfo,
    ) -> None:
        self.begin = begin
        self.until = until
        self.zone = zone
        self._known = known

    def all(self, name: str) -> Sequence[StreamEvent]:
        return self._known.get(name, ())

    def within(self, name: str, field: str) -> list[StreamEvent]:
        """Return events whose own time ``field`` lies in the span."""
        return [
            event for event in self.all(name) if self.begin <= at(event.data[field]) < self.until
        ]

    def published(self, name: str) -> list[StreamEvent]:
        """Return events that were published in the span."""
        return [event for event in self.all(name) if event.time and self.begin <= event.time]

    def by_order(self, name: str, field: str) -> dict[str, datetime]:
        """Return for each order the last time that events of a name give it."""
        return {event.data["order_id"]: at(event.data[field]) for event in self.all(name)}

    def date(self, moment: datetime) -> date:
        """Return the store's calendar day of a moment."""
        return moment.astimezone(self.zone).date()

    def last_promises(self) -> dict[str, datetime]:
        """Return the last promise of each order after its opening."""
        told = [*self.all("PromisedTimeRevised"), *self.all("AdditionalWorkAuthorized")]
        told.sort(key=lambda event: event.sequence)
        return {event.data["order_id"]: at(event.data["promised_at"]) for event in told}


def _kpis(day: _Day) -> Mapping[str, KpiValue]:
    return {
        **_reception(day),
        **_delivery(day),
        **_money(day),
        **_estimates(day),
        **_collection(day),
        "collection_rate_by_age": _collected_by_age(day),
        **_workshop(day),
        **_quality(day),
        "promise_calibration": _calibration(day),
        **_claims(day),
        "follow_ups_scheduled": sum(map(_is_counted, day.published("FollowUpScheduled"))),
        "customers_notified": len(day.published("CustomerNotified")),
        **_complaints(day),
        **_improvement(day),
        **_feedback(day),
        "csi": _mean([csi(event.data) for event in day.within("SurveyAnswered", "answered_at")]),
    }


def _is_counted(event: StreamEvent) -> bool:
    """Return whether a KPI counts the event: of follow-ups, those after a delivery alone."""
    return event.name != "FollowUpScheduled" or event.data["reason"] == "delivery"


def csi(answered: Mapping[str, Any]) -> float:
    """Return the CSI of a SurveyAnswered: weight times mean of each factor, on 1,000."""
    total = Fraction(0)
    for factor in answered["factors"]:
        scores = [each["score"] for each in factor["scores"]]
        total += Fraction(factor["weight_bp"], 10_000) * Fraction(sum(scores), len(scores))
    return float(total * 100)


def _complaints(day: _Day) -> dict[str, int | float | None]:
    """Return the number of complaints, and the share that was closed within two weeks."""
    opened, settled = day.published("ComplaintOpened"), day.within("InvoiceIssued", "issued_at")
    ends: dict[str, list[StreamEvent]] = defaultdict(list)
    for event in [*day.all("ComplaintClosed"), *day.all("ComplaintReopened")]:
        ends[event.data["complaint_id"]].append(event)
    fortnight_ago = [
        event
        for event in day.all("ComplaintOpened")
        if event.time and day.begin <= event.time + _FORTNIGHT < day.until
    ]
    return {
        "complaints_opened": len(opened),
        "complaint_rate": len(opened) / len(settled) if settled else None,
        "complaints_closed_14d_rate": _share(
            fortnight_ago, lambda event: _was_closed(event, ends[event.data["complaint_id"]])
        ),
    }


def _was_closed(opened: StreamEvent, ends: Sequence[StreamEvent]) -> bool:
    """Return whether a complaint was closed two weeks after it was opened."""
    in_time = [
        event
        for event in ends
        if event.time and opened.time and event.time < opened.time + _FORTNIGHT
    ]
    last = max(in_time, key=lambda event: event.sequence, default=None)
    return last is not None and last.name == "ComplaintClosed"


def _improvement(day: _Day) -> dict[str, int | float | None]:
    """Return the KPIs of corrective actions and of facility checks."""
    closed = {
        event.data["corrective_action_id"]
        for event in day.all("CorrectiveActionClosed")
        if at(event.data["closed_at"]) < day.until
    }
    late = [
        event
        for event in day.all("CorrectiveActionOpened")
        if at(event.data["due_at"]) < day.until and event.data["corrective_action_id"] not in closed
    ]
    missing = day.published("FacilityCheckOverdue")
    done = {event.data["area"] for event in day.published("FacilityCheckCompleted")}
    due = done | {event.data["area"] for event in missing}
    return {
        "corrective_actions_opened": len(day.within("CorrectiveActionOpened", "opened_at")),
        "corrective_actions_overdue": len(late),
        "facility_checks_overdue": len(missing),
        "facility_check_rate": len(done) / len(due) if due else None,
    }


def _feedback(day: _Day) -> dict[str, float | None]:
    """Return the KPIs of customer feedback, by topic and in total."""
    given = day.within("FeedbackSubmitted", "submitted_at")
    marks = {
        name: [event.data[name] for event in given]
        for name in ("work_quality", "technical_skill", "service_attitude")
    }
    means = {f"feedback_{name}": _mean(of_name) for name, of_name in marks.items()}
    return {"feedback": _mean([mark for each in marks.values() for mark in each]), **means}


def _claims(day: _Day) -> dict[str, int]:
    late = {
        event.data["claim_id"]
        for event in day.published("WarrantyClaimOverdue")
        if event.data["days_overdue"] >= 0
    }
    return {
        "claims_submitted": len(day.published("WarrantyClaimSubmitted")),
        "claims_settled": len(day.published("WarrantyClaimSettled")),
        "claims_overdue": len(late),
    }


def _reception(day: _Day) -> dict[str, int | float | None]:
    arrived = day.within("VehicleArrived", "arrived_at")
    greeted = day.by_order("CustomerGreeted", "greeted_at")
    waits = [
        (greeted[event.key] - at(event.data["arrived_at"])).total_seconds()
        for event in arrived
        if event.key in greeted
    ]
    booked = sum(bool(event.data.get("appointment_id")) for event in arrived)
    due = booked + len(day.published("AppointmentNoShow"))
    return {
        "arrived": len(arrived),
        "orders": len(day.within("OrderOpened", "opened_at")),
        "greet_wait_median_s": _quantile(waits, 0.5),
        "greet_wait_p90_s": _quantile(waits, 0.9),
        "greeted_late": len(day.published("GreetingOverdue")),
        "appointment_rate": booked / len(arrived) if arrived else None,
        "show_rate": booked / due if due else None,
    }


def _delivery(day: _Day) -> dict[str, int | float | None]:
    delivered = day.within("VehicleDelivered", "delivered_at")
    arrived = day.by_order("VehicleArrived", "arrived_at")
    first = day.by_order("OrderOpened", "promised_at")
    last = first | day.last_promises()
    return {
        "delivered": len(delivered),
        "on_time_rate_initial": _share(delivered, lambda event: _kept(event, first)),
        "on_time_rate_final": _share(delivered, lambda event: _kept(event, last)),
        "same_day_rate": _share(
            delivered,
            lambda event: day.date(arrived[event.key]) == day.date(at(event.data["delivered_at"])),
        ),
        "complete_delivery_rate": _share(delivered, _is_complete),
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
    refunds = [event.data for event in day.within("RefundIssued", "paid_at")]
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
        **_per_unit(invoices),
    }


def _per_unit(invoices: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return the labor amount per hour sold, and hours and amount per invoice."""
    labor = sum(invoice["labor_cents"] for invoice in invoices)
    hours, settled = _hours(invoices), len(invoices)
    return {
        "effective_labor_rate": labor / hours if hours else None,
        "hours_per_ro": hours / settled if settled else None,
        "revenue_per_ro": _mean([invoice["total_cents"] for invoice in invoices]),
    }


def _estimates(day: _Day) -> dict[str, float | None]:
    """Return how close the invoices came to the estimates at the opening of their orders."""
    estimated = {event.key: event.data["estimate_cents"] for event in day.all("OrderOpened")}
    off = [
        (abs(event.data["total_cents"] - estimated[event.key]), estimated[event.key])
        for event in day.within("InvoiceIssued", "issued_at")
        if estimated.get(event.key)
    ]
    return {
        "estimate_accuracy": _mean([1 - wrong / whole for wrong, whole in off]),
        "estimate_within_tenth_rate": _mean([float(10 * wrong <= whole) for wrong, whole in off]),
    }


def credited_receivable(note: Mapping[str, Any]) -> int:
    """Return the cents by which a credit note reduces what payers but the store owe."""
    return sum(
        line["amount_cents"]
        for line in note["lines"]
        if line["pay_type"] not in ("goodwill", "internal")
    )


def _collection(day: _Day) -> dict[str, float | None]:
    """Return the received share of the day's invoices, without what the store pays itself."""
    invoices = day.within("InvoiceIssued", "issued_at")
    invoiced = {event.key for event in invoices}
    due = sum(
        split["amount_cents"]
        for event in invoices
        for split in event.data["payer_splits"]
        if split["payer"] != "internal"
    )
    of_invoices = {event.data["invoice_id"] for event in invoices}
    due -= sum(
        credited_receivable(event.data)
        for event in day.all("CreditNoteIssued")
        if event.data["invoice_id"] in of_invoices
    )
    got = sum(
        sign * event.data["amount_cents"]
        for name, sign in _SIGNS.items()
        for event in day.all(name)
        if event.key in invoiced
    )
    return {"collection_rate": got / due if due else None}


def _collected_by_age(day: _Day) -> Mapping[str, float] | None:
    """Return the received share of the last 90 days' invoices, by age.

    The age is in days since the order was invoiced.
    """
    due: dict[str, int] = defaultdict(int)
    got: dict[str, int] = defaultdict(int)
    invoices = {
        event.data["invoice_id"]: event
        for event in day.all("InvoiceIssued")
        if day.until - at(event.data["issued_at"]) < timedelta(days=90)
    }
    ages = {
        event.key: next(age for age, end in _AGES.items() if days < end)
        for event in sorted(invoices.values(), key=lambda event: at(event.data["issued_at"]))
        for days in [(day.until - at(event.data["issued_at"])) // timedelta(days=1)]
    }
    for event in invoices.values():
        due[ages[event.key]] += sum(
            split["amount_cents"]
            for split in event.data["payer_splits"]
            if split["payer"] != "internal"
        )
    for event in day.all("CreditNoteIssued"):
        if event.data["invoice_id"] in invoices:
            due[ages[event.key]] -= credited_receivable(event.data)
    for name, sign in _SIGNS.items():
        for event in day.all(name):
            if event.key in ages:
                got[ages[event.key]] += sign * event.data["amount_cents"]
    return {age: got[age] / cents for age, cents in due.items() if cents > 0} or None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _hours(invoices: Iterable[Mapping[str, Any]]) -> float:
    """Return the standard hours of all labor lines; tenths of an hour are added as integers."""
    milli = sum(
        round(1000 * (line["standard_hours"] or 0))
        for invoice in invoices
        for line in invoice["lines"]
        if line["kind"] == "labor"
    )
    return milli / 1000


def worked_s(data: Mapping[str, Any]) -> int:
    """Return the time that all technicians together have clocked on a job, by its event."""
    return sum(credit["clocked_s"] for credit in data.get("credits") or [data])


def _workshop(day: _Day) -> dict[str, int | float | None]:
    clocks = {
        event.data["job_id"]: (at(ended_at), worked_s(event.data))
        for name in ("JobFinished", "JobStopped", "JobTimeCorrected")
        for event in day.all(name)
        if (ended_at := event.data.get("finished_at") or event.data.get("stopped_at"))
    }
    assigned = day.published("JobAssigned")
    overridden = {
        event.data["job_id"] for event in day.all("JobReassigned") if event.data["by"] != "planner"
    }
    ended = (seconds for end, seconds in clocks.values() if day.begin <= end < day.until)
    clocked = sum(ended) / 3600
    sold = _hours(event.data for event in day.within("InvoiceIssued", "issued_at"))
    attended = _attended_hours(day)
    return {
        "clocked_hours": clocked,
        "attended_hours": attended,
        "utilization": clocked / attended if attended else None,
        "overall_efficiency": sold / attended if attended else None,
        "efficiency": sold / clocked if clocked else None,
        "dispatch_override_rate": _share(
            assigned, lambda event: event.data["job_id"] in overridden
        ),
    }


def _attended_hours(day: _Day) -> float:
    """Return the hours of technicians' working days that ended in the span, as known last."""
    last = {
        (event.data["person_id"], event.data["business_date"]): event.data
        for event in sorted(day.all("AttendanceRecorded"), key=lambda event: event.sequence)
    }
    attended_s: int = sum(
        data["attended_s"]
        for data in last.values()
        if "technician" in data["posts"]
        and data["ended_at"]
        and day.begin <= at(data["ended_at"]) < day.until
    )
    return attended_s / 3600


def _quality(day: _Day) -> dict[str, float | None]:
    """Return the KPIs of concern descriptions and of repairs."""
    described = {event.key: set(event.data["symptoms"]) for event in day.all("OrderOpened")}
    found: dict[str, set[str]] = defaultdict(set)
    for event in day.published("DiagnosisRecorded"):
        found[event.key] |= set(event.data["symptoms"])
    hits = [
        float(symptoms <= described[order_id])
        for order_id, symptoms in found.items()
        if order_id in described
    ]
    failed = len(day.published("QualityInspectionFailed"))
    inspected = failed + len(day.published("QualityInspectionPassed"))
    links = day.all("ComebackLinked")
    entered = {event.key for event in day.within("OrderOpened", "opened_at")}
    back = entered & {event.key for event in links}
    ready = {
        event.key
        for event in day.all("VehicleReady")
        if event.time and day.begin - _COMEBACK_TERM <= event.time < day.until - _COMEBACK_TERM
    }
    repeated = ready & {event.data["earlier_order_id"] for event in links}
    return {
        "concern_match_rate": _mean(hits),
        "internal_rework_rate": failed / inspected if inspected else None,
        "comeback_rate": len(back) / len(entered) if entered else None,
        "first_time_fix_rate": 1 - len(repeated) / len(ready) if ready else None,
    }


def _calibration(day: _Day) -> Mapping[str, float] | None:
    """Return the share of ready vehicles that kept their first promise, by its confidence."""
    opened = {event.key: event.data for event in day.all("OrderOpened")}
    kept: dict[str, list[float]] = defaultdict(list)
    for event in day.published("VehicleReady"):
        promise = opened.get(event.key)
        if promise and not promise.get("promise_provisional"):
            in_time = at(event.data["ready_at"]) <= at(promise["promised_at"])
            kept[str(promise["promise_confidence"])].append(in_time)
    return {confidence: sum(each) / len(each) for confidence, each in kept.items()} or None


def at(text: str) -> datetime:
    """Return a time as events write it."""
    return datetime.fromisoformat(text)


def _share(events: Sequence[StreamEvent], counts: Callable[[StreamEvent], bool]) -> float | None:
    return sum(map(counts, events)) / len(events) if events else None


def _quantile(values: Iterable[float], share: float) -> float | None:
    """Return the quantile with linear interpolation between the two nearest values."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
