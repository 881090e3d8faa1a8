"""Facts (事实表) folded from events: one row an order, invoice, payment, job, follow-up and
corrective action.

Each event type has one statement that sets its own columns for a whole batch. It may run before
or after those of other types, so any order of topics and any cut into batches gives the same rows.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, TypeVar

from shared.contracts import Event
from shared.contracts.crm import (
    CustomerMerged,
    CustomerRegistered,
    CustomerUnmerged,
    FirstRegistrationRecorded,
    FollowUpCompleted,
    FollowUpScheduled,
    LoyaltyChanged,
    OwnershipChanged,
    PolicyRecorded,
    SurveyAnswered,
)
from shared.contracts.management import (
    CSI_OF_BEST,
    HIGHEST_SCORE,
    WEIGHT_OF_ALL_BP,
    AttendanceRecorded,
    CorrectiveActionClosed,
    CorrectiveActionOpened,
)
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    CreditNoteIssued,
    CustomerGreeted,
    DepositReceived,
    EstimateLine,
    FeedbackSubmitted,
    InvoiceIssued,
    OrderCustomerLinked,
    OrderOpened,
    PaymentReceived,
    PromisedTimeRevised,
    RefundIssued,
    VehicleArrived,
    VehicleDelivered,
)
from shared.contracts.workshop import (
    JobAssigned,
    JobFinished,
    JobReassigned,
    JobStopped,
    JobTimeCorrected,
)
from shared.db import Connection
from shared.envelope import Envelope, ReceivedEvent

E = TypeVar("E", bound=Event)

TECHNICIAN = "technician"
"""Post of the persons whose attended time is the base of utilization."""

_BP_PER_THOUSANDTH = WEIGHT_OF_ALL_BP * HIGHEST_SCORE // CSI_OF_BEST

PLANNER = "planner"
"""Value of ``by`` in a JobReassigned that no person decided."""


@dataclass(frozen=True)
class Fact(Generic[E]):
    """Statement of one event type for the facts, and the row that an event gives it."""

    event: type[E]
    statement: str
    row: Callable[[E, Envelope], tuple[Any, ...]]


async def record(connection: Connection, batch: Sequence[ReceivedEvent]) -> None:
    """Fold a batch into the facts, one statement per event type."""
    rows: dict[type[Event], list[tuple[Any, ...]]] = defaultdict(list)
    for received in batch:
        kind = type(received.event)
        if fact := _FACTS.get(kind):
            rows[kind].append(fact.row(received.event, received.envelope))
    for kind, found in rows.items():
        await connection.execute(_FACTS[kind].statement, *map(list, zip(*found, strict=True)))


async def fingerprint(connection: Connection) -> str:
    """Return a hash over log, facts and reports of the stores in scope.

    It is the same after any replay.
    """
    digest = hashlib.sha256()
    for table, columns in _KEYS.items():
        digest.update(table.encode())
        async for row in connection.cursor(f"SELECT * FROM {table} ORDER BY {columns}"):
            digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


_KEYS = {
    "event_log": "store_id, event_id",
    "order_fact": "store_id, order_id",
    "invoice_fact": "store_id, invoice_id",
    "payment_fact": "store_id, payment_id",
    "credit_note_fact": "store_id, credit_note_id",
    "job_fact": "store_id, job_id",
    "follow_up_fact": "store_id, follow_up_id",
    "feedback_fact": "store_id, order_id",
    "survey_fact": "store_id, survey_id",
    "attendance_fact": "store_id, person_id, business_date",
    "corrective_action_fact": "store_id, corrective_action_id",
    "policy_fact": "store_id, policy_id",
    "tier_fact": "store_id, customer_ref, changed_at",
    "alias_fact": "store_id, customer_ref, changed_at",
    "owner_fact": "store_id, customer_ref, vehicle_ref",
    "vehicle_fact": "store_id, vehicle_ref",
    "business_day": "store_id, day",
    "daily_report": "store_id, day, revision",
}


def _hours_sold(lines: Sequence[EstimateLine]) -> Decimal:
    """Return the standard hours (标准工时) of the invoice's labor lines, in exact arithmetic."""
    return sum(
        (Decimal(str(line.standard_hours or 0)) for line in lines if line.kind == "labor"),
        Decimal(0),
    )


def _parts(lines: Sequence[EstimateLine]) -> str:
    """Return quantity and amount in cents of each part of an invoice, as JSON."""
    parts: dict[str, dict[str, int]] = {}
    for line in lines:
        if line.kind == "part":
            part = parts.setdefault(line.code, {"quantity": 0, "amount_cents": 0})
            part["quantity"] += line.quantity
            part["amount_cents"] += line.amount_cents
    return json.dumps(parts)


def _receivable_cents(invoice: InvoiceIssued) -> int:
    """Return the receivable cents of an invoice: all but what the store pays itself."""
    internal = sum(
        split.amount_cents for split in invoice.payer_splits if split.payer == "internal"
    )
    return invoice.total_cents - internal


def _credited_receivable_cents(note: CreditNoteIssued) -> int:
    """Return the cents that are no longer receivable: all but what the store would have paid."""
    own = (line.amount_cents for line in note.lines if line.pay_type in ("goodwill", "internal"))
    return note.total_cents - sum(own)


def _csi(event: SurveyAnswered) -> float:
    """Return the CSI (满意度指数) of an answer: weight times mean of each factor, on 1,000."""
    total = sum(
        Fraction(factor.weight_bp * sum(each.score for each in factor.scores), len(factor.scores))
        for factor in event.factors
    )
    return float(total / _BP_PER_THOUSANDTH)


_ARRIVED = """
INSERT INTO order_fact (store_id, order_id, arrived_at, appointment_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[])
ON CONFLICT (store_id, order_id) DO UPDATE SET
    arrived_at = excluded.arrived_at, appointment_id = excluded.appointment_id
"""

_GREETED = """
INSERT INTO order_fact (store_id, order_id, greeted_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
ON CONFLICT (store_id, order_id) DO UPDATE SET greeted_at = excluded.greeted_at
"""

_OPENED = """
INSERT INTO order_fact (store_id, order_id, first_promised_at, estimate_cents, vehicle_ref)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::text[])
ON CONFLICT (store_id, order_id) DO UPDATE SET
    first_promised_at = excluded.first_promised_at, estimate_cents = excluded.estimate_cents,
    vehicle_ref = excluded.vehicle_ref
"""

_PROMISED_TIME_REVISED = """
INSERT INTO order_fact AS fact (store_id, order_id, last_promised_at, last_promise_sequence)
SELECT DISTINCT ON (store_id, order_id) store_id, order_id, promised_at, sequence
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[])
  AS revision (store_id, order_id, promised_at, sequence)
ORDER BY store_id, order_id, sequence DESC
ON CONFLICT (store_id, order_id) DO UPDATE SET
    last_promised_at = excluded.last_promised_at,
    last_promise_sequence = excluded.last_promise_sequence
WHERE fact.last_promise_sequence IS NULL
   OR fact.last_promise_sequence < excluded.last_promise_sequence
"""

_DELIVERED = """
INSERT INTO order_fact (store_id, order_id, delivered_at, delivery_steps, delivery_waivers,
                        customer_ref)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::integer[],
                     $6::text[])
ON CONFLICT (store_id, order_id) DO UPDATE SET
    delivered_at = excluded.delivered_at, delivery_steps = excluded.delivery_steps,
    delivery_waivers = excluded.delivery_waivers, customer_ref = excluded.customer_ref
"""

_CUSTOMER_LINKED = """
INSERT INTO order_fact (store_id, order_id, linked_customer_ref, linked_vehicle_ref)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT (store_id, order_id) DO UPDATE SET
    linked_customer_ref = excluded.linked_customer_ref,
    linked_vehicle_ref = excluded.linked_vehicle_ref
"""

_TIER_CHANGED = """
INSERT INTO tier_fact (store_id, customer_ref, changed_at, tier)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[])
ON CONFLICT (store_id, customer_ref, changed_at) DO UPDATE SET tier = excluded.tier
"""

_READ_AS = """
INSERT INTO alias_fact (store_id, customer_ref, changed_at, read_as)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[])
ON CONFLICT (store_id, customer_ref, changed_at) DO UPDATE SET read_as = excluded.read_as
"""

_OWNER_REGISTERED = """
INSERT INTO owner_fact AS fact (store_id, customer_ref, vehicle_ref, registered_at)
SELECT store_id, customer_ref, vehicle_ref, min(registered_at)
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[])
  AS registered (store_id, customer_ref, vehicle_ref, registered_at, is_owner)
WHERE is_owner
GROUP BY store_id, customer_ref, vehicle_ref
ON CONFLICT (store_id, customer_ref, vehicle_ref) DO UPDATE SET
    registered_at = least(fact.registered_at, excluded.registered_at)
"""

_OWNER_CHANGED = """
INSERT INTO owner_fact AS fact (store_id, customer_ref, vehicle_ref, bought_at)
SELECT store_id, customer_ref, vehicle_ref, min(bought_at)
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
  AS bought (store_id, customer_ref, vehicle_ref, bought_at)
GROUP BY store_id, customer_ref, vehicle_ref
ON CONFLICT (store_id, customer_ref, vehicle_ref) DO UPDATE SET
    bought_at = least(fact.bought_at, excluded.bought_at)
"""

_VEHICLE_REGISTERED = """
INSERT INTO vehicle_fact AS fact (store_id, vehicle_ref, first_registered_month, sequence)
SELECT DISTINCT ON (store_id, vehicle_ref) store_id, vehicle_ref, first_registered_month, sequence
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
  AS vehicle (store_id, vehicle_ref, first_registered_month, sequence)
ORDER BY store_id, vehicle_ref, sequence DESC
ON CONFLICT (store_id, vehicle_ref) DO UPDATE SET
    first_registered_month = excluded.first_registered_month, sequence = excluded.sequence
WHERE fact.sequence < excluded.sequence
"""

_POLICY_SOLD = """
INSERT INTO policy_fact (store_id, policy_id, begins_on, is_renewal, renews_renewal)
SELECT store_id, policy_id, begins_on, is_renewal, renews_renewal
FROM unnest($1::text[], $2::text[], $3::date[], $4::boolean[], $5::boolean[], $6::boolean[])
    AS policy (store_id, policy_id, begins_on, sold_here, is_renewal, renews_renewal)
WHERE sold_here
ON CONFLICT (store_id, policy_id) DO NOTHING
"""

_INVOICED = """
INSERT INTO invoice_fact (store_id, invoice_id, order_id, issued_at, invoiced_cents, labor_cents,
                          parts_cents, hours_sold, receivable_cents, tax_rate_bp, parts)
SELECT store_id, invoice_id, order_id, issued_at, invoiced_cents, labor_cents, parts_cents,
       hours_sold, receivable_cents, tax_rate_bp, parts::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[],
            $6::bigint[], $7::bigint[], $8::numeric[], $9::bigint[], $10::integer[], $11::text[])
  AS invoice (store_id, invoice_id, order_id, issued_at, invoiced_cents, labor_cents, parts_cents,
              hours_sold, receivable_cents, tax_rate_bp, parts)
"""

_PAID = """
INSERT INTO payment_fact (store_id, payment_id, order_id, amount_cents, received_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
"""

_CREDITED = """
INSERT INTO credit_note_fact (store_id, credit_note_id, invoice_id, amount_cents, receivable_cents,
                              issued_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                     $6::timestamptz[])
"""

_ASSIGNED = """
INSERT INTO job_fact (store_id, job_id, order_id, assigned_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
ON CONFLICT (store_id, job_id) DO UPDATE SET assigned_at = excluded.assigned_at
"""

_REASSIGNED = """
INSERT INTO job_fact AS fact (store_id, job_id, order_id, overridden_at)
SELECT store_id, job_id, order_id, min(overridden_at)
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
  AS change (store_id, job_id, order_id, overridden_at)
GROUP BY store_id, job_id, order_id
ON CONFLICT (store_id, job_id) DO UPDATE SET
    overridden_at = least(fact.overridden_at, excluded.overridden_at)
"""

_FINISHED = """
INSERT INTO job_fact (store_id, job_id, order_id, finished_at, clocked_s)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[])
ON CONFLICT (store_id, job_id) DO UPDATE SET
    finished_at = excluded.finished_at, clocked_s = excluded.clocked_s
"""

_CLOCK_CORRECTED = """
INSERT INTO job_fact AS fact (
    store_id, job_id, order_id, corrected_finished_at, corrected_clocked_s, correction_sequence)
SELECT DISTINCT ON (store_id, job_id) store_id, job_id, order_id, finished_at, clocked_s, sequence
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[])
  AS clock (store_id, job_id, order_id, finished_at, clocked_s, sequence)
WHERE finished_at IS NOT NULL
ORDER BY store_id, job_id, sequence DESC
ON CONFLICT (store_id, job_id) DO UPDATE SET
    corrected_finished_at = excluded.corrected_finished_at,
    corrected_clocked_s = excluded.corrected_clocked_s,
    correction_sequence = excluded.correction_sequence
WHERE fact.correction_sequence IS NULL OR fact.correction_sequence < excluded.correction_sequence
"""

_CALL_SCHEDULED = """
INSERT INTO follow_up_fact (store_id, follow_up_id, reason, order_id, scheduled_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
ON CONFLICT (store_id, follow_up_id) DO UPDATE SET scheduled_at = excluded.scheduled_at
"""

_CALL_COMPLETED = """
INSERT INTO follow_up_fact (store_id, follow_up_id, reason, order_id, completed_at, reached,
                            satisfaction)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[],
                     $6::boolean[], $7::smallint[])
ON CONFLICT (store_id, follow_up_id) DO UPDATE SET
    completed_at = excluded.completed_at, reached = excluded.reached,
    satisfaction = excluded.satisfaction
"""


def _new_promise(
    event: PromisedTimeRevised | AdditionalWorkAuthorized, envelope: Envelope
) -> tuple[Any, ...]:
    return (event.store_id, event.order_id, event.promised_at, envelope.sequence)


def _worked_s(event: JobFinished | JobStopped | JobTimeCorrected) -> int:
    """Return the time that all technicians together have clocked on a job."""
    if not event.credits:
        return event.clocked_s
    return sum(credit.clocked_s for credit in event.credits)


_SURVEYED = """
INSERT INTO survey_fact (store_id, survey_id, answered_at, csi)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::float8[])
ON CONFLICT DO NOTHING
"""

_FEEDBACK = """
INSERT INTO feedback_fact (store_id, order_id, submitted_at, work_quality, technical_skill,
service_attitude)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::smallint[], $5::smallint[],
                     $6::smallint[])
"""

_ACTION_OPENED = """
INSERT INTO corrective_action_fact (store_id, corrective_action_id, opened_at, due_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
ON CONFLICT (store_id, corrective_action_id) DO UPDATE SET
    opened_at = excluded.opened_at, due_at = excluded.due_at
"""

_ACTION_CLOSED = """
INSERT INTO corrective_action_fact (store_id, corrective_action_id, closed_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
ON CONFLICT (store_id, corrective_action_id) DO UPDATE SET closed_at = excluded.closed_at
"""

_ATTENDED = """
INSERT INTO attendance_fact AS fact (store_id, person_id, business_date, is_technician, attended_s,
                                     ended_at, sequence)
SELECT DISTINCT ON (store_id, person_id, business_date)
       store_id, person_id, business_date, is_technician, attended_s, ended_at, sequence
FROM unnest($1::text[], $2::text[], $3::date[], $4::boolean[], $5::bigint[], $6::timestamptz[],
            $7::bigint[])
  AS day (store_id, person_id, business_date, is_technician, attended_s, ended_at, sequence)
ORDER BY store_id, person_id, business_date, sequence DESC
ON CONFLICT (store_id, person_id, business_date) DO UPDATE SET
    is_technician = excluded.is_technician, attended_s = excluded.attended_s,
    ended_at = excluded.ended_at, sequence = excluded.sequence
WHERE fact.sequence < excluded.sequence
"""

_FACTS: dict[type[Event], Fact[Any]] = {
    fact.event: fact
    for fact in (
        Fact(
            VehicleArrived,
            _ARRIVED,
            lambda event, _: (
                event.store_id,
                event.order_id,
                event.arrived_at,
                event.appointment_id,
            ),
        ),
        Fact(
            CustomerGreeted,
            _GREETED,
            lambda event, _: (event.store_id, event.order_id, event.greeted_at),
        ),
        Fact(
            OrderOpened,
            _OPENED,
            lambda event, _: (
                event.store_id,
                event.order_id,
                event.promised_at,
                event.estimate_cents,
                event.vehicle_ref,
            ),
        ),
        Fact(PromisedTimeRevised, _PROMISED_TIME_REVISED, _new_promise),
        Fact(AdditionalWorkAuthorized, _PROMISED_TIME_REVISED, _new_promise),
        Fact(
            VehicleDelivered,
            _DELIVERED,
            lambda event, _: (
                event.store_id,
                event.order_id,
                event.delivered_at,
                len(event.steps),
                len(event.waivers),
                event.customer_ref,
            ),
        ),
        Fact(
            OrderCustomerLinked,
            _CUSTOMER_LINKED,
            lambda event, _: (
                event.store_id,
                event.order_id,
                event.customer_ref,
                event.vehicle_ref,
            ),
        ),
        Fact(
            LoyaltyChanged,
            _TIER_CHANGED,
            lambda event, _: (
                event.store_id,
                event.customer_ref,
                event.changed_at,
                event.new_tier,
            ),
        ),
        Fact(
            PolicyRecorded,
            _POLICY_SOLD,
            lambda event, _: (
                event.store_id,
                event.policy_id,
                date.fromisoformat(event.begins_on),
                event.sold_here,
                event.is_renewal,
                event.renews_renewal,
            ),
        ),
        Fact(
            CustomerMerged,
            _READ_AS,
            lambda event, _: (
                event.store_id,
                event.customer_ref,
                event.merged_at,
                event.into_customer_ref,
            ),
        ),
        Fact(
            CustomerUnmerged,
            _READ_AS,
            lambda event, _: (event.store_id, event.customer_ref, event.unmerged_at, None),
        ),
        Fact(
            CustomerRegistered,
            _OWNER_REGISTERED,
            lambda event, _: (
                event.store_id,
                event.customer_ref,
                event.vehicle_ref,
                event.registered_at,
                event.vehicle_role == "owner",
            ),
        ),
        Fact(
            OwnershipChanged,
            _OWNER_CHANGED,
            lambda event, _: (
                event.store_id,
                event.customer_ref,
                event.vehicle_ref,
                event.changed_at,
            ),
        ),
        Fact(
            FirstRegistrationRecorded,
            _VEHICLE_REGISTERED,
            lambda event, envelope: (
                event.store_id,
                event.vehicle_ref,
                event.first_registered_month,
                envelope.sequence,
            ),
        ),
        Fact(
            InvoiceIssued,
            _INVOICED,
            lambda event, _: (
                event.store_id,
                event.invoice_id,
                event.order_id,
                event.issued_at,
                event.total_cents,
                event.labor_cents,
                event.parts_cents,
                _hours_sold(event.lines),
                _receivable_cents(event),
                event.tax_rate_bp,
                _parts(event.lines),
            ),
        ),
        Fact(
            PaymentReceived,
            _PAID,
            lambda event, _: (
                event.store_id,
                event.payment_id,
                event.order_id,
                event.amount_cents,
                event.received_at,
            ),
        ),
        Fact(
            DepositReceived,
            _PAID,
            lambda event, _: (
                event.store_id,
                event.payment_id,
                event.order_id,
                event.amount_cents,
                event.received_at,
            ),
        ),
        Fact(
            RefundIssued,
            _PAID,
            lambda event, _: (
                event.store_id,
                event.refund_id,
                event.order_id,
                -event.amount_cents,
                event.paid_at,
            ),
        ),
        Fact(
            CreditNoteIssued,
            _CREDITED,
            lambda event, _: (
                event.store_id,
                event.credit_note_id,
                event.invoice_id,
                event.total_cents,
                _credited_receivable_cents(event),
                event.issued_at,
            ),
        ),
        Fact(
            JobAssigned,
            _ASSIGNED,
            lambda event, envelope: (event.store_id, event.job_id, event.order_id, envelope.time),
        ),
        Fact(
            JobReassigned,
            _REASSIGNED,
            lambda event, envelope: (
                event.store_id,
                event.job_id,
                event.order_id,
                None if event.by == PLANNER else envelope.time,
            ),
        ),
        Fact(
            JobFinished,
            _FINISHED,
            lambda event, _: (
                event.store_id,
                event.job_id,
                event.order_id,
                event.finished_at,
                _worked_s(event),
            ),
        ),
        Fact(
            JobStopped,
            _FINISHED,
            lambda event, _: (
                event.store_id,
                event.job_id,
                event.order_id,
                event.stopped_at,
                _worked_s(event),
            ),
        ),
        Fact(
            JobTimeCorrected,
            _CLOCK_CORRECTED,
            lambda event, envelope: (
                event.store_id,
                event.job_id,
                event.order_id,
                event.finished_at,
                _worked_s(event),
                envelope.sequence,
            ),
        ),
        Fact(
            FeedbackSubmitted,
            _FEEDBACK,
            lambda event, _: (
                event.store_id,
                event.order_id,
                event.submitted_at,
                event.work_quality,
                event.technical_skill,
                event.service_attitude,
            ),
        ),
        Fact(
            SurveyAnswered,
            _SURVEYED,
            lambda event, _: (event.store_id, event.survey_id, event.answered_at, _csi(event)),
        ),
        Fact(
            AttendanceRecorded,
            _ATTENDED,
            lambda event, envelope: (
                event.store_id,
                event.person_id,
                date.fromisoformat(event.business_date),
                TECHNICIAN in event.posts,
                event.attended_s,
                event.ended_at,
                envelope.sequence,
            ),
        ),
        Fact(
            FollowUpScheduled,
            _CALL_SCHEDULED,
            lambda event, envelope: (
                event.store_id,
                event.follow_up_id,
                event.reason,
                event.order_id,
                envelope.time,
            ),
        ),
        Fact(
            FollowUpCompleted,
            _CALL_COMPLETED,
            lambda event, _: (
                event.store_id,
                event.follow_up_id,
                event.reason,
                event.order_id,
                event.completed_at,
                event.reached,
                event.satisfaction,
            ),
        ),
        Fact(
            CorrectiveActionOpened,
            _ACTION_OPENED,
            lambda event, _: (
                event.store_id,
                event.corrective_action_id,
                event.opened_at,
                event.due_at,
            ),
        ),
        Fact(
            CorrectiveActionClosed,
            _ACTION_CLOSED,
            lambda event, _: (event.store_id, event.corrective_action_id, event.closed_at),
        ),
    )
}
