"""All SQL of the workshop. Every function takes a connection; none commits."""

from services.workshop.store.absence import (
    Absence,
    AbsenceKind,
    absences_after,
    add_absence,
    read_absence,
    withdraw_absence,
)
from services.workshop.store.booking import (
    Booking,
    book,
    booked_jobs,
    bookings_after,
    displace,
    refuse_kept,
    resources_of,
    unbook,
)
from services.workshop.store.hold import (
    HeldJob,
    Hold,
    lock_hold,
    save_hold,
)
from services.workshop.store.job import (
    jobs_between,
    jobs_of_order,
    open_jobs,
    read_job,
    save_jobs,
)
from services.workshop.store.plan import (
    lock_plan,
    plan_version,
)

__all__ = [
    "Absence",
    "AbsenceKind",
    "Booking",
    "HeldJob",
    "Hold",
    "absences_after",
    "add_absence",
    "book",
    "booked_jobs",
    "bookings_after",
    "displace",
    "jobs_between",
    "jobs_of_order",
    "lock_hold",
    "lock_plan",
    "open_jobs",
    "plan_version",
    "read_absence",
    "read_job",
    "refuse_kept",
    "resources_of",
    "save_hold",
    "save_jobs",
    "unbook",
    "withdraw_absence",
]
