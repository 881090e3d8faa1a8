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
from services.reception.store.estimate import (
    Link,
    add_link,
    estimate_versions,
    find_link,
    operations_since,
    save_estimates,
    use_link,
    work_not_wanted,
)
from services.reception.store.invoice import (
    add_invoice,
    find_invoice,
    save_tax_number,
)
from services.reception.store.job import (
    finish_jobs,
    finished_operations,
    planned_finishes,
    record_jobs,
)
from services.reception.store.order import (
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
from services.reception.store.vehicle import (
    lock_odometer,
    save_odometer,
)
from services.reception.store.voucher import (
    add_voucher,
    lock_vouchers,
    read_voucher,
    save_redeemed,
)

__all__ = [
    "Link",
    "add_invoice",
    "add_link",
    "add_voucher",
    "estimate_versions",
    "find_invoice",
    "find_link",
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
    "planned_finishes",
    "read_claim",
    "read_order",
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
    "work_not_wanted",
]
