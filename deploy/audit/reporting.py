"""Reporting's log, facts and daily reports against the events."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from deploy.audit.audit_data import (
    CONSUMES,
    CUSTOMERS,
    JOBS,
    ORDERS,
    REPORTS,
    STATES,
    VEHICLES,
    WORK,
    AuditData,
    moment,
)
from deploy.audit.day import (
    KpiValue,
    at,
    credited_receivable,
    csi,
    kpis_of_day,
    totals_between,
    worked_s,
)
from deploy.audit.result import Check, Comparison, answer
from deploy.audit.tables import Row
from deploy.audit.topics import StreamEvent

Fields = dict[str, Any]
Facts = Mapping[str, Fields]

_LARGEST_ROUNDING = 1e-9


def check_reporting(audit_data: AuditData) -> Iterator[Check]:
    """Compare all tables of reporting."""
    yield answer("reporting", _event_log, audit_data)
    yield answer("reporting", _facts, audit_data, "order_fact", "order_id", _order_facts)
    yield answer("reporting", _facts, audit_data, "invoice_fact", "invoice_id", _invoice_facts)
    yield answer("reporting", _facts, audit_data, "payment_fact", "payment_id", _payment_facts)
    yield answer(
        "reporting", _facts, audit_data, "credit_note_fact", "credit_note_id", _credit_note_facts
    )
    yield answer("reporting", _facts, audit_data, "job_fact", "job_id", _job_facts)
    yield answer(
        "reporting", _facts, audit_data, "follow_up_fact", "follow_up_id", _follow_up_facts
    )
    yield answer("reporting", _facts, audit_data, "feedback_fact", "order_id", _feedback_facts)
    yield answer("reporting", _facts, audit_data, "survey_fact", "survey_id", _survey_facts)
    yield answer(
        "reporting",
        _facts,
        audit_data,
        "corrective_action_fact",
        "corrective_action_id",
        _corrective_action_facts,
    )
    yield answer("reporting", _attendance_facts, audit_data)
    yield answer("reporting", _owner_facts, audit_data)
    yield answer("reporting", _vehicle_facts, audit_data)
    yield answer("reporting", _reports_kept, audit_data)
    yield answer("reporting", _reports_due, audit_data)
    yield answer("reporting", _report_figures, audit_data)
    yield answer("reporting", _report_totals, audit_data)


def _event_log(audit_data: AuditData) -> Check:
    comparison = Comparison("each event is logged once", "reporting")
    expected = {
        event.id: {
            "store_id": event.store_id,
            "topic": event.address[0],
            "key": event.key,
            "sequence": event.sequence,
            "type": event.type,
            "time": event.time,
            "data": event.data,
        }
        for topic in CONSUMES["reporting"] - STATES
        for event in audit_data.applied_by("reporting", topic)
    }
    comparison.rows(
        "event_log",
        expected,
        (
            (str(row["event_id"]), {**row, "data": orjson.loads(row["data"])})
            for row in audit_data.tables.of("reporting", "event_log")
        ),
    )
    return comparison.check()


def _facts(
    audit_data: AuditData, table: str, key: str, expected: Callable[[AuditData], Facts]
) -> Check:
    comparison = Comparison(f"{table} is the fold of the events", "reporting")
    comparison.rows(
        table,
        expected(audit_data),
        ((row[key], _read(row)) for row in audit_data.tables.of("reporting", table)),
    )
    return comparison.check()


def _read(row: Row) -> Row:
    """Return the row with the parts of an invoice as they were written."""
    return {**row, "parts": orjson.loads(row["parts"])} if "parts" in row else row


def _order_facts(audit_data: AuditData) -> Facts:
    facts: dict[str, Fields] = defaultdict(dict)
    for event in audit_data.applied_by("reporting", ORDERS):
        if changed := _order_fact(event):
            facts[event.key].update(changed, store_id=event.store_id)
    return facts


def _order_fact(event: StreamEvent) -> Fields:
    data = event.data
    match event.name:
        case "VehicleArrived":
            return {
                "arrived_at": moment(data["arrived_at"]),
                "appointment_id": data.get("appointment_id"),
            }
        case "CustomerGreeted":
            return {"greeted_at": moment(data["greeted_at"])}
        case "OrderOpened":
            return {
                "first_promised_at": moment(data["promised_at"]),
                "estimate_cents": data["estimate_cents"],
                "vehicle_ref": data["vehicle_ref"],
            }
        case "PromisedTimeRevised" | "AdditionalWorkAuthorized":
            return {"last_promised_at": moment(data["promised_at"])}
        case "VehicleDelivered":
            return {
                "delivered_at": moment(data["delivered_at"]),
                "delivery_steps": len(data["steps"]),
                "delivery_waivers": len(data["waivers"]),
            }
    return {}


def hours_sold(lines: Sequence[Mapping[str, Any]]) -> Decimal:
    """Return the standard hours of an invoice's labor lines."""
    return sum(
        (Decimal(str(line["standard_hours"] or 0)) for line in lines if line["kind"] == "labor"),
        Decimal(0),
    )


def _invoice_facts(audit_data: AuditData) -> Facts:
    return {
        event.data["invoice_id"]: {
            "store_id": event.store_id,
            "order_id": event.key,
            "issued_at": moment(event.data["issued_at"]),
            "invoiced_cents": event.data["total_cents"],
            "labor_cents": event.data["labor_cents"],
            "parts_cents": event.data["parts_cents"],
            "hours_sold": hours_sold(event.data["lines"]),
            "receivable_cents": sum(
                split["amount_cents"]
                for split in event.data["payer_splits"]
                if split["payer"] != "internal"
            ),
            "tax_rate_bp": event.data["tax_rate_bp"],
            "parts": _parts(event.data["lines"]),
        }
        for event in audit_data.applied_by("reporting", ORDERS)
        if event.name == "InvoiceIssued"
    }


def _parts(lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return quantity and amount of each part of an invoice."""
    parts: dict[str, dict[str, int]] = defaultdict(lambda: {"quantity": 0, "amount_cents": 0})
    for line in lines:
        if line["kind"] == "part":
            parts[line["code"]]["quantity"] += line["quantity"]
            parts[line["code"]]["amount_cents"] += line["amount_cents"]
    return parts


def _payment_facts(audit_data: AuditData) -> Facts:
    facts: dict[str, Fields] = {}
    for event in audit_data.applied_by("reporting", ORDERS):
        data = event.data
        match event.name:
            case "PaymentReceived" | "DepositReceived":
                key, cents, at = data["payment_id"], data["amount_cents"], data["received_at"]
            case "RefundIssued":
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


def _credit_note_facts(audit_data: AuditData) -> Facts:
    return {
        event.data["credit_note_id"]: {
            "store_id": event.store_id,
            "invoice_id": event.data["invoice_id"],
            "amount_cents": event.data["total_cents"],
            "receivable_cents": credited_receivable(event.data),
            "issued_at": moment(event.data["issued_at"]),
        }
        for event in audit_data.applied_by("reporting", ORDERS)
        if event.name == "CreditNoteIssued"
    }


def _job_facts(audit_data: AuditData) -> Facts:
    facts: dict[str, Fields] = defaultdict(dict)
    for event in audit_data.applied_by("reporting", JOBS):
        data = event.data
        match event.name:
            case "JobAssigned":
                changed: Fields = {"assigned_at": event.time}
            case "JobReassigned":
                known = facts[data["job_id"]].get("overridden_at")
                overridden = None if data["by"] == "planner" else event.time
                changed = {"overridden_at": known or overridden}
            case "JobFinished" | "JobStopped":
                finished_at = moment(data.get("finished_at") or data["stopped_at"])
                changed = {"finished_at": finished_at, "clocked_s": worked_s(data)}
            case "JobTimeCorrected" if data["finished_at"]:
                changed = {
                    "corrected_finished_at": moment(data["finished_at"]),
                    "corrected_clocked_s": worked_s(data),
                }
            case _:
                continue
        facts[data["job_id"]].update(changed, store_id=event.store_id, order_id=event.key)
    return facts


def _follow_up_facts(audit_data: AuditData) -> Facts:
    facts: dict[str, Fields] = defaultdict(dict)
    for event in audit_data.applied_by("reporting", CUSTOMERS):
        data = event.data
        if event.name == "FollowUpScheduled":
            facts[data["follow_up_id"]].update(
                reason=data["reason"], order_id=data["order_id"], scheduled_at=event.time
            )
        elif event.name == "FollowUpCompleted":
            facts[data["follow_up_id"]].update(
                reason=data["reason"],
                order_id=data["order_id"],
                completed_at=moment(data["completed_at"]),
                reached=data["reached"],
                satisfaction=data.get("satisfaction"),
            )
    return facts


def _feedback_facts(audit_data: AuditData) -> Facts:
    return {
        event.key: {
            "store_id": event.store_id,
            "submitted_at": moment(event.data["submitted_at"]),
            **{
                name: event.data[name]
                for name in ("work_quality", "technical_skill", "service_attitude")
            },
        }
        for event in audit_data.applied_by("reporting", ORDERS)
        if event.name == "FeedbackSubmitted"
    }


def _survey_facts(audit_data: AuditData) -> Facts:
    return {
        event.data["survey_id"]: {
            "store_id": event.store_id,
            "answered_at": moment(event.data["answered_at"]),
            "csi": csi(event.data),
        }
        for event in audit_data.applied_by("reporting", CUSTOMERS)
        if event.name == "SurveyAnswered"
    }


def _corrective_action_facts(audit_data: AuditData) -> Facts:
    facts: dict[str, Fields] = defaultdict(dict)
    for event in audit_data.applied_by("reporting", WORK):
        data = event.data
        match event.name:
            case "CorrectiveActionOpened":
                changed: Fields = {
                    "opened_at": moment(data["opened_at"]),
                    "due_at": moment(data["due_at"]),
                }
            case "CorrectiveActionClosed":
                changed = {"closed_at": moment(data["closed_at"])}
            case _:
                continue
        facts[data["corrective_action_id"]].update(changed, store_id=event.store_id)
    return facts


def _attendance_facts(audit_data: AuditData) -> Check:
    comparison = Comparison("attendance_fact is the newest event of a working day", "reporting")
    newest: Facts = {
        f"{event.store_id} {event.data['person_id']} {event.data['business_date']}": {
            "is_technician": "technician" in event.data["posts"],
            "attended_s": event.data["attended_s"],
            "ended_at": moment(event.data["ended_at"]),
            "sequence": event.sequence,
        }
        for event in audit_data.applied_by("reporting", WORK)
        if event.name == "AttendanceRecorded"
    }
    comparison.rows(
        "attendance_fact",
        newest,
        (
            (f"{row['store_id']} {row['person_id']} {row['business_date']}", row)
            for row in audit_data.tables.of("reporting", "attendance_fact")
        ),
    )
    return comparison.check()


def _owner_facts(audit_data: AuditData) -> Check:
    """Compare owners with when they were first registered as such, or bought the vehicle."""
    comparison = Comparison("owner_fact is the fold of the events", "reporting")
    expected: dict[str, Fields] = {}

    def note(event: StreamEvent, column: str, time: str) -> None:
        key = f"{event.store_id} {event.data['customer_ref']} {event.data['vehicle_ref']}"
        fact = expected.setdefault(key, {"registered_at": None, "bought_at": None})
        at = datetime.fromisoformat(event.data[time])
        fact[column] = min(fact[column] or at, at)

    for event in audit_data.applied_by("reporting", CUSTOMERS):
        if event.name == "CustomerRegistered" and event.data["vehicle_role"] == "owner":
            note(event, "registered_at", "registered_at")
    for event in audit_data.applied_by("reporting", VEHICLES):
        if event.name == "OwnershipChanged":
            note(event, "bought_at", "changed_at")
    comparison.rows(
        "owner_fact",
        expected,
        (
            (f"{row['store_id']} {row['customer_ref']} {row['vehicle_ref']}", row)
            for row in audit_data.tables.of("reporting", "owner_fact")
        ),
    )
    return comparison.check()


def _vehicle_facts(audit_data: AuditData) -> Check:
    comparison = Comparison("vehicle_fact is the newest event of a vehicle", "reporting")
    expected: dict[str, Fields] = {}
    for event in audit_data.applied_by("reporting", VEHICLES):
        if event.name == "FirstRegistrationRecorded":
            key = f"{event.store_id} {event.data['vehicle_ref']}"
            fact = {
                "first_registered_month": event.data["first_registered_month"],
                "sequence": event.sequence,
            }
            expected[key] = max(expected.get(key, fact), fact, key=lambda each: each["sequence"])
    comparison.rows(
        "vehicle_fact",
        expected,
        (
            (f"{row['store_id']} {row['vehicle_ref']}", row)
            for row in audit_data.tables.of("reporting", "vehicle_fact")
        ),
    )
    return comparison.check()


def _reports_kept(audit_data: AuditData) -> Check:
    comparison = Comparison("daily reports are kept as published", "reporting")
    published = {
        f"{event.store_id} {event.data['day']} {event.data['revision']}": {"report": event.data}
        for event in _published_reports(audit_data)
    }
    comparison.rows(
        "daily_report",
        published,
        (
            (f"{row['store_id']} {row['day']} {row['revision']}", {"report": report})
            for row, report in _kept_reports(audit_data)
        ),
    )
    return comparison.check()


def _reports_due(audit_data: AuditData) -> Check:
    """Require each event in the last revision of one report, unless its closing is to come."""
    comparison = Comparison("each event is in one daily report", "reporting")
    spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for report in _last_revisions(audit_data):
        span = at(report["covers_from"]), at(report["covers_until"])
        spans[report["store_id"]].append(span)
    awaited: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in audit_data.tables.of("reporting", "timer"):
        if row["kind"] == "closing":
            due_at = row["due_at"].astimezone(audit_data.zones[row["store_id"]])
            awaited[row["store_id"]].append((due_at - timedelta(days=1), due_at))
    for event, time in _reported_events(audit_data):
        found, to_come = (
            sum(begin <= time < until for begin, until in each[event.store_id])
            for each in (spans, awaited)
        )
        expected = 0 if to_come and not found else 1
        comparison.equal(f"{event.store_id} {event.id}", "daily reports", expected, found)
    return comparison.check()


def _report_figures(audit_data: AuditData) -> Check:
    """Compare the KPIs of each report in its last revision."""
    comparison = Comparison("report KPIs are the fold of the events", "reporting")
    by_store: dict[str, list[StreamEvent]] = defaultdict(list)
    for event in audit_data.readable:
        by_store[event.store_id].append(event)
    last: dict[tuple[str, str], StreamEvent] = {}
    for report in _published_reports(audit_data):
        last[report.store_id, report.data["day"]] = report
    for (store_id, day), report in last.items():
        kpis = kpis_of_day(by_store[store_id], report.data, audit_data.zones[store_id])
        for name, expected in kpis.items():
            found = report.data.get(name, expected)
            if _rounding_only(expected, found):
                found = expected
            comparison.equal(f"{store_id} {day}", name, expected, found)
    return comparison.check()


def _report_totals(audit_data: AuditData) -> Check:
    """Require a month's reports to add up to its invoices, credit notes, payments and counts."""
    comparison = Comparison("daily reports add up to each month's events", "reporting")
    months: dict[tuple[str, str], list[Fields]] = defaultdict(list)
    for report in _last_revisions(audit_data):
        months[report["store_id"], report["day"][:7]].append(report)
    events: dict[str, list[StreamEvent]] = defaultdict(list)
    for event, _ in _reported_events(audit_data):
        events[event.store_id].append(event)
    for (store_id, month), reports in months.items():
        begin = min(report["covers_from"] for report in reports)
        until = max(report["covers_until"] for report in reports)
        for name, expected in totals_between(events[store_id], begin, until).items():
            found = sum(report[name] for report in reports)
            comparison.equal(f"{store_id} {month}", f"{name} of daily reports", expected, found)
    return comparison.check()


def _reported_events(audit_data: AuditData) -> Iterator[tuple[StreamEvent, datetime]]:
    """Return the events that reporting had to fold, and when they happened.

    These are all but its own reports.
    """
    for topic in CONSUMES["reporting"] - STATES:
        for event in audit_data.applied_by("reporting", topic):
            if event.time and event.name != "DailyReportPublished":
                yield event, event.time


def _kept_reports(audit_data: AuditData) -> Iterator[tuple[Row, Fields]]:
    for row in audit_data.tables.of("reporting", "daily_report"):
        yield row, orjson.loads(row["report"])


def _last_revisions(audit_data: AuditData) -> Iterable[Fields]:
    """Return the reports that reporting answers with, one for each store and day."""
    kept = sorted(_kept_reports(audit_data), key=lambda each: each[0]["revision"])
    return {(row["store_id"], row["day"]): report for row, report in kept}.values()


def _rounding_only(expected: KpiValue, found: Any) -> bool:
    """Return whether two ratios or hours differ in their last binary digits only.

    Counts never do.
    """
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return expected.keys() == found.keys() and all(
            _rounding_only(expected[name], found[name]) for name in expected
        )
    if not (isinstance(expected, float) and isinstance(found, int | float)):
        return False
    return abs(expected - found) <= _LARGEST_ROUNDING * max(1.0, abs(expected))


def _published_reports(audit_data: AuditData) -> Iterable[StreamEvent]:
    return (event for event in audit_data.of_topic(REPORTS) if event.name == "DailyReportPublished")
