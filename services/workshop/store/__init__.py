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
    Finished,
    OrderedHours,
    finished_jobs,
    jobs_between,
    jobs_of_order,
    open_jobs,
    ordered_hours,
    read_job,
    save_jobs,
)
from services.workshop.store.plan import (
    lock_plan,
    plan_version,
)
from services.workshop.store.promise import (
    Experience,
    GivenPromise,
    all_experiences,
    forget_promise,
    read_experience,
    read_promise,
    save_calibration,
    save_durations,
    save_promise,
)
from services.workshop.store.prospect import (
    prospects,
    save_prospects,
)

__all__ = [
    "Absence",
    "AbsenceKind",
    "Booking",
    "Experience",
    "Finished",
    "GivenPromise",
    "HeldJob",
    "Hold",
    "OrderedHours",
    "absences_after",
    "add_absence",
    "all_experiences",
    "book",
    "booked_jobs",
    "bookings_after",
    "displace",
    "finished_jobs",
    "forget_promise",
    "jobs_between",
    "jobs_of_order",
    "lock_hold",
    "lock_plan",
    "open_jobs",
    "ordered_hours",
    "plan_version",
    "prospects",
    "read_absence",
    "read_experience",
    "read_job",
    "read_promise",
    "refuse_kept",
    "resources_of",
    "save_calibration",
    "save_durations",
    "save_hold",
    "save_jobs",
    "save_promise",
    "save_prospects",
    "unbook",
    "withdraw_absence",
]
