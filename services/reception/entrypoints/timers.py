"""Deadlines that reception acts on."""

from collections.abc import Mapping

from services.reception.application import (
    appointment_timers,
    changes,
    claim_reminders,
    customers,
    dunning,
    erasures,
    facility_checks,
    greetings,
    links,
    photos,
    tax_invoices,
)
from services.reception.application.deps import Deps
from shared.timers import Lane, TimerHandler

TIMERS: Mapping[str, TimerHandler[Deps]] = {
    greetings.GREETING_OVERDUE: TimerHandler(
        greetings.report_greeting_overdue, lock=changes.lock_order
    ),
    customers.LINK_CUSTOMER: TimerHandler(
        customers.link_customer,
        lock=changes.lock_order,
        prepare=customers.register_customer,
        lane=Lane("crm: customers", concurrency=4, timeout_s=20),
    ),
    tax_invoices.TAX_INVOICE: TimerHandler(
        tax_invoices.keep_tax_invoice,
        prepare=tax_invoices.request_tax_invoice,
        lane=Lane("tax client: invoices", concurrency=2, timeout_s=30),
    ),
    tax_invoices.TAX_CREDIT: TimerHandler(
        tax_invoices.keep_tax_correction,
        prepare=tax_invoices.request_tax_correction,
        lane=Lane("tax client: corrections", concurrency=2, timeout_s=30),
    ),
    dunning.RECEIVABLE_OVERDUE: TimerHandler(dunning.report_overdue, lock=dunning.lock_order),
    claim_reminders.CLAIM_OVERDUE: TimerHandler(
        claim_reminders.report_overdue, lock=claim_reminders.lock_claim
    ),
    photos.ORPHANED_PHOTO: TimerHandler(
        None,
        prepare=photos.remove_orphan,
        lane=Lane("file store", timeout_s=60),
    ),
    erasures.CLAIM_RETENTION_ENDED: TimerHandler(erasures.end_legal_term),
    facility_checks.CHECKS_DUE: TimerHandler(facility_checks.report_missing_checks),
    links.LINK_MESSAGE: TimerHandler(
        links.record_message,
        prepare=links.send_link,
        lane=Lane("crm: links", concurrency=4, timeout_s=20),
    ),
    appointment_timers.NO_SHOW: TimerHandler(
        appointment_timers.miss_appointment, lock=appointment_timers.lock_appointment
    ),
    appointment_timers.REMINDER: TimerHandler(
        None,
        lock=appointment_timers.lock_appointment,
        prepare=appointment_timers.send_reminder,
        lane=Lane("crm: reminders", concurrency=4, timeout_s=20),
    ),
    appointment_timers.CONFIRMATION: TimerHandler(
        appointment_timers.confirm_appointment,
        lock=appointment_timers.lock_appointment,
        prepare=appointment_timers.ask_for_place,
        lane=Lane("workshop: capacity holds", concurrency=4, timeout_s=20),
    ),
}
