"""The archive and the follow-ups of customer relations against the events."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from deploy.cli.audit.evidence import CUSTOMERS, ORDERS, Evidence, moment
from deploy.cli.audit.result import Check, Comparison

Fields = dict[str, Any]


def check_crm(evidence: Evidence) -> Iterator[Check]:
    """Registrations, deliveries and calls."""
    yield _customers(evidence)
    yield _vehicles(evidence)
    yield _deliveries(evidence)
    yield _calls_per_delivery(evidence)
    yield _follow_ups(evidence)


def _customers(evidence: Evidence) -> Check:
    comparison = Comparison("registered customers are in the archive", "crm")
    expected = {
        f"{event.store_id} {event.key}": {"customer_ref": event.key}
        for event in evidence.of_topic(CUSTOMERS)
        if event.name == "CustomerRegistered"
    }
    comparison.rows(
        "customer",
        expected,
        (
            (f"{row['store_id']} {row['customer_ref']}", row)
            for row in evidence.tables.of("crm", "customer")
        ),
    )
    return comparison.check()


def _vehicles(evidence: Evidence) -> Check:
    comparison = Comparison("registered vehicles are in the archive", "crm")
    expected = {
        f"{event.store_id} {event.data['vehicle_ref']}": {"customer_ref": event.key}
        for event in evidence.of_topic(CUSTOMERS)
        if event.name == "CustomerRegistered"
    }
    comparison.rows(
        "vehicle",
        expected,
        (
            (f"{row['store_id']} {row['vehicle_ref']}", row)
            for row in evidence.tables.of("crm", "vehicle")
        ),
    )
    return comparison.check()


def _delivered(evidence: Evidence) -> dict[str, Fields]:
    """Deliveries by order, with their customer as far as it is known."""
    deliveries: dict[str, Fields] = {}
    for event in evidence.applied_by("crm", ORDERS):
        if event.name == "VehicleDelivered":
            deliveries[event.key] = {
                "store_id": event.store_id,
                "customer_ref": event.data["customer_ref"],
                "delivered_at": moment(event.data["delivered_at"]),
            }
        elif event.name == "OrderCustomerLinked" and event.key in deliveries:
            deliveries[event.key]["customer_ref"] = event.data["customer_ref"]
    return deliveries


def _deliveries(evidence: Evidence) -> Check:
    comparison = Comparison("each delivery is known once", "crm")
    comparison.rows(
        "delivery",
        _delivered(evidence),
        ((row["order_id"], row) for row in evidence.tables.of("crm", "delivery")),
    )
    return comparison.check()


def _calls_per_delivery(evidence: Evidence) -> Check:
    comparison = Comparison("each delivery has one follow-up", "crm")
    scheduled: dict[str, list[str]] = defaultdict(list)
    for event in evidence.of_topic(CUSTOMERS):
        if event.name == "FollowUpScheduled":
            scheduled[event.data["order_id"]].append(event.key)
    for order_id, delivery in _delivered(evidence).items():
        customer_ref = delivery["customer_ref"]
        expected = [] if customer_ref is None else [customer_ref]
        found = scheduled.pop(order_id, [])
        comparison.equal(f"order {order_id}", "customers to be called", expected, found)
    for order_id, customers in scheduled.items():
        comparison.differ(f"order {order_id}", "customers to be called", [], customers)
    return comparison.check()


def _follow_ups(evidence: Evidence) -> Check:
    comparison = Comparison("follow-ups are as the events say", "crm")
    calls: dict[str, Fields] = defaultdict(dict)
    for event in evidence.of_topic(CUSTOMERS):
        data = event.data
        if event.name == "FollowUpScheduled":
            calls[data["follow_up_id"]] = {
                "store_id": event.store_id,
                "customer_ref": event.key,
                "order_id": data["order_id"],
                "agent_id": data["agent_id"],
                "due_at": moment(data["due_at"]),
                "completed_at": None,
            }
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
        ((row["follow_up_id"], row) for row in evidence.tables.of("crm", "follow_up")),
    )
    return comparison.check()
