"""Customer records and the follow-ups of customer relations against the events."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.audit.audit_data import CUSTOMERS, JOBS, ORDERS, VEHICLES, AuditData, moment
from deploy.audit.crm_loyalty import (
    check_invitations,
    check_lapses,
    check_leads,
    check_tiers,
)
from deploy.audit.result import Check, Comparison, answer
from deploy.audit.topics import StreamEvent

Fields = dict[str, Any]


def check_crm(audit_data: AuditData) -> Iterator[Check]:
    """Compare registrations, visits, calls, messages, tiers, losses, leads, invitations."""
    yield answer("crm", _customers, audit_data)
    yield answer("crm", _vehicles, audit_data)
    yield answer("crm", _visits, audit_data)
    yield answer("crm", _calls_per_delivery, audit_data)
    yield answer("crm", _follow_ups, audit_data)
    yield answer("crm", _assignments, audit_data)
    yield answer("crm", _messages, audit_data)
    yield answer("crm", _surveys, audit_data)
    yield answer("crm", check_tiers, audit_data)
    yield answer("crm", check_lapses, audit_data)
    yield answer("crm", check_leads, audit_data)
    yield answer("crm", check_invitations, audit_data)


def _customers(audit_data: AuditData) -> Check:
    comparison = Comparison("registered customers are in customer records", "crm")
    expected = {
        f"{event.store_id} {event.key}": {"customer_ref": event.key}
        for event in audit_data.of_topic(CUSTOMERS)
        if event.name == "CustomerRegistered"
    }
    comparison.rows(
        "customer",
        expected,
        (
            (f"{row['store_id']} {row['customer_ref']}", row)
            for row in audit_data.tables.of("crm", "customer")
        ),
    )
    return comparison.check()


def _vehicles(audit_data: AuditData) -> Check:
    """Compare vehicles and their owners: of the first registration, then of the last change."""
    comparison = Comparison("registered vehicles have the owners of the events", "crm")
    expected = {
        f"{event.store_id} {event.data['vehicle_ref']}": {"customer_ref": event.key}
        for event in audit_data.of_topic(CUSTOMERS)
        if event.name == "CustomerRegistered" and event.data["vehicle_role"] == "owner"
    }
    for event in audit_data.of_topic(VEHICLES):
        if event.name == "OwnershipChanged":
            key = f"{event.store_id} {event.data['vehicle_ref']}"
            expected[key] = {"customer_ref": event.data["customer_ref"]}
    comparison.rows(
        "vehicle",
        expected,
        (
            (f"{row['store_id']} {row['vehicle_ref']}", row)
            for row in audit_data.tables.of("crm", "vehicle")
        ),
    )
    return comparison.check()


_LEARNT: Mapping[str, Mapping[str, str]] = {
    "OrderOpened": {"customer_ref": "customer_ref", "waiting": "waiting_customer"},
    "OrderCustomerLinked": {"customer_ref": "customer_ref"},
    "VehicleReady": {"ready_at": "ready_at"},
    "VehicleDelivered": {
        "customer_ref": "customer_ref",
        "delivered_at": "delivered_at",
        "ended_at": "delivered_at",
    },
    "OrderCancelled": {},
    "PromisedTimeRevised": {},
    "ReceivableOverdue": {},
    "InvoiceIssued": {},
    "CreditNoteIssued": {},
}
"""Fields of events that set columns of a visit: column by field."""


def _visits_told(audit_data: AuditData) -> dict[str, Fields]:
    """Return visits by order; of two events the later one counts, and a customer stays linked."""
    visits: dict[str, Fields] = {}
    for topic in (ORDERS, JOBS):
        for event in audit_data.applied_by("crm", topic):
            if event.name not in _LEARNT:
                continue
            visit = visits.setdefault(event.key, _UNTOLD | {"store_id": event.store_id})
            for column, name in _LEARNT[event.name].items():
                value = event.data.get(name)
                if value is not None:
                    visit[column] = moment(value) if column.endswith("_at") else value
            if event.name == "OrderCancelled":
                visit["ended_at"] = event.time
            visit["spent_cents"] += _spent_cents(event)
    return visits


def _spent_cents(event: StreamEvent) -> int:
    """Return what the customer pays of an invoice; a credit note takes a part of it back."""
    match event.name, event.data:
        case "InvoiceIssued", {"payer_splits": [_, *_] as payer_splits}:
            own = [split["amount_cents"] for split in payer_splits if split["payer"] == "customer"]
            return sum(own)
        case "InvoiceIssued", {"total_cents": cents}:
            return int(cents)
        case "CreditNoteIssued", {"lines": lines}:
            taken = [line["amount_cents"] for line in lines if line["pay_type"] == "customer"]
            return -int(sum(taken))
    return 0


_UNTOLD: Fields = {
    "customer_ref": None,
    "waiting": False,
    "ready_at": None,
    "delivered_at": None,
    "ended_at": None,
    "spent_cents": 0,
}


def _visits(audit_data: AuditData) -> Check:
    comparison = Comparison("each visit is as the events say", "crm")
    comparison.rows(
        "service_visit",
        _visits_told(audit_data),
        ((row["order_id"], row) for row in audit_data.tables.of("crm", "service_visit")),
    )
    return comparison.check()


def _messages(audit_data: AuditData) -> Check:
    """Compare messages: one for each reason to notify the customer, and an event for each sent."""
    comparison = Comparison("customers are told of each thing once", "crm")
    reasons = Counter(
        (event.key, _SUBJECTS[event.name])
        for topic in (ORDERS, JOBS)
        for event in audit_data.applied_by("crm", topic)
        if event.name in _SUBJECTS and event.data.get("payer", "customer") == "customer"
    )
    rows = audit_data.tables.of("crm", "message")
    found = Counter((row["order_id"], row["message_type"]) for row in rows)
    for (order_id, message_type), count in reasons.items():
        comparison.equal(
            f"order {order_id}", f"messages {message_type}", count, found[order_id, message_type]
        )
    told = {
        event.data["message_id"]: {
            "store_id": event.store_id,
            "customer_ref": event.key,
            "order_id": event.data["order_id"],
            "message_type": event.data["message_type"],
            "notified_at": moment(event.data["notified_at"]),
        }
        for event in audit_data.of_topic(CUSTOMERS)
        if event.name == "CustomerNotified"
    }
    comparison.rows(
        "message",
        told,
        ((row["message_id"], row) for row in rows if row["notified_at"] is not None),
    )
    return comparison.check()


_SUBJECTS = {
    "VehicleReady": "ready",
    "PromisedTimeRevised": "promise_changed",
    "ReceivableOverdue": "overdue_payment",
}


def _calls_per_delivery(audit_data: AuditData) -> Check:
    comparison = Comparison("each delivery has one follow-up", "crm")
    refusing = {
        row["customer_ref"]
        for row in audit_data.tables.of("crm", "customer")
        if "phone" in row["declined_channels"]
    }
    scheduled: dict[str, list[str]] = defaultdict(list)
    for event in audit_data.of_topic(CUSTOMERS):
        if event.name == "FollowUpScheduled" and event.data["reason"] == "delivery":
            scheduled[event.data["order_id"]].append(event.key)
    for order_id, visit in _visits_told(audit_data).items():
        if visit["delivered_at"] is None:
            continue
        customer_ref = visit["customer_ref"]
        expected = [] if customer_ref is None else [customer_ref]
        found = scheduled.pop(order_id, [])
        if found or customer_ref not in refusing:
            comparison.equal(f"order {order_id}", "customers to be called", expected, found)
    for order_id, customers in scheduled.items():
        comparison.differ(f"order {order_id}", "customers to be called", [], customers)
    return comparison.check()


def _assignments(audit_data: AuditData) -> Check:
    comparison = Comparison("customers have the agents of the events", "crm")
    agents = {
        f"{event.store_id} {event.key}": {
            "agent_id": event.data["agent_id"],
            "cause": event.data["cause"],
            "assigned_at": moment(event.data["assigned_at"]),
        }
        for event in audit_data.of_topic(CUSTOMERS)
        if event.name == "CustomerAssigned"
        and (event.store_id, event.key) not in audit_data.erased_customers
    }
    comparison.rows(
        "customer_assignment",
        agents,
        (
            (f"{row['store_id']} {row['customer_ref']}", row)
            for row in audit_data.tables.of("crm", "customer_assignment")
            if row["agent_id"] is not None
        ),
    )
    return comparison.check()


def _attempted(data: Mapping[str, Any]) -> Fields:
    """Return the fields after a call without an answer; the last one ends the follow-up."""
    if next_due_at := data.get("next_due_at"):
        return {"attempts": data["attempt"], "due_at": moment(next_due_at)}
    return {
        "attempts": data["attempt"],
        "completed_at": moment(data["attempted_at"]),
        "completed_by": data["agent_id"],
        "reached": False,
        "channel": data["channel"],
    }


def _follow_ups(audit_data: AuditData) -> Check:
    comparison = Comparison("follow-ups are as the events say", "crm")
    calls: dict[str, Fields] = defaultdict(dict)
    for event in audit_data.of_topic(CUSTOMERS):
        data = event.data
        if event.name == "FollowUpScheduled":
            calls[data["follow_up_id"]] = {
                "store_id": event.store_id,
                "customer_ref": event.key,
                "reason": data["reason"],
                "about": data["about"],
                "order_id": data.get("order_id"),
                "vehicle_ref": data.get("vehicle_ref"),
                "agent_id": data["agent_id"],
                "due_at": moment(data["due_at"]),
                "completed_at": None,
                "cancelled_at": None,
                "satisfaction": None,
                "attempts": 0,
            }
        elif event.name == "FollowUpRescheduled":
            calls[data["follow_up_id"]].update(
                agent_id=data["agent_id"], due_at=moment(data["due_at"])
            )
        elif event.name == "FollowUpCancelled":
            calls[data["follow_up_id"]].update(
                cancelled_at=moment(data["cancelled_at"]), cancel_cause=data["cause"]
            )
        elif event.name == "FollowUpAttempted":
            calls[data["follow_up_id"]].update(_attempted(data))
        elif event.name == "FollowUpCompleted":
            calls[data["follow_up_id"]].update(
                completed_at=moment(data["completed_at"]),
                completed_by=data["agent_id"],
                reached=data["reached"],
                satisfaction=data.get("satisfaction"),
                channel=data.get("channel", "phone"),
            )
    comparison.rows(
        "follow_up",
        calls,
        ((row["follow_up_id"], row) for row in audit_data.tables.of("crm", "follow_up")),
    )
    return comparison.check()


def _surveys(audit_data: AuditData) -> Check:
    comparison = Comparison("surveys are those sent, and answered as published", "crm")
    expected: dict[str, Fields] = defaultdict(dict)
    for event in audit_data.of_topic(CUSTOMERS):
        if event.name not in ("SurveySent", "SurveyAnswered"):
            continue
        data = event.data
        survey = expected[data["survey_id"]]
        survey.update(
            store_id=event.store_id,
            customer_ref=event.key,
            order_id=data["order_id"],
            version=data["questionnaire_version"],
            channel=data["channel"],
        )
        if event.name == "SurveyAnswered":
            survey.update(
                answered_at=moment(data["answered_at"]),
                answered_by=data["answered_by"],
                low_factors=data["low_factors"],
            )
    comparison.rows(
        "survey",
        expected,
        ((row["survey_id"], row) for row in audit_data.tables.of("crm", "survey")),
    )
    return comparison.check()
