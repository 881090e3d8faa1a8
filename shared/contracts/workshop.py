"""Events of the workshop (车间): jobs, capacity and the store's people."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.base import Event, Identifier, Moment, Part


class _JobEvent(Event):
    topic = "aftersales.workshop.job.v1"
    key_field = "order_id"
    publisher = "workshop"
    duties: ClassVar[tuple[str, ...]] = ("R11", "R13")

    order_id: Identifier


class JobAssigned(_JobEvent):
    """Who does the job, where and when, and why (派工)."""

    job_id: Identifier
    operation_id: Identifier
    standard_hours: float
    technician_ids: tuple[Identifier, ...]
    bay_id: Identifier
    planned_start_at: Moment
    planned_finish_at: Moment
    reason: str


class JobReassigned(_JobEvent):
    """The plan of a job changed (改派); ``reason`` is a code, ``by`` a person or ``planner``."""

    duties: ClassVar[tuple[str, ...]] = ("R12",)

    job_id: Identifier
    technician_ids: tuple[Identifier, ...]
    bay_id: Identifier
    planned_start_at: Moment
    planned_finish_at: Moment
    reason: str
    by: Identifier


class JobStarted(_JobEvent):
    """Clocked on (开工)."""

    job_id: Identifier
    technician_ids: tuple[Identifier, ...]
    started_at: Moment


class JobPaused(_JobEvent):
    """Clocked off for a while (暂停), for a reason of the list."""

    job_id: Identifier
    reason: str
    paused_at: Moment


class JobResumed(_JobEvent):
    """Clocked on again (复工)."""

    job_id: Identifier
    resumed_at: Moment


class JobFinished(_JobEvent):
    """The work of a job is done (完工); ``clocked_s`` is its time without pauses."""

    job_id: Identifier
    technician_ids: tuple[Identifier, ...]
    standard_hours: float
    clocked_s: int = Field(ge=0)
    finished_at: Moment


class InspectionPassed(_JobEvent):
    """An inspector accepts the job (质检合格)."""

    duties: ClassVar[tuple[str, ...]] = ("R14",)

    job_id: Identifier
    inspector_id: Identifier
    inspected_at: Moment


class InspectionFailed(_JobEvent):
    """An inspector sends the job back (质检不合格); a rework job (返修) follows."""

    duties: ClassVar[tuple[str, ...]] = ("R14",)

    job_id: Identifier
    rework_job_id: Identifier
    inspector_id: Identifier
    failed_items: tuple[Identifier, ...]
    inspected_at: Moment


class VehicleReady(_JobEvent):
    """All the order's jobs are done and accepted (竣工)."""

    duties: ClassVar[tuple[str, ...]] = ("R7", "R14")

    ready_at: Moment


class FreeCapacity(Part):
    """Free technician minutes of one trade in one half hour (空闲工时)."""

    trade: Identifier
    starts_at: Moment
    free_minutes: int = Field(ge=0)


class CapacityChanged(Event):
    """The store's free time by trade and half hour (产能变化)."""

    topic = "aftersales.workshop.capacity.v1"
    key_field = "store_id"
    compacted = True
    publisher = "workshop"
    duties: ClassVar[tuple[str, ...]] = ("R1", "R11")

    plan_version: int
    free: tuple[FreeCapacity, ...]


class _WorkshopStoreEvent(Event):
    topic = "aftersales.workshop.store.v1"
    key_field = "store_id"
    publisher = "workshop"


class TechnicianAbsent(_WorkshopStoreEvent):
    """A technician is away (缺勤)."""

    duties: ClassVar[tuple[str, ...]] = ("R12",)

    technician_id: Identifier
    from_at: Moment
    until_at: Moment
    kind: Literal["leave", "sick", "training", "other"] = "other"
