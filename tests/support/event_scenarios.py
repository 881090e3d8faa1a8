"""Days of a store as its services would publish them, and their KPIs by independent arithmetic."""

import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from shared.contracts import Event
from shared.contracts.crm import (
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    CustomerNotified,
    CustomerRegistered,
    FactorScores,
    FollowUpCompleted,
    FollowUpScheduled,
    SurveyAnswered,
    SurveyScore,
)
from shared.contracts.management import AttendanceRecorded
from shared.contracts.reception import (
    AppointmentBooked,
    AppointmentNoShow,
    AppointmentRescheduled,
    CreditNoteIssued,
    CustomerGreeted,
    DeliveryStep,
    DeliveryWaiver,
    DepositReceived,
    EstimateLine,
    FacilityCheckCompleted,
    FacilityCheckOverdue,
    FeedbackSubmitted,
    GreetingOverdue,
    InvoiceIssued,
    LaborOperation,
    OrderCancelled,
    OrderOpened,
    PayerSplit,
    PaymentReceived,
    PromisedTimeRevised,
    RefundIssued,
    VehicleArrived,
    VehicleDelivered,
    WarrantyClaimOverdue,
    WarrantyClaimSettled,
    WarrantyClaimSubmitted,
)
from shared.contracts.workshop import (
    ComebackLinked,
    DiagnosisRecorded,
    JobAssigned,
    JobFinished,
    JobPaused,
    JobReassigned,
    JobResumed,
    JobStarted,
    JobTimeCorrected,
    LaborCredit,
    QualityInspectionFailed,
    QualityInspectionPassed,
    VehicleReady,
)

ZONE = ZoneInfo("Asia/Shanghai")
GREETING_LIMIT = timedelta(minutes=10)
Told = tuple[datetime, Event]


def local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), ZONE)


@dataclass
class SimulatedVisit:
    """Order of the scenario; ``luck`` decides the course of its day."""

    luck: random.Random
    store_id: str
    order_id: str
    number: int
    at: datetime

    def minutes(self, low: int, high: int) -> datetime:
        """Let some time pass."""
        self.at += timedelta(seconds=self.luck.randint(low * 60, high * 60))
        return self.at

    def chance(self, share: float) -> bool:
        return self.luck.random() < share

    def events(self) -> Iterator[Told]:
        yield from self._reception()
        if self.chance(0.08):
            yield self.at, OrderCancelled(**self._key, reason="waited_too_long")
            return
        lines, promised_at = self._lines(), self.at + timedelta(minutes=self.luck.randint(90, 240))
        yield self.minutes(5, 15), self._opened(lines, promised_at)
        yield from self._comebacks()
        yield from self._workshop([line for line in lines if line.kind == "labor"])
        if self.chance(0.2):
            later = promised_at + timedelta(hours=1)
            revised = PromisedTimeRevised(**self._key, promised_at=later, reason="part_late")
            yield self.at, revised
        yield from self._delivery(lines)

    @property
    def _key(self) -> dict[str, Any]:
        return {"store_id": self.store_id, "order_id": self.order_id}

    def _comebacks(self) -> Iterator[Told]:
        """Yield the comeback of the vehicle, and that of another one that was here a month ago."""
        if self.chance(0.2):
            yield self.at, self._link(self.order_id, f"{self.order_id}-earlier", self.at)
        if self.chance(0.5):
            earlier, ready_at = f"{self.order_id}-month-ago", self.at - timedelta(days=31)
            key = {"store_id": self.store_id, "order_id": earlier}
            yield ready_at, VehicleReady(**key, ready_at=ready_at)
            if self.chance(0.4):
                back_at = self.at - timedelta(days=self.luck.randint(1, 29))
                yield back_at, self._link(f"{self.order_id}-again", earlier, ready_at)

    def _link(self, order_id: str, earlier: str, finished_at: datetime) -> ComebackLinked:
        return ComebackLinked(
            store_id=self.store_id,
            order_id=order_id,
            earlier_order_id=earlier,
            symptoms=("ENG-NOISE",),
            earlier_technician_ids=("t",),
            earlier_finished_at=finished_at,
        )

    def _reception(self) -> Iterator[Told]:
        appointment_id = f"a-{self.order_id}" if self.chance(0.4) else None
        if appointment_id:
            yield from self._planned(appointment_id)
        if self.chance(0.1):
            yield from self._no_show(f"m-{self.order_id}")
        due = self.at + GREETING_LIMIT
        arrived = VehicleArrived(
            **self._key,
            queue_number=self.number,
            vehicle_ref=f"k1-v-{self.order_id}",
            appointment_id=appointment_id,
            arrived_at=self.at,
            greeting_due_at=due,
        )
        yield self.at, arrived
        self.minutes(1, 14)
        if self.at > due:
            yield due, GreetingOverdue(**self._key, queue_number=self.number, due_at=due)
            if self.chance(0.3):
                return
        greeted = CustomerGreeted(
            **self._key, advisor_id=f"{self.store_id}-advisor-1", greeted_at=self.at
        )
        yield self.at, greeted

    def _planned(self, appointment_id: str) -> Iterator[Told]:
        """Yield an appointment for now, made the day before, and perhaps rescheduled to now."""
        booked_at, moved = self.at - timedelta(days=1), self.chance(0.3)
        yield (
            booked_at,
            AppointmentBooked(
                store_id=self.store_id,
                appointment_id=appointment_id,
                appointment_at=self.at - timedelta(days=2 if moved else 0),
                op_codes=("oil",),
            ),
        )
        if moved:
            yield (
                booked_at + timedelta(hours=1),
                AppointmentRescheduled(
                    store_id=self.store_id,
                    appointment_id=appointment_id,
                    appointment_at=self.at,
                    hold_id="h-2",
                    replaced_hold_id="h-1",
                    promised_at=None,
                ),
            )

    def _no_show(self, appointment_id: str) -> Iterator[Told]:
        """Yield another customer's appointment for now, who does not come."""
        yield from self._planned(appointment_id)
        no_show = AppointmentNoShow(
            store_id=self.store_id,
            appointment_id=appointment_id,
            appointment_at=self.at,
            hold_id=None,
        )
        yield self.at + timedelta(minutes=30), no_show

    def _lines(self) -> list[EstimateLine]:
        hours = [
            self.luck.choice([0.3, 0.5, 0.7, 1.1, 2.4]) for _ in range(self.luck.randint(1, 3))
        ]
        labor = [
            EstimateLine(
                kind="labor",
                code=f"op-{place}",
                quantity=1,
                standard_hours=amount,
                amount_cents=round(amount * 18_000),
            )
            for place, amount in enumerate(hours)
        ]
        parts = [
            EstimateLine(
                kind="part", code="oil", quantity=2, amount_cents=self.luck.randint(1, 99_999)
            )
        ]
        return labor + parts * self.luck.randint(0, 2)

    def _opened(self, lines: Sequence[EstimateLine], promised_at: datetime) -> OrderOpened:
        return OrderOpened(
            **self._key,
            advisor_id=f"{self.store_id}-advisor-1",
            customer_ref=f"c-{self.order_id}",
            vehicle_ref=f"k1-v-{self.order_id}",
            odometer_km=self.luck.randint(1, 200_000),
            symptoms=("ENG-NOISE",),
            labor_operations=tuple(
                LaborOperation(op_code=line.code, standard_hours=line.standard_hours)
                for line in lines
                if line.standard_hours
            ),
            lines=tuple(lines),
            estimate_cents=sum(line.amount_cents for line in lines),
            promised_at=promised_at,
            promise_confidence=self.luck.choice([0.8, 0.95]),
            promise_provisional=self.chance(0.1),
            hold_id=f"h-{self.order_id}",
            opened_at=self.at,
        )

    def _workshop(self, labor: Sequence[EstimateLine]) -> Iterator[Told]:
        people = (f"{self.store_id}-technician-1",)
        for line in labor:
            job = self._key | {"job_id": f"{self.order_id}/{line.code}"}
            plan = {
                "technician_ids": people,
                "bay_id": f"{self.store_id}-lift-1",
                "planned_start_at": self.at,
                "planned_finish_at": self.at + timedelta(hours=1),
                "reason": "earliest_finish",
            }
            hours = line.standard_hours or 0
            yield (
                self.at,
                JobAssigned(
                    **job,
                    **plan,
                    op_code=line.code,
                    standard_hours=hours,
                    promisable_at=self.at + timedelta(hours=1, minutes=20),
                ),
            )
            for by in ("planner", f"{self.store_id}-dispatcher-1", f"{self.store_id}-dispatcher-2"):
                if self.chance(0.15):
                    yield self.minutes(0, 2), JobReassigned(**job, **plan, by=by)
            yield (
                self.minutes(1, 10),
                JobStarted(**job, technician_ids=people, started_at=self.at),
            )
            began = self.at
            if self.chance(0.2):
                paused = JobPaused(**job, reason="part", paused_at=self.minutes(1, 5))
                yield self.at, paused
                yield self.at, JobResumed(**job, resumed_at=self.at)
            if self.chance(0.4):
                yield self.at, self._diagnosis(job)
            clocked_s = int((self.minutes(5, 60) - began).total_seconds())
            finished = JobFinished(
                **job,
                technician_ids=people,
                standard_hours=hours,
                clocked_s=clocked_s,
                credits=self._credits(hours, clocked_s),
                finished_at=self.at,
            )
            yield self.at, finished
            if self.chance(0.2):
                corrected = JobTimeCorrected(
                    **job,
                    technician_ids=people,
                    reason="forgot_to_finish",
                    corrected_by=f"{self.store_id}-manager-1",
                    corrected_at=self.minutes(1, 5),
                    original_started_at=began,
                    original_finished_at=finished.finished_at,
                    original_clocked_s=finished.clocked_s,
                    started_at=began,
                    finished_at=finished.finished_at - timedelta(seconds=90),
                    clocked_s=finished.clocked_s - 90,
                    credits=self._credits(hours, finished.clocked_s - 90),
                )
                yield self.at, corrected
            yield from self._inspection(job)
        yield self.at, VehicleReady(**self._key, ready_at=self.at)
        if self.chance(0.8):
            yield self.at, self._notified()

    def _credits(self, hours: float, clocked_s: int) -> tuple[LaborCredit, ...]:
        """Return the credits of some jobs on which two technicians have clocked the same time."""
        count = self.luck.choice([0, 1, 2])
        return tuple(
            LaborCredit(
                technician_id=f"{self.store_id}-technician-{number}",
                clocked_s=clocked_s,
                standard_hours=hours / count,
            )
            for number in range(1, count + 1)
        )

    def _diagnosis(self, job: dict[str, Any]) -> DiagnosisRecorded:
        symptoms = self.luck.choice([("ENG-NOISE",), ("ENG-NOISE", "BRK-NOISE")])
        return DiagnosisRecorded(**job, symptoms=symptoms, technician_id="t", recorded_at=self.at)

    def _inspection(self, job: dict[str, Any]) -> Iterator[Told]:
        inspection = job | {"inspector_id": "i", "inspected_at": self.minutes(1, 5)}
        if self.chance(0.2):
            failed = QualityInspectionFailed(
                **inspection, rework_job_id="r", failed_items=("oil_level",)
            )
            yield self.at, failed
        else:
            yield self.at, QualityInspectionPassed(**inspection)

    def _notified(self) -> CustomerNotified:
        return CustomerNotified(
            store_id=self.store_id,
            customer_ref=f"c-{self.order_id}",
            message_id=f"m-{self.order_id}",
            order_id=self.order_id,
            message_type="ready",
            channel="sms",
            notified_at=self.at,
        )

    def _delivery(self, lines: Sequence[EstimateLine]) -> Iterator[Told]:
        if self.chance(0.1):
            self.at += timedelta(days=1)
        self.minutes(5, 60)
        done = ["explain_work", "explain_invoice", "explain_operation"]
        left_out = [done.pop()] if self.chance(0.15) else []
        steps = tuple(
            DeliveryStep(step=step, done_by="service_advisor", done_at=self.at) for step in done
        )
        waivers = tuple(
            DeliveryWaiver(
                step=step,
                reason="customer_declines",
                requested_by="service_advisor",
                requested_at=self.at,
                approved_by="service_manager",
                approved_at=self.at,
            )
            for step in left_out
        )
        delivered = VehicleDelivered(
            **self._key,
            advisor_id=f"{self.store_id}-advisor-1",
            customer_ref=f"c-{self.order_id}",
            delivered_at=self.at,
            steps=steps,
            waivers=waivers,
        )
        yield self.at, delivered
        yield from self._invoicing(lines)
        call = {
            "store_id": self.store_id,
            "customer_ref": f"c-{self.order_id}",
            "follow_up_id": f"f-{self.order_id}",
            "reason": "delivery",
            "order_id": self.order_id,
            "agent_id": f"{self.store_id}-agent-1",
        }
        due = self.at + timedelta(hours=16)
        yield self.at, FollowUpScheduled(**call, about=self.order_id, due_at=due)
        yield due, FollowUpCompleted(**call, reached=True, satisfaction=4, completed_at=due)
        if self.chance(0.3):
            yield from self._complaint(due)

    def _complaint(self, at: datetime) -> Iterator[Told]:
        """Yield a complaint that is closed, and perhaps open again."""
        ids = {
            "store_id": self.store_id,
            "customer_ref": f"c-{self.order_id}",
            "complaint_id": f"k-{self.order_id}",
        }
        agent_id, due_at = f"{self.store_id}-agent-1", at + timedelta(days=3)
        opened = ComplaintOpened(
            **ids,
            source="phone",
            severity="minor",
            vehicle_ref=None,
            order_id=self.order_id,
            technician_id=None,
            inspector_id=None,
            part_number=None,
            owner_id=agent_id,
            opened_by=agent_id,
            answer_due_at=due_at,
            solution_due_at=due_at,
            opened_at=at,
        )
        yield at, opened
        closed_at = at + timedelta(hours=1)
        yield closed_at, ComplaintClosed(**ids, closed_by=agent_id, closed_at=closed_at)
        if self.chance(0.5):
            again_at = at + timedelta(hours=2)
            reopened = ComplaintReopened(
                **ids, reopened_by=agent_id, solution_due_at=due_at, reopened_at=again_at
            )
            yield again_at, reopened

    def _invoicing(self, lines: Sequence[EstimateLine]) -> Iterator[Told]:
        """Yield an invoice that differs from the estimate, with a part that the store bears
        itself.
        """
        if self.chance(0.3):
            lines = [*lines, EstimateLine(kind="part", code="more", quantity=1, amount_cents=7_777)]
        labor = sum(line.amount_cents for line in lines if line.kind == "labor")
        total = sum(line.amount_cents for line in lines)
        internal = total // 5 if self.chance(0.3) else 0
        due_at = self.at + timedelta(days=30)
        invoice = InvoiceIssued(
            **self._key,
            invoice_id=f"i-{self.order_id}",
            lines=tuple(
                line.model_copy(update={"gross_cents": line.amount_cents}) for line in lines
            ),
            labor_cents=labor,
            parts_cents=total - labor,
            tax_cents=total * 13 // 113,
            total_cents=total,
            payer_splits=(
                PayerSplit(payer="customer", amount_cents=total - internal, due_at=due_at),
                PayerSplit(payer="internal", amount_cents=internal, due_at=due_at),
            ),
            due_at=due_at,
            issued_at=self.minutes(0, 2),
        )
        yield self.at, invoice
        owed = total - internal
        if owed > 1 and self.chance(0.2):
            credited = self.luck.randint(1, owed - 1)
            owed -= credited
            yield self.at, self._credit_note(invoice, credited, owed)
        first = self.luck.randint(1, owed)
        amounts = [first] if self.chance(0.2) else [first, owed - first]
        paid = 0
        for place, amount in enumerate(amount for amount in amounts if amount):
            paid += amount
            payment = PaymentReceived(
                **self._key,
                payment_id=f"p-{self.order_id}-{place}",
                invoice_id=f"i-{self.order_id}",
                method="wechat",
                amount_cents=amount,
                balance_cents=owed - paid,
                received_at=self.minutes(0, 3),
            )
            yield self.at, payment
        if self.chance(0.2):
            yield from self._deposit_and_refund()
        if self.chance(0.3):
            yield self.minutes(0, 3), self._feedback()
        if self.chance(0.3):
            yield self.minutes(0, 3), self._survey()
        if self.chance(0.3):
            yield from self._claim()

    def _feedback(self) -> FeedbackSubmitted:
        return FeedbackSubmitted(
            **self._key,
            work_quality=self.luck.randint(3, 5),
            technical_skill=self.luck.randint(3, 5),
            service_attitude=self.luck.randint(3, 5),
            advisor_id=None,
            customer_ref=None,
            recorded_by="service_advisor",
            submitted_at=self.at,
        )

    def _survey(self) -> SurveyAnswered:
        scores = {
            "quality": [self.luck.randint(1, 10) for _ in range(3)],
            "delivery": [self.luck.randint(1, 10)],
        }
        return SurveyAnswered(
            **self._key,
            customer_ref=f"c-{self.order_id}",
            survey_id=f"s-{self.order_id}",
            questionnaire_version="2026-01-01.0",
            channel="link",
            weights_year=2026,
            factors=tuple(
                FactorScores(
                    factor=factor,
                    weight_bp=weight,
                    scores=tuple(
                        SurveyScore(question=f"{factor}_{number}", score=score)
                        for number, score in enumerate(scores[factor])
                    ),
                )
                for factor, weight in (("quality", 7_500), ("delivery", 2_500))
            ),
            staff=(),
            answered_at=self.at,
        )

    def _claim(self) -> Iterator[Told]:
        """Yield a claim that is late, by nothing or by a day, submitted and settled."""
        claim = self._key | {"claim_id": f"w-{self.order_id}"}
        for days in (-1, 0, 1):
            if self.chance(0.5):
                overdue = WarrantyClaimOverdue(
                    **claim,
                    pending_step="submission",
                    due_at=self.at - timedelta(days=days),
                    days_overdue=days,
                    owner_role="service_advisor",
                )
                yield self.at, overdue
        submitted = WarrantyClaimSubmitted(
            **claim,
            amount_cents=500,
            submission_number=1,
            submitted_by="service_advisor",
            submitted_at=self.minutes(0, 3),
            decision_due_at=self.at + timedelta(days=30),
        )
        yield self.at, submitted
        if self.chance(0.5):
            settled = WarrantyClaimSettled(
                **claim,
                paid_cents=500,
                written_off_cents=0,
                settled_by="service_manager",
                settled_at=self.minutes(0, 3),
            )
            yield self.at, settled

    def _credit_note(self, invoice: InvoiceIssued, cents: int, owed: int) -> CreditNoteIssued:
        first, *others = invoice.lines
        nothing = [line.model_copy(update={"amount_cents": 0}) for line in others]
        return CreditNoteIssued(
            **self._key,
            credit_note_id=f"n-{self.order_id}",
            invoice_id=invoice.invoice_id,
            lines=(first.model_copy(update={"amount_cents": cents}), *nothing),
            tax_cents=cents * 13 // 113,
            total_cents=cents,
            balance_cents=owed,
            reason="wrong_price",
            issued_by="service_manager",
            issued_at=self.minutes(0, 2),
        )

    def _deposit_and_refund(self) -> Iterator[Told]:
        money = self._key | {"method": "cash", "amount_cents": 500}
        deposit = DepositReceived(
            **money,
            payment_id=f"d-{self.order_id}",
            held_cents=500,
            received_at=self.minutes(0, 3),
        )
        yield self.at, deposit
        refund = RefundIssued(
            **money,
            refund_id=f"r-{self.order_id}",
            invoice_id=None,
            deposit_cents=500,
            balance_cents=0,
            reason="other",
            paid_by="service_manager",
            paid_at=self.minutes(0, 3),
        )
        yield self.at, refund


def event_scenario(seed: int, store_id: str, day: date, orders: int) -> list[Told]:
    """Return the events of ``orders`` visits that begin on ``day``, by time."""
    luck = random.Random(f"{seed}/{store_id}/{day}")
    told: list[Told] = []
    for number in range(1, orders + 1):
        order_id = f"{store_id}-{day:%m%d}-{number}"
        arrival = local(day, 8) + timedelta(seconds=luck.randint(0, 7 * 3600))
        registered = CustomerRegistered(
            store_id=store_id,
            customer_ref=f"c-{order_id}",
            vehicle_ref=f"k1-v-{order_id}",
            registered_at=arrival,
        )
        told.append((arrival, registered))
        told += SimulatedVisit(luck, store_id, order_id, number, arrival).events()
    told += _checks(store_id, day)
    told += _attendance(store_id, day)
    return sorted(told, key=lambda each: each[0])


def _checks(store_id: str, day: date) -> Iterator[Told]:
    """Yield the checks of two areas, one of them late; a third one is never checked."""
    due = {"store_id": store_id, "day": day.isoformat(), "due_at": local(day, 8, 30)}
    for area in ("service_drive", "parking"):
        yield local(day, 8, 30), FacilityCheckOverdue(**due, area=area)
    for area, at in (("customer_lounge", local(day, 8)), ("service_drive", local(day, 9))):
        check = FacilityCheckCompleted(
            store_id=store_id,
            check_id=f"{store_id}-{day}-{area}",
            area=area,
            day=day.isoformat(),
            items=("clean",),
            failed=(),
            photo_id=None,
            checked_by="customer_care_agent",
            checked_at=at,
        )
        yield at, check


def _attendance(store_id: str, day: date) -> Iterator[Told]:
    """Yield the working days of two technicians, one of them corrected, and of an advisor."""
    for person, post, ended_at, at in (
        ("technician-1", "technician", local(day, 17), local(day, 17)),
        ("technician-2", "technician", local(day, 17), local(day, 17)),
        ("technician-2", "technician", local(day, 16, 30), local(day, 17, 30)),
        ("advisor-1", "service_advisor", local(day, 17), local(day, 17)),
    ):
        attended_s = int((ended_at - local(day, 9)).total_seconds())
        yield (
            at,
            AttendanceRecorded(
                store_id=store_id,
                person_id=f"{store_id}-{person}",
                business_date=day.isoformat(),
                posts=(post,),
                scheduled_s=28_800,
                attended_s=attended_s,
                late_s=0,
                early_leave_s=0,
                overtime_s=0,
                on_leave=False,
                auto_closed=False,
                ended_at=ended_at,
            ),
        )


def expected_kpis(told: Sequence[Told], begin: datetime, until: datetime) -> dict[str, Any]:
    """Return the KPIs of [``begin``, ``until``) by arithmetic that shares nothing with the
    product.
    """
    known = [(at, event) for at, event in told if at < until]

    def of(kind: type[Event]) -> dict[Any, Any]:
        """Return the events known by ``until``, by order or job."""
        return {
            getattr(event, "job_id", getattr(event, "order_id", None)): (at, event)
            for at, event in told
            if isinstance(event, kind) and at < until
        }

    def today(kind: type[Event]) -> dict[Any, Any]:
        return {key: event for key, (at, event) in of(kind).items() if at >= begin}

    arrived, delivered, invoiced = (
        today(VehicleArrived),
        today(VehicleDelivered),
        today(InvoiceIssued),
    )
    all_arrived = {key: event for key, (_, event) in of(VehicleArrived).items()}
    opened = {key: event for key, (_, event) in of(OrderOpened).items()}
    revised = {key: event for key, (_, event) in of(PromisedTimeRevised).items()}
    greeted = {key: event for key, (_, event) in of(CustomerGreeted).items()}
    waits = sorted(
        (greeted[key].greeted_at - event.arrived_at).total_seconds()
        for key, event in arrived.items()
        if key in greeted
    )
    payments = [
        event
        for at, event in told
        if isinstance(event, PaymentReceived | DepositReceived) and begin <= at < until
    ]
    refunds = [
        event for at, event in told if isinstance(event, RefundIssued) and begin <= at < until
    ]
    notes = [event for at, event in told if isinstance(event, CreditNoteIssued) and at < until]
    assigned = today(JobAssigned)
    by_person = {
        event.job_id
        for at, event in told
        if isinstance(event, JobReassigned) and at < until and event.by != "planner"
    }
    sold = float(
        sum(
            Fraction(str(line.standard_hours))
            for event in invoiced.values()
            for line in event.lines
            if line.kind == "labor"
        )
    )
    clocks = {
        job_id: event
        for kind in (JobFinished, JobTimeCorrected)
        for job_id, (_, event) in of(kind).items()
    }
    clocked = (
        sum(
            sum(credit.clocked_s for credit in event.credits) if event.credits else event.clocked_s
            for event in clocks.values()
            if begin <= event.finished_at < until
        )
        / 3600
    )

    days = {
        (event.person_id, event.business_date): event
        for _, event in known
        if isinstance(event, AttendanceRecorded) and "technician" in event.posts
    }
    attended = (
        sum(
            event.attended_s
            for event in days.values()
            if event.ended_at and begin <= event.ended_at < until
        )
        / 3600
    )

    came = [event for event in arrived.values() if event.appointment_id]
    no_show = [
        event for at, event in told if isinstance(event, AppointmentNoShow) and begin <= at < until
    ]

    def share(count: int, whole: int) -> float | None:
        return count / whole if whole else None

    off = [
        (abs(event.total_cents - opened[key].estimate_cents), opened[key].estimate_cents)
        for key, event in invoiced.items()
        if opened[key].estimate_cents
    ]
    paid_of_invoices = sum(
        -event.amount_cents if isinstance(event, RefundIssued) else event.amount_cents
        for at, event in told
        if isinstance(event, PaymentReceived | DepositReceived | RefundIssued)
        and at < until
        and event.order_id in invoiced
    )
    due_of_invoices = sum(
        split.amount_cents
        for event in invoiced.values()
        for split in event.payer_splits
        if split.payer != "internal"
    ) - sum(event.total_cents for event in notes if event.order_id in invoiced)
    on_time_rate_final = sum(
        event.delivered_at <= revised.get(key, opened[key]).promised_at
        for key, event in delivered.items()
    )
    return {
        "arrived": len(arrived),
        "orders": len(today(OrderOpened)),
        "delivered": len(delivered),
        "settled": len(invoiced),
        "invoiced_cents": sum(event.total_cents for event in invoiced.values()),
        "labor_cents": sum(event.labor_cents for event in invoiced.values()),
        "parts_cents": sum(event.parts_cents for event in invoiced.values()),
        "received_cents": sum(event.amount_cents for event in payments),
        "on_time_rate_initial": share(
            sum(event.delivered_at <= opened[key].promised_at for key, event in delivered.items()),
            len(delivered),
        ),
        "on_time_rate_final": share(on_time_rate_final, len(delivered)),
        "same_day_rate": share(
            sum(
                all_arrived[key].arrived_at.astimezone(ZONE).date()
                == event.delivered_at.astimezone(ZONE).date()
                for key, event in delivered.items()
            ),
            len(delivered),
        ),
        "greet_wait_median_s": statistics.median(waits) if waits else None,
        "greet_wait_p90_s": percentile(waits, 0.9),
        "greeted_late": len(today(GreetingOverdue)),
        "complete_delivery_rate": share(
            sum(bool(event.steps) and not event.waivers for event in delivered.values()),
            len(delivered),
        ),
        "appointment_rate": share(
            sum(event.appointment_id is not None for event in arrived.values()), len(arrived)
        ),
        "show_rate": share(len(came), len(came) + len(no_show)),
        "standard_hours_sold": sold,
        "clocked_hours": clocked,
        "efficiency": sold / clocked if clocked else None,
        "attended_hours": attended,
        "utilization": clocked / attended if attended else None,
        "overall_efficiency": sold / attended if attended else None,
        "dispatch_override_rate": share(sum(key in by_person for key in assigned), len(assigned)),
        "follow_ups_scheduled": len(today(FollowUpScheduled)),
        "estimate_accuracy": share(sum(1 - wrong / whole for wrong, whole in off), len(off)),
        "estimate_within_tenth_rate": share(
            sum(wrong * 10 <= whole for wrong, whole in off), len(off)
        ),
        "refunded_cents": sum(event.amount_cents for event in refunds),
        "credited_cents": sum(event.total_cents for event in notes if begin <= event.issued_at),
        "collection_rate": share(paid_of_invoices, due_of_invoices),
        **_fractions(known, begin, until),
    }


def _fractions(known: Sequence[Told], begin: datetime, until: datetime) -> dict[str, Any]:
    """Return the KPIs that are plain fractions or counts of the events ``known`` by ``until``."""

    def of(kind: type[Event], *, today: bool = True) -> list[Any]:
        return [
            event for at, event in known if isinstance(event, kind) and (at >= begin or not today)
        ]

    opened = {event.order_id: event for event in of(OrderOpened, today=False)}
    links = of(ComebackLinked, today=False)
    in_plant = {event.order_id for event in of(OrderOpened)}
    bad_fit = {event.order_id for event in of(DiagnosisRecorded) if len(event.symptoms) > 1}
    diagnosed = {event.order_id for event in of(DiagnosisRecorded)}
    month_ago = {
        event.order_id
        for at, event in known
        if isinstance(event, VehicleReady) and begin <= at + timedelta(days=31) < until
    }
    returned = month_ago & {event.earlier_order_id for event in links}
    failed, passed = of(QualityInspectionFailed), of(QualityInspectionPassed)
    invoices = of(InvoiceIssued)
    hours = Fraction(0)
    for invoice in invoices:
        hours += sum(Fraction(str(line.standard_hours or 0)) for line in invoice.lines)
    ratings = {
        name: [getattr(event, name) for event in of(FeedbackSubmitted)]
        for name in ("work_quality", "technical_skill", "service_attitude")
    }
    areas = {event.area for event in of(FacilityCheckCompleted)}
    promises: dict[str, list[bool]] = {}
    for ready in of(VehicleReady):
        promise = opened.get(ready.order_id)
        if promise is not None and not promise.promise_provisional:
            kept = promises.setdefault(str(promise.promise_confidence), [])
            kept.append(ready.ready_at <= promise.promised_at)

    def mean(values: Sequence[Any]) -> float | None:
        return float(sum(values) / len(values)) if values else None

    return {
        "concern_match_rate": mean([each not in bad_fit for each in diagnosed]),
        "promise_calibration": {each: mean(kept) for each, kept in promises.items()} or None,
        "internal_rework_rate": mean([1] * len(failed) + [0] * len(passed)),
        "comeback_rate": mean([any(link.order_id == each for link in links) for each in in_plant]),
        "first_time_fix_rate": mean([each not in returned for each in month_ago]),
        "effective_labor_rate": float(sum(invoice.labor_cents for invoice in invoices) / hours)
        if invoices
        else None,
        "hours_per_ro": float(hours / len(invoices)) if invoices else None,
        "revenue_per_ro": mean([invoice.total_cents for invoice in invoices]),
        "claims_submitted": len(of(WarrantyClaimSubmitted)),
        "claims_settled": len(of(WarrantyClaimSettled)),
        "claims_overdue": len(
            {event.claim_id for event in of(WarrantyClaimOverdue) if event.days_overdue >= 0}
        ),
        "feedback": mean([rating for each in ratings.values() for rating in each]),
        **{f"feedback_{name}": mean(given) for name, given in ratings.items()},
        "csi": mean([_csi(event) for event in of(SurveyAnswered)]),
        "customers_notified": len(of(CustomerNotified)),
        "complaints_opened": len(of(ComplaintOpened)),
        "complaint_rate": len(of(ComplaintOpened)) / len(invoices) if invoices else None,
        "complaints_closed_14d_rate": mean(_closed_in_two_weeks(known, begin, until)),
        "facility_checks_overdue": len(of(FacilityCheckOverdue)),
        "facility_check_rate": mean(
            [each in areas for each in areas | {event.area for event in of(FacilityCheckOverdue)}]
        ),
        "collection_rate_by_age": _collected_by_age(known, until),
    }


def _csi(answered: SurveyAnswered) -> Fraction:
    return sum(
        (
            Fraction(factor.weight_bp, 100)
            * Fraction(sum(each.score for each in factor.scores), len(factor.scores))
            for factor in answered.factors
        ),
        Fraction(0),
    )


def _closed_in_two_weeks(known: Sequence[Told], begin: datetime, until: datetime) -> list[bool]:
    """Return whether each complaint of the span two weeks ago was closed after two weeks."""
    later = timedelta(days=14)
    closed = dict[str, bool]()
    for at, event in known:
        if isinstance(event, ComplaintOpened) and begin <= at + later < until:
            closed[event.complaint_id] = False
    opened = {event.complaint_id: at for at, event in known if isinstance(event, ComplaintOpened)}
    for at, event in known:
        if isinstance(event, ComplaintClosed | ComplaintReopened):
            complaint_id = event.complaint_id
            if complaint_id in closed and at < opened[complaint_id] + later:
                closed[complaint_id] = isinstance(event, ComplaintClosed)
    return list(closed.values())


def _collected_by_age(known: Sequence[Told], until: datetime) -> dict[str, float] | None:
    """Return received ÷ due of the invoices of 90 days, by the number of days since their issue."""
    sums: dict[str, list[int]] = {}
    for at, event in known:
        if isinstance(event, InvoiceIssued):
            days = (until - at).days
            age = "0-6" if days < 7 else "7-14" if days < 15 else "15-29" if days < 30 else "30-89"
            of_order = [
                each for _, each in known if getattr(each, "order_id", "") == event.order_id
            ]
            due = event.payer_splits[0].amount_cents - sum(
                each.total_cents for each in of_order if isinstance(each, CreditNoteIssued)
            )
            got = sum(
                each.amount_cents
                for each in of_order
                if isinstance(each, PaymentReceived | DepositReceived)
            ) - sum(each.amount_cents for each in of_order if isinstance(each, RefundIssued))
            total = sums.setdefault(age, [0, 0])
            total[0] += got
            total[1] += due
    return {age: got / due for age, (got, due) in sums.items() if due} or None


def flat(kpis: Mapping[str, Any]) -> dict[str, Any]:
    """Return KPIs one by one, those in a map by its keys too."""
    found: dict[str, Any] = {}
    for name, kpi in kpis.items():
        if isinstance(kpi, Mapping):
            found |= {f"{name} {key}": each for key, each in kpi.items()}
        else:
            found[name] = kpi
    return found


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the percentile by linear interpolation between the nearest of the ordered values."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
