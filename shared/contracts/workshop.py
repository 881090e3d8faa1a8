"""Events of the workshop (车间): jobs, capacity and the store's people."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.base import Code, Event, EventPart, Identifier, Timestamp


class _JobEvent(Event):
    topic = "aftersales.workshop.job.v1"
    key_field = "order_id"
    publisher = "workshop"
    requirements: ClassVar[tuple[str, ...]] = ("R11", "R13")

    order_id: Identifier


class JobAssigned(_JobEvent):
    """Who does the job, where and when, and why (派工).

    As far as this job goes, the vehicle can be promised for ``promisable_at``.
    """

    job_id: Identifier
    op_code: Identifier
    standard_hours: float
    technician_ids: tuple[Identifier, ...]
    bay_id: Identifier
    planned_start_at: Timestamp
    planned_finish_at: Timestamp
    promisable_at: Timestamp
    reason: Code


class JobReassigned(_JobEvent):
    """The plan of a job changed (改派); ``by`` is a person or ``planner``.

    ``reason`` is a code, ``explanation`` the same in a sentence with the names and times.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R12",)

    job_id: Identifier
    technician_ids: tuple[Identifier, ...]
    bay_id: Identifier
    planned_start_at: Timestamp
    planned_finish_at: Timestamp
    reason: Code
    by: Identifier
    explanation: str | None = None


class JobStarted(_JobEvent):
    """Clocked in (开工)."""

    job_id: Identifier
    technician_ids: tuple[Identifier, ...]
    started_at: Timestamp


class JobPaused(_JobEvent):
    """Clocked out for a while (暂停), for a reason of the list.

    ``auto_closed``: nobody clocked out when the shift ended (忘打卡), so the clock was closed then.
    """

    job_id: Identifier
    reason: Code
    paused_at: Timestamp
    auto_closed: bool = False


class JobResumed(_JobEvent):
    """Clocked in again (复工)."""

    job_id: Identifier
    resumed_at: Timestamp


class LaborCredit(EventPart):
    """One technician's part of a job (工时分配): the time that they clocked, and the standard hours
    that it earns."""

    technician_id: Identifier
    clocked_s: int = Field(ge=0)
    standard_hours: float = Field(ge=0)


class JobFinished(_JobEvent):
    """The work of a job is done (完工); ``clocked_s`` is its time without pauses.

    Of a job of several technicians each clocks their own time: ``credits`` split the standard hours
    by it, and sum to them.
    """

    job_id: Identifier
    technician_ids: tuple[Identifier, ...]
    standard_hours: float
    clocked_s: int = Field(ge=0)
    credits: tuple[LaborCredit, ...] = ()
    finished_at: Timestamp


class JobStopped(_JobEvent):
    """A job ends unfinished (中止), because the customer does not want its work any more.

    ``clocked_s`` is its time without pauses, 0 where nobody has begun. ``credits`` say what each
    technician has clocked; it earns no standard hours.
    """

    job_id: Identifier
    technician_ids: tuple[Identifier, ...]
    clocked_s: int = Field(ge=0)
    credits: tuple[LaborCredit, ...] = ()
    stopped_at: Timestamp


class JobTimeCorrected(_JobEvent):
    """A manager corrected the time of a job (工时更正).

    ``clocked_s`` is its time without pauses; that of a job in progress still grows and is told when
    it is finished. ``original_*`` is what the clock said.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R13",)

    job_id: Identifier
    technician_ids: tuple[Identifier, ...]
    reason: Code
    corrected_by: Identifier
    corrected_at: Timestamp
    original_started_at: Timestamp
    original_finished_at: Timestamp | None = None
    original_clocked_s: int = Field(ge=0)
    started_at: Timestamp
    finished_at: Timestamp | None = None
    clocked_s: int = Field(ge=0)
    credits: tuple[LaborCredit, ...] = ()


class DiagnosisRecorded(_JobEvent):
    """What the technician found to be wrong (诊断), in symptom codes of the catalog."""

    requirements: ClassVar[tuple[str, ...]] = ("R3",)

    job_id: Identifier
    symptoms: tuple[Identifier, ...]
    technician_id: Identifier
    recorded_at: Timestamp


class AdditionalWorkRecommended(_JobEvent):
    """More is needed than was ordered (增项); it waits for the customer's authorization."""

    requirements: ClassVar[tuple[str, ...]] = ("R4",)

    additional_work_id: Identifier
    job_id: Identifier
    op_codes: tuple[Identifier, ...]
    part_numbers: tuple[Identifier, ...] = ()
    recommended_by: Identifier
    recommended_at: Timestamp


class QualityInspectionPassed(_JobEvent):
    """An inspector accepts the job (质检合格)."""

    requirements: ClassVar[tuple[str, ...]] = ("R14",)

    job_id: Identifier
    inspector_id: Identifier
    inspected_at: Timestamp


class QualityInspectionFailed(_JobEvent):
    """An inspector sends the job back (质检不合格); a rework job (返修) follows.

    ``rework_of_job_id`` is the job that this one did again, if it was rework itself.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R14",)

    job_id: Identifier
    rework_job_id: Identifier
    rework_of_job_id: Identifier | None = None
    inspector_id: Identifier
    failed_items: tuple[Identifier, ...]
    inspected_at: Timestamp


class VehicleReady(_JobEvent):
    """All the order's jobs are done and accepted (竣工)."""

    requirements: ClassVar[tuple[str, ...]] = ("R7", "R14")

    ready_at: Timestamp


class PromisedTimeAtRisk(_JobEvent):
    """The promise will hardly be kept (承诺风险); alerted once until it looks safe again.

    ``probability`` is that of keeping ``promised_at``; ``risk_cause`` is a code and ``explanation``
    the same in a sentence; ``best_promise_at`` holds with ``confidence``.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R9", "R11", "R12")

    promised_at: Timestamp
    probability: float = Field(ge=0, le=1)
    risk_cause: Code
    explanation: str
    best_promise_at: Timestamp
    confidence: float = Field(gt=0, lt=1)
    alerted_at: Timestamp


class ComebackLinked(_JobEvent):
    """The vehicle is back within 30 days for the same symptom (外返).

    The last day counts whole; ``earlier_order_id`` is the first order for the symptom.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R14",)

    earlier_order_id: Identifier
    symptoms: tuple[Identifier, ...]
    earlier_technician_ids: tuple[Identifier, ...]
    earlier_finished_at: Timestamp


class FreeCapacity(EventPart):
    """Free technician minutes of one skill in one half hour (空闲工时).

    A vehicle whose work ends within it can be promised for ``promisable_at``.
    """

    skill_code: Identifier
    starts_at: Timestamp
    free_minutes: int = Field(ge=0)
    promisable_at: Timestamp


class CapacityChanged(Event):
    """The store's free time by skill and half hour (产能变化)."""

    topic = "aftersales.workshop.capacity.v1"
    key_field = "store_id"
    compacted = True
    publisher = "workshop"
    requirements: ClassVar[tuple[str, ...]] = ("R1", "R11")

    plan_version: int
    free: tuple[FreeCapacity, ...]


class _WorkshopStoreEvent(Event):
    topic = "aftersales.workshop.store.v1"
    key_field = "store_id"
    publisher = "workshop"


class AbsenceRecorded(_WorkshopStoreEvent):
    """A technician is away (缺勤)."""

    requirements: ClassVar[tuple[str, ...]] = ("R12",)

    technician_id: Identifier
    starts_at: Timestamp
    ends_at: Timestamp
    kind: Literal["leave", "sick", "training", "other"] = "other"


class AbsenceCancelled(_WorkshopStoreEvent):
    """A technician is not away after all (销假)."""

    requirements: ClassVar[tuple[str, ...]] = ("R12",)

    technician_id: Identifier
    starts_at: Timestamp
    ends_at: Timestamp
    cancelled_at: Timestamp


class StaffingShortageDetected(_WorkshopStoreEvent):
    """A skill lacks people (人员缺口): hours a week that nobody can cover, and people needed."""

    requirements: ClassVar[tuple[str, ...]] = ("R18",)

    skill_code: Identifier
    needed_hours: float = Field(ge=0)
    shortfall_hours: float = Field(ge=0)
    people: int = Field(ge=1)
    weeks_observed: int = Field(ge=1)
    growth: float
    computed_at: Timestamp
