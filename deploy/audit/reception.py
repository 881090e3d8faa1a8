"""Reception's appointments and repair orders against the events."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from deploy.audit.audit_data import (
    APPOINTMENTS,
    CAPACITY,
    JOBS,
    ORDERS,
    VOUCHERS,
    AuditData,
    moment,
)
from deploy.audit.result import Check, Comparison, answer
from deploy.audit.topics import StreamEvent

Fields = dict[str, Any]

_JSON_COLUMNS = {
    "visit": ("walkaround_damages",),
    "repair_order": ("symptoms", "labor_operations", "lines", "steps", "waivers"),
    "order_account": ("payer_splits",),
}
"""Tables that have the parts of each order, and their compared JSON columns."""
_VISIT = {
    "queue_number",
    "vehicle_ref",
    "appointment_id",
    "arrived_at",
    "greeting_due_at",
    "advisor_id",
    "greeted_at",
    "customer_ref",
    "odometer_km",
    "odometer_discrepancy_reason",
    "fuel_or_charge_percent",
    "walkaround_damages",
    "waiting_customer",
}
_ACCOUNT = {
    "deposit_cents",
    "invoice_id",
    "payer_splits",
    "invoiced_cents",
    "credited_cents",
    "received_cents",
}
_COPIED = {
    "AdvisorAssigned": ("advisor_id",),
    "OrderCustomerLinked": ("customer_ref", "vehicle_ref"),
    "PlateCorrected": ("vehicle_ref",),
}
"""Events that replace fields of the order, and the fields."""
_PAYERS = {
    "customer": "customer",
    "warranty": "manufacturer",
    "goodwill": "internal",
    "internal": "internal",
}
_OPENED = (
    "advisor_id",
    "customer_ref",
    "vehicle_ref",
    "odometer_km",
    "odometer_discrepancy_reason",
    "fuel_or_charge_percent",
    "walkaround_damages",
    "symptoms",
    "labor_operations",
    "lines",
    "estimate_cents",
    "hold_id",
)


def check_reception(audit_data: AuditData) -> Iterator[Check]:
    """Compare the rows of reception, and check that its amounts add up."""
    yield answer("reception", _orders, audit_data)
    yield answer("reception", _estimates, audit_data)
    yield answer("reception", _amounts, audit_data)
    yield answer("reception", _vouchers, audit_data)
    yield answer("reception", _appointments, audit_data)
    yield answer("reception", _capacity, audit_data)


def _orders(audit_data: AuditData) -> Check:
    comparison = Comparison("repair orders are as the events say", "reception")
    orders: dict[str, Fields] = {}
    added: dict[str, list[Any]] = defaultdict(list)
    for event in audit_data.of_topic(ORDERS):
        if event.name == "VehicleArrived":
            orders[event.key] = _arrived(event)
        elif event.key in orders:
            if event.name == "AdditionalWorkAuthorized":
                added[event.key] += event.data["lines"]
            elif event.name == "WorkWithdrawn":
                added[event.key] = _still_added(event, added[event.key])
            orders[event.key].update(_order_fields(event, orders[event.key], added[event.key]))
        else:
            comparison.differ(event.key, f"VehicleArrived before {event.name}", 1, 0)
    _add_work(audit_data, orders, comparison)
    for order_id in _fully_planned(audit_data, orders):
        orders[order_id]["promise_provisional"] = False
    for table, json_columns in _JSON_COLUMNS.items():
        comparison.rows(
            table,
            {order_id: _fields_of(table, order) for order_id, order in orders.items()},
            (
                (
                    row["order_id"],
                    {**row, **{name: orjson.loads(row[name]) for name in json_columns}},
                )
                for row in audit_data.tables.of("reception", table)
            ),
        )
    return comparison.check()


def _fields_of(table: str, order: Fields) -> Fields:
    """Return the fields of an order that its row in ``table`` has."""
    return {name: value for name, value in order.items() if _table_of(name) in (table, None)}


def _table_of(field: str) -> str | None:
    """Return the table that has a field of an order; None where all have it."""
    if field == "store_id":
        return None
    if field in _VISIT:
        return "visit"
    return "order_account" if field in _ACCOUNT else "repair_order"


def _still_added(event: StreamEvent, added: Sequence[Any]) -> list[Any]:
    """Return what remains of additional work after some work was withdrawn."""
    codes = {(line["kind"], line["code"]) for line in added}
    return [line for line in event.data["lines"] if (line["kind"], line["code"]) in codes]


def _add_work(audit_data: AuditData, orders: dict[str, Fields], comparison: Comparison) -> None:
    """Apply the workshop's work; a vehicle is ready once all authorized work is finished."""
    operation_of: dict[str, str] = {}
    finished: dict[str, Counter[str]] = defaultdict(Counter)
    for event in audit_data.applied_by("reception", JOBS):
        if event.key not in orders:
            comparison.differ(event.key, f"VehicleArrived before {event.name}", 1, 0)
            continue
        order, data = orders[event.key], event.data
        if event.name == "JobAssigned":
            operation_of[data["job_id"]] = data["op_code"]
        elif event.name == "JobFinished":
            finished[event.key][operation_of[data["job_id"]]] += 1
        elif event.name == "JobStarted" and order["status"] == "opened":
            order["status"] = "in_progress"
        elif event.name == "VehicleReady" and order.get("ready_at") is None:
            order.update(_ready(event, order, finished[event.key]))


def _ready(event: StreamEvent, order: Fields, finished: Counter[str]) -> Fields:
    ordered = Counter(each["op_code"] for each in order.get("labor_operations", ()))
    if ordered - finished:
        return {}
    ready = {"status": "ready"} if order["status"] in ("opened", "in_progress") else {}
    return {"ready_at": moment(event.data["ready_at"]), **ready}


def _fully_planned(audit_data: AuditData, orders: Mapping[str, Fields]) -> Iterator[str]:
    """Return the orders whose every operation has a planned job: their promise is confirmed."""
    jobs: dict[str, set[str]] = defaultdict(set)
    for event in audit_data.applied_by("reception", JOBS):
        if event.name == "JobAssigned":
            jobs[event.key].add(event.data["job_id"])
    for order_id, order in orders.items():
        if order.get("opened_at") and len(jobs[order_id]) >= len(order["labor_operations"]):
            yield order_id


def _arrived(event: StreamEvent) -> Fields:
    return {
        "status": "arrived",
        "store_id": event.store_id,
        "queue_number": event.data["queue_number"],
        "vehicle_ref": event.data["vehicle_ref"],
        "appointment_id": event.data.get("appointment_id"),
        "arrived_at": moment(event.data["arrived_at"]),
        "greeting_due_at": moment(event.data["greeting_due_at"]),
        "estimate_cents": 0,
        "deposit_cents": 0,
        "payer_splits": [],
        "invoiced_cents": 0,
        "credited_cents": 0,
        "received_cents": 0,
    }


def _opened(data: Mapping[str, Any]) -> Fields:
    return {
        "status": "opened",
        **{name: data.get(name) for name in _OPENED},
        "waiting_customer": data.get("waiting_customer", False),
        "promise_provisional": data.get("promise_provisional", False),
        "opened_at": moment(data["opened_at"]),
        "promised_at": moment(data["promised_at"]),
    }


def _order_fields(event: StreamEvent, order: Fields, added: Sequence[Any]) -> Fields:
    data = event.data
    if fields := _COPIED.get(event.name):
        return {field: data.get(field) for field in fields}
    match event.name:
        case "CustomerGreeted":
            greeted_at = moment(data["greeted_at"])
            return {"status": "greeted", "advisor_id": data["advisor_id"], "greeted_at": greeted_at}
        case "OrderOpened":
            return _opened(data)
        case "EstimateAuthorized" | "AdditionalWorkAuthorized" | "WorkWithdrawn":
            return _agreed(event, order, added)
        case "PromisedTimeRevised":
            return {"promised_at": moment(data["promised_at"])}
        case "OrderCancelled":
            return {"status": "cancelled"}
        case "VehicleDelivered":
            return _delivered(data, order)
    return _money_fields(event, order)


def _delivered(data: Mapping[str, Any], order: Fields) -> Fields:
    return {
        "delivered_at": moment(data["delivered_at"]),
        "steps": {step["step"]: step for step in data["steps"]},
        "waivers": {waiver["step"]: waiver for waiver in data["waivers"]},
        "status": _status_after_delivery(order["payer_splits"]),
    }


def _status_after_delivery(payer_splits: Sequence[Fields]) -> str:
    """Return the status after the delivery: closed when the customer owes nothing."""
    owed = (split for split in payer_splits if split["payer"] == "customer")
    paid = all(split["received_cents"] == split["amount_cents"] for split in owed)
    return "closed" if paid else "delivered"


def _agreed(event: StreamEvent, order: Fields, added: Sequence[Any]) -> Fields:
    """Return the agreed fields: the ordered work at its last prices, and the added work."""
    data = event.data
    if event.name == "WorkWithdrawn":
        return {name: data[name] for name in ("labor_operations", "lines", "estimate_cents")}
    if event.name == "EstimateAuthorized":
        lines = [*data["lines"], *added]
        return {"lines": lines, "estimate_cents": _sum(lines)}
    return {
        "lines": [*order["lines"], *data["lines"]],
        "labor_operations": [*order["labor_operations"], *data["labor_operations"]],
        "estimate_cents": order["estimate_cents"] + data["total_cents"],
        "promised_at": moment(data["promised_at"]),
        "promise_provisional": order["promise_provisional"]
        or bool(data["hold_id"] is None and data["labor_operations"]),
    }


_DEPOSIT_SIGNS = {"DepositReceived": 1, "DepositCarriedOver": -1, "DepositTakenOver": 1}


def _money_fields(event: StreamEvent, order: Fields) -> Fields:
    data = event.data
    match event.name:
        case "DepositReceived" | "DepositCarriedOver" | "DepositTakenOver":
            moved = _DEPOSIT_SIGNS[event.name] * data["amount_cents"]
            return {"deposit_cents": order["deposit_cents"] + moved}
        case "InvoiceIssued":
            payer_splits = [{**split, "received_cents": 0} for split in data["payer_splits"]]
            invoiced = {
                **order,
                "invoice_id": data["invoice_id"],
                "invoiced_cents": data["total_cents"],
                "credited_cents": 0,
                "deposit_cents": order["deposit_cents"] - data["deposit_cents"],
                "payer_splits": payer_splits,
            }
            return _received(invoiced, "customer", data["deposit_cents"])
        case "PaymentReceived":
            return _received(order, data["payer"], data["amount_cents"])
        case "CreditNoteIssued":
            return _credited(order, data["lines"])
        case "WarrantyClaimSettled":
            return {"payer_splits": _written_off(order["payer_splits"], data["written_off_cents"])}
        case "RefundIssued":
            left = {**order, "deposit_cents": order["deposit_cents"] - data["deposit_cents"]}
            return _received(left, "customer", data["deposit_cents"] - data["amount_cents"])
    return {}


def _written_off(payer_splits: Sequence[Fields], cents: int) -> list[Fields]:
    """Return the payer splits after the store took over ``cents`` of the manufacturer's."""
    if not cents:
        return list(payer_splits)
    by_payer = {split["payer"]: dict(split) for split in payer_splits}
    due_at = by_payer["manufacturer"]["due_at"]
    new = {"payer": "internal", "amount_cents": 0, "due_at": due_at, "received_cents": 0}
    by_payer.setdefault("internal", new)["amount_cents"] += cents
    by_payer["manufacturer"]["amount_cents"] -= cents
    return [by_payer[payer] for payer in sorted(by_payer)]


def _credited(order: Fields, lines: Sequence[Fields]) -> Fields:
    """Return the order after the lines' amounts were taken back from those who pay them."""
    cents = _by_payer(lines)
    payer_splits = [
        {**split, "amount_cents": split["amount_cents"] - cents[split["payer"]]}
        for split in order["payer_splits"]
    ]
    total = _sum(lines)
    return {
        "payer_splits": payer_splits,
        "invoiced_cents": order["invoiced_cents"] - total,
        "credited_cents": order["credited_cents"] + total,
        "status": _status_after_delivery(payer_splits)
        if order.get("delivered_at")
        else order["status"],
    }


def _by_payer(lines: Sequence[Fields]) -> Counter[str]:
    cents: Counter[str] = Counter()
    for line in lines:
        cents[_PAYERS[line["pay_type"]]] += line["amount_cents"]
    return cents


def _received(order: Fields, payer: str, cents: int) -> Fields:
    """Return the order after ``cents`` were counted against a payer's split."""
    payer_splits = [
        {**split, "received_cents": split["received_cents"] + cents}
        if split["payer"] == payer
        else split
        for split in order["payer_splits"]
    ]
    received = sum(split["received_cents"] for split in payer_splits)
    status = _status_after_delivery(payer_splits) if order.get("delivered_at") else order["status"]
    return {**order, "payer_splits": payer_splits, "received_cents": received, "status": status}


def _estimates(audit_data: AuditData) -> Check:
    """Require each version's status to follow from the customer's decision or a newer version."""
    comparison = Comparison("estimate versions are as the events say", "reception")
    orders: dict[str, dict[int, Fields]] = defaultdict(dict)
    for event in audit_data.of_topic(ORDERS):
        _fold_version(event, orders[event.key])
    versions = {
        f"{order_id} {number}": version
        for order_id, of_order in orders.items()
        for number, version in of_order.items()
    }
    comparison.rows(
        "estimate",
        versions,
        (
            (key, {**row, "lines": orjson.loads(row["lines"])})
            for row in audit_data.tables.of("reception", "estimate")
            if (key := f"{row['order_id']} {row['version']}") in versions
        ),
    )
    return comparison.check()


_OUTCOMES = {
    "EstimatePresented": "awaiting",
    "EstimateAuthorized": "authorized",
    "AdditionalWorkAuthorized": "authorized",
    "OrderOpened": "authorized",
    "EstimateDeclined": "declined",
    "AdditionalWorkDeclined": "declined",
}


def _fold_version(event: StreamEvent, versions: dict[int, Fields]) -> None:
    """Apply the event's version of the estimate of its order."""
    outcome, data = _OUTCOMES.get(event.name), event.data
    _close_versions(event, versions)
    matter, number = data.get("additional_work_id"), data.get("estimate_version")
    if outcome is None:
        return
    for known, version in versions.items():
        if version["additional_work_id"] == matter and version["status"] == "awaiting":
            version["status"] = outcome if number in (None, known) else "superseded"
    if number:
        new = {"additional_work_id": matter, "lines": data.get("lines", ())}
        versions.setdefault(number, new)["status"] = outcome


def _close_versions(event: StreamEvent, versions: dict[int, Fields]) -> None:
    """Close the versions that withdrawn work replaces, and those of a cancelled visit."""
    for replaced in event.data.get("replaced_versions", ()):
        versions[replaced]["status"] = "superseded"
    if event.name == "OrderCancelled":
        for version in versions.values():
            if version["status"] == "awaiting":
                version["status"] = "unanswered"


def _amounts(audit_data: AuditData) -> Check:
    """Require invoices to equal the sum of lines and of splits, and balances the remainder."""
    comparison = Comparison("amounts add up to the cent", "reception")
    left: dict[tuple[str, str], int] = defaultdict(int)
    for event in audit_data.of_topic(ORDERS):
        data, key = event.data, f"{event.name} of {event.key}"
        if event.name == "OrderOpened":
            comparison.equal(key, "estimate_cents", _sum(data["lines"]), data["estimate_cents"])
        elif event.name == "InvoiceIssued":
            _invoice_adds_up(comparison, key, data)
            for split in data["payer_splits"]:
                left[event.key, split["payer"]] += split["amount_cents"]
            left[event.key, "customer"] -= data["deposit_cents"]
        elif event.name == "PaymentReceived":
            left[event.key, data["payer"]] -= data["amount_cents"]
            remaining = left[event.key, data["payer"]]
            comparison.equal(key, "balance_cents", remaining, data["balance_cents"])
        elif event.name == "CreditNoteIssued":
            comparison.equal(key, "total_cents", _sum(data["lines"]), data["total_cents"])
            _take_back(left, event)
            remaining = left[event.key, "customer"]
            comparison.equal(key, "balance_cents", remaining, data["balance_cents"])
        elif event.name == "RefundIssued":
            left[event.key, "customer"] += data["amount_cents"] - data["deposit_cents"]
            remaining = left[event.key, "customer"]
            comparison.equal(key, "balance_cents", remaining, data["balance_cents"])
    return comparison.check()


def _take_back(left: dict[tuple[str, str], int], note: StreamEvent) -> None:
    for payer, cents in _by_payer(note.data["lines"]).items():
        left[note.key, payer] -= cents


def _invoice_adds_up(comparison: Comparison, key: str, data: Mapping[str, Any]) -> None:
    labor = _sum(line for line in data["lines"] if line["kind"] == "labor")
    parts = _sum(line for line in data["lines"] if line["kind"] == "part")
    comparison.equal(key, "labor_cents", labor, data["labor_cents"])
    comparison.equal(key, "parts_cents", parts, data["parts_cents"])
    comparison.equal(key, "total_cents", labor + parts, data["total_cents"])
    gross = sum(line["gross_cents"] for line in data["lines"])
    vouchers = sum(voucher["amount_cents"] for voucher in data["vouchers"])
    comparison.equal(key, "gross_cents", gross, data["gross_cents"])
    comparison.equal(key, "voucher_cents", vouchers, data["voucher_cents"])
    reduced = gross - data["discount_cents"] - vouchers
    comparison.equal(key, "gross less discount and vouchers", reduced, data["total_cents"])
    comparison.equal(key, "payer_splits", labor + parts, _sum(data["payer_splits"]))


def _sum(lines: Any) -> int:
    return sum(line["amount_cents"] for line in lines)


def _vouchers(audit_data: AuditData) -> Check:
    """Require each voucher to be redeemed as often as the events say.

    That is once or not at all, unless the order that had it reinstated it.
    """
    comparison = Comparison("vouchers are as the events say", "reception")
    vouchers: dict[str, Fields] = {}
    for event in audit_data.of_topic(VOUCHERS):
        data = event.data
        if event.name == "VoucherIssued":
            vouchers[event.key] = {
                "value_cents": data["value_cents"],
                "expires_at": moment(data["expires_at"]),
                "order_id": None,
                "redeemed_cents": 0,
            }
        elif event.name == "VoucherRedeemed":
            known = vouchers[event.key]
            comparison.equal(event.key, "redeemed before by", None, known["order_id"])
            known.update(order_id=data["order_id"], redeemed_cents=data["amount_cents"])
        elif event.name == "VoucherReinstated":
            known = vouchers[event.key]
            had = known["order_id"], known["redeemed_cents"]
            told = data["order_id"], data["amount_cents"]
            comparison.equal(event.key, "order and amount reinstated", had, told)
            expires_at = moment(data["expires_at"])
            known.update(order_id=None, redeemed_cents=0, expires_at=expires_at)
    found = audit_data.tables.of("reception", "voucher")
    comparison.rows("voucher", vouchers, ((row["voucher_id"], row) for row in found))
    return comparison.check()


def _appointments(audit_data: AuditData) -> Check:
    comparison = Comparison("appointments are as the events say", "reception")
    booked: dict[str, Fields] = defaultdict(dict)
    for event in audit_data.of_topic(APPOINTMENTS):
        booked[event.key].update(_appointment_fields(event))
    for event in audit_data.of_topic(ORDERS):
        if event.name == "VehicleArrived" and event.data.get("appointment_id"):
            booked[event.data["appointment_id"]]["status"] = "arrived"
    comparison.rows(
        "appointment",
        booked,
        (
            (
                row["appointment_id"],
                {**row, **{name: orjson.loads(row[name]) for name in ("op_codes", "parts")}},
            )
            for row in audit_data.tables.of("reception", "appointment")
        ),
    )
    return comparison.check()


def _appointment_fields(event: StreamEvent) -> Fields:
    data = event.data
    match event.name:
        case "AppointmentBooked":
            return {
                "status": "booked",
                "store_id": event.store_id,
                "reschedule_required": False,
                **{name: data.get(name) for name in ("op_codes", "customer_ref", "hold_id")},
                "parts": data.get("parts", []),
                **_planned(data),
            }
        case "AppointmentRescheduled":
            return {"hold_id": data["hold_id"], "reschedule_required": False, **_planned(data)}
        case "AppointmentConfirmed":
            return {"hold_id": data["hold_id"], "promised_at": moment(data["promised_at"])}
        case "AppointmentRescheduleRequired":
            return {"reschedule_required": True}
        case "AppointmentNoShow":
            return {"status": "no_show"}
    return {"status": "cancelled"} if event.name == "AppointmentCancelled" else {}


def _planned(data: Mapping[str, Any]) -> Fields:
    promised = data.get("promised_at")
    return {
        "appointment_at": moment(data["appointment_at"]),
        "promised_at": moment(promised) if promised else None,
    }


def _capacity(audit_data: AuditData) -> Check:
    comparison = Comparison("the workshop's last free time is known", "reception")
    last = {
        event.store_id: {"free": event.data["free"]}
        for event in audit_data.applied_by("reception", CAPACITY)
    }
    comparison.rows(
        "store_capacity",
        last,
        (
            (row["store_id"], {"free": orjson.loads(row["free"])})
            for row in audit_data.tables.of("reception", "store_capacity")
        ),
    )
    return comparison.check()
