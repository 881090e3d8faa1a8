"""Reporting's log, facts and daily reports against the events."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from deploy.cli.audit.day import Figure, figures_of_day
from deploy.cli.audit.evidence import (
    APPOINTMENTS,
    CONSUMES,
    CUSTOMERS,
    JOBS,
    ORDERS,
    RECEPTION_STORE,
    REPORTS,
    Evidence,
    moment,
)
from deploy.cli.audit.result import Check, Comparison
from deploy.cli.audit.topics import StreamEvent

Fields = dict[str, Any]
Facts = Mapping[str, Fields]

_LARGEST_ROUNDING = 1e-9


def check_reporting(evidence: Evidence) -> Iterator[Check]:
    """Everything that reporting keeps."""
    yield _event_log(evidence)
    yield _facts(evidence, "order_fact", "order_id", _order_facts(evidence))
    yield _facts(evidence, "payment_fact", "payment_id", _payment_facts(evidence))
    notes = _credit_note_facts(evidence)
    yield _facts(evidence, "credit_note_fact", "credit_note_id", notes)
    yield _facts(evidence, "job_fact", "job_id", _job_facts(evidence))
    yield _facts(evidence, "appointment_fact", "appointment_id", _appointment_facts(evidence))
    yield _facts(evidence, "follow_up_fact", "follow_up_id", _follow_up_facts(evidence))
    yield _facts(evidence, "feedback_fact", "order_id", _feedback_facts(evidence))
    yield _facts(evidence, "rectification", "rectification_id", _rectifications(evidence))
    yield _missing_checks(evidence)
    yield _reports_kept(evidence)
    yield _reports_due(evidence)
    yield _report_figures(evidence)


def _event_log(evidence: Evidence) -> Check:
    comparison = Comparison("each event is logged once", "reporting")
    expected = {
        event.id: {
            "store_id": event.store_id,
            "topic": event.place[0],
            "key": event.key,
            "sequence": event.sequence,
            "type": event.type,
            "time": event.time,
            "data": event.data,
        }
        for topic in CONSUMES["reporting"]
        for event in evidence.applied_by("reporting", topic)
    }
    comparison.rows(
        "event_log",
        expected,
        (
            (str(row["event_id"]), {**row, "data": orjson.loads(row["data"])})
            for row in evidence.tables.of("reporting", "event_log")
        ),
    )
    return comparison.check()


def _facts(evidence: Evidence, table: str, key: str, expected: Facts) -> Check:
    comparison = Comparison(f"{table} is the fold of the events", "reporting")
    comparison.rows(
        table, expected, ((row[key], row) for row in evidence.tables.of("reporting", table))
    )
    return comparison.check()


def _order_facts(evidence: Evidence) -> Facts:
    facts: dict[str, Fields] = defaultdict(dict)
    for event in evidence.applied_by("reporting", ORDERS):
        if changed := _order_fact(event):
            facts[event.key].update(changed, store_id=event.store_id)
    return facts


def _order_fact(event: StreamEvent) -> Fields:
    data = event.data
    match event.name:
        case "VehicleArrived":
            return {
                "arrived_at": moment(data["arrived_at"]),
                "greeting_due_at": moment(data["greeting_due_at"]),
                "appointment_id": data.get("appointment_id"),
            }
        case "CustomerGreeted":
            return {"greeted_at": moment(data["greeted_at"])}
        case "ReceptionOverdue":
            return {"overdue_at": event.time}
        case "OrderOpened":
            return {
                "opened_at": moment(data["opened_at"]),
                "first_promised_at": moment(data["promised_at"]),
                "estimate_cents": data["estimate_cents"],
            }
        case "PromiseRevised" | "AdditionalWorkAuthorized":
            return {"last_promised_at": moment(data["promised_at"])}
        case "VehicleDelivered":
            return {
                "delivered_at": moment(data["delivered_at"]),
                "delivery_steps": len(data["steps"]),
                "delivery_waivers": len(data["waivers"]),
            }
        case "InvoiceIssued":
            return {
                "issued_at": moment(data["issued_at"]),
                "invoiced_cents": data["total_cents"],
                "labor_cents": data["labor_cents"],
                "parts_cents": data["parts_cents"],
                "hours_sold": hours_sold(data["lines"]),
                "receivable_cents": sum(
                    share["amount_cents"]
                    for share in data["shares"]
                    if share["payer"] != "internal"
                ),
            }
    return {}


def hours_sold(lines: Sequence[Mapping[str, Any]]) -> Decimal:
    """Standard hours of an invoice's labor lines."""
    return sum(
        (Decimal(str(line["standard_hours"] or 0)) for line in lines if line["kind"] == "labor"),
        Decimal(0),
    )


def _payment_facts(evidence: Evidence) -> Facts:
    facts: dict[str, Fields] = {}
    for event in evidence.applied_by("reporting", ORDERS):
        data = event.data
        match event.name:
            case "PaymentReceived" | "DepositReceived":
                key, cents, at = data["payment_id"], data["amount_cents"], data["received_at"]
            case "RefundPaid":
                key, cents, at = data["refund_id"], -data["amount_cents"], data["paid_at"]
            case _:
                continue
        facts[key] = {
            "store_id": event.store_id,
            "order_id": event.key,
            "amount_cents": cents,
            "received_at": moment(at),
        }
    return facts


def _credit_note_facts(evidence: Evidence) -> Facts:
    return {
        event.data["credit_note_id"]: {
            "store_id": event.store_id,
            "order_id": event.key,
            "amount_cents": event.data["total_cents"],
            "issued_at": moment(event.data["issued_at"]),
        }
        for event in evidence.applied_by("reporting", ORDERS)
        if event.name == "CreditNoteIssued"
    }


def _job_facts(evidence: Evidence) -> Facts:
    facts: dict[str, Fields] = defaultdict(dict)
    for event in evidence.applied_by("reporting", JOBS):
        data = event.data
        match event.name:
            case "JobAssigned":
                changed: Fields = {"assigned_at": event.time}
            case "JobReassigned":
                known = facts[data["job_id"]].get("overridden_at")
                by_hand = None if data["by"] == "planner" else event.time
                changed = {"overridden_at": known or by_hand}
            case "JobFinished":
                finished_at = moment(data["finished_at"])
                changed = {"finished_at": finished_at, "clocked_s": data["clocked_s"]}
            case "JobClockCorrected" if data["finished_at"]:
                changed = {
                    "corrected_finished_at": moment(data["finished_at"]),
                    "corrected_clocked_s": data["clocked_s"],
                }
            case _:
                continue
        facts[data["job_id"]].update(changed, store_id=event.store_id, order_id=event.key)
    return facts


def _appointment_facts(evidence: Evidence) -> Facts:
    facts: dict[str, Fields] = defaultdict(dict)
    for event in evidence.applied_by("reporting", APPOINTMENTS):
        if event.name in ("AppointmentBooked", "AppointmentMoved"):
            facts[event.key].update(planned_at=moment(event.data["planned_at"]))
        elif event.name == "AppointmentMissed":
            facts[event.key].update(missed_at=event.time)
        elif event.name == "AppointmentCancelled":
            facts[event.key].update(cancelled_at=event.time)
    return facts


def _follow_up_facts(evidence: Evidence) -> Facts:
    facts: dict[str, Fields] = defaultdict(dict)
    for event in evidence.applied_by("reporting", CUSTOMERS):
        data = event.data
        if event.name == "FollowUpScheduled":
            facts[data["follow_up_id"]].update(order_id=data["order_id"], scheduled_at=event.time)
        elif event.name == "FollowUpCompleted":
            facts[data["follow_up_id"]].update(
                order_id=data["order_id"],
                completed_at=moment(data["completed_at"]),
                reached=data["reached"],
                satisfaction=data.get("satisfaction"),
            )
    return facts


def _feedback_facts(evidence: Evidence) -> Facts:
    return {
        event.key: {
            "store_id": event.store_id,
            "given_at": moment(event.data["given_at"]),
            **{name: event.data[name] for name in ("quality", "technique", "attitude")},
        }
        for event in evidence.applied_by("reporting", ORDERS)
        if event.name == "FeedbackGiven"
    }


def _rectifications(evidence: Evidence) -> Facts:
    facts: dict[str, Fields] = defaultdict(dict)
    for event in evidence.of_topic(REPORTS):
        data = event.data
        match event.name:
            case "RectificationOpened":
                changed: Fields = {
                    "store_id": event.store_id,
                    **{name: data[name] for name in ("source", "source_id", "owner_id")},
                    "order_id": data["order_id"],
                    "due_at": moment(data["due_at"]),
                    "opened_at": moment(data["opened_at"]),
                }
            case "RectificationClosed":
                changed = {
                    "closed_at": moment(data["closed_at"]),
                    "closed_by": data["closed_by"],
                    "result": data["result"],
                }
            case _:
                continue
        facts[data["rectification_id"]].update(changed)
    return facts


def _missing_checks(evidence: Evidence) -> Check:
    comparison = Comparison("each check that was missing is known once", "reporting")
    expected = {
        f"{event.store_id} {event.data['area']} {event.data['day']}": {
            "due_at": moment(event.data["due_at"])
        }
        for event in evidence.applied_by("reporting", RECEPTION_STORE)
        if event.name == "DailyCheckMissing"
    }
    comparison.rows(
        "missing_check_fact",
        expected,
        (
            (f"{row['store_id']} {row['area']} {row['day']}", row)
            for row in evidence.tables.of("reporting", "missing_check_fact")
        ),
    )
    return comparison.check()


def _reports_kept(evidence: Evidence) -> Check:
    comparison = Comparison("daily reports are kept as published", "reporting")
    published = {
        f"{event.store_id} {event.data['day']}": {"report": event.data}
        for event in _published_reports(evidence)
    }
    comparison.rows(
        "daily_report",
        published,
        (
            (f"{row['store_id']} {row['day']}", {"report": orjson.loads(row["report"])})
            for row in evidence.tables.of("reporting", "daily_report")
        ),
    )
    return comparison.check()


def _reports_due(evidence: Evidence) -> Check:
    """Each business day has one report, or a deadline that is still to come."""
    comparison = Comparison("each business day has its report", "reporting")
    published: dict[str, int] = defaultdict(int)
    for event in _published_reports(evidence):
        published[f"{event.store_id}/{event.data['day']}"] += 1
    awaited = {
        row["subject"]
        for row in evidence.tables.of("reporting", "timer")
        if row["kind"] == "closing"
    }
    for row in evidence.tables.of("reporting", "business_day"):
        day = f"{row['store_id']}/{row['day']}"
        expected = 0 if day in awaited else 1
        comparison.equal(day, "DailyReportPublished events", expected, published[day])
    return comparison.check()


def _report_figures(evidence: Evidence) -> Check:
    """Whatever a report states; an old one does not state figures that came later."""
    comparison = Comparison("report figures are the fold of the events", "reporting")
    by_store: dict[str, list[StreamEvent]] = defaultdict(list)
    for event in evidence.own_events:
        by_store[event.store_id].append(event)
    for report in _published_reports(evidence):
        figures = figures_of_day(
            by_store[report.store_id],
            report.data["day"],
            report.data["published_at"],
            evidence.zones[report.store_id],
        )
        for name, expected in figures.items():
            found = report.data.get(name, expected)
            if _rounding_only(expected, found):
                found = expected
            comparison.equal(f"{report.store_id} {report.data['day']}", name, expected, found)
    return comparison.check()


def _rounding_only(expected: Figure, found: Any) -> bool:
    """Whether two ratios or hours differ in their last binary digits only; counts never do."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return expected.keys() == found.keys() and all(
            _rounding_only(expected[name], found[name]) for name in expected
        )
    if not (isinstance(expected, float) and isinstance(found, int | float)):
        return False
    return abs(expected - found) <= _LARGEST_ROUNDING * max(1.0, abs(expected))


def _published_reports(evidence: Evidence) -> Iterable[StreamEvent]:
    return (event for event in evidence.of_topic(REPORTS) if event.name == "DailyReportPublished")
