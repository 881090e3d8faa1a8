"""All SQL of reception. Every function takes a connection; none commits."""

from services.reception.store.appointment import (
    list_appointments,
    lock_appointment,
    save_appointment,
)
from services.reception.store.capacity import (
    last_capacity,
    save_capacity,
)
from services.reception.store.claim import (
    list_claims,
    lock_claim,
    read_claim,
    save_claim,
)
from services.reception.store.daily_check import add_daily_check, daily_checks
from services.reception.store.estimate import (
    Link,
    add_link,
    estimate_versions,
    find_link,
    operations_since,
    read_link,
    save_estimates,
    use_link,
    work_not_wanted,
)
from services.reception.store.feedback import add_feedback, read_feedback
from services.reception.store.invoice import (
    add_credit_note,
    add_invoice,
    credit_notes,
    find_invoice,
    read_credit_note,
    save_tax_number,
)
from services.reception.store.job import (
    finish_jobs,
    finished_operations,
    planned_finishes,
    record_jobs,
)
from services.reception.store.order import (
    desks,
    list_orders,
    lock_order,
    read_order,
    save_details,
    save_order,
    save_signature,
    save_texts,
    sealed_details,
    sealed_signature,
    sealed_texts,
    take_queue_number,
    unpaid_orders,
)
from services.reception.store.photo import (
    add_photo,
    find_photo,
    photos_of_order,
    read_photo,
)
from services.reception.store.vehicle import (
    lock_odometer,
    save_odometer,
    visits_in_group,
)
from services.reception.store.voucher import (
    add_voucher,
    lock_vouchers,
    read_voucher,
    save_redeemed,
)

__all__ = [
    "Link",
    "add_credit_note",
    "add_daily_check",
    "add_feedback",
    "add_invoice",
    "add_link",
    "add_photo",
    "add_voucher",
    "credit_notes",
    "daily_checks",
    "desks",
    "estimate_versions",
    "find_invoice",
    "find_link",
    "find_photo",
    "finish_jobs",
    "finished_operations",
    "last_capacity",
    "list_appointments",
    "list_claims",
    "list_orders",
    "lock_appointment",
    "lock_claim",
    "lock_odometer",
    "lock_order",
    "lock_vouchers",
    "operations_since",
    "photos_of_order",
    "planned_finishes",
    "raise_odometer",
    "read_claim",
    "read_credit_note",
    "read_feedback",
    "read_link",
    "read_order",
    "read_photo",
    "read_voucher",
    "record_jobs",
    "save_appointment",
    "save_capacity",
    "save_claim",
    "save_details",
    "save_estimates",
    "save_odometer",
    "save_order",
    "save_redeemed",
    "save_signature",
    "save_tax_number",
    "save_texts",
    "sealed_details",
    "sealed_signature",
    "sealed_texts",
    "take_queue_number",
    "unpaid_orders",
    "use_link",
    "visits_in_group",
    "work_not_wanted",
]
