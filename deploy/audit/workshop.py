"""The workshop's jobs and bookings against the events."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

import orjson

from deploy.audit.audit_data import JOBS, ORDERS, AuditData, moment
from deploy.audit.result import Check, Comparison, answer
from deploy.audit.topics import StreamEvent

Fields = dict[str, Any]

_ROUNDED = Fraction(1, 1000)
"""Hours by which rounding may change a credit."""
_ENDS = ("paused_at", "finished_at", "stopped_at")
_NOT_YET = datetime.max.replace(tzinfo=UTC)
_STATUS = {
    "JobStarted": "in_progress",
    "JobPaused": "paused",
    "JobResumed": "in_progress",
    "JobFinished": "finished",
    "JobStopped": "stopped",
    "QualityInspectionPassed": "passed",
    "QualityInspectionFailed": "failed",
}


@dataclass(frozen=True)
class Occupation:
    """Occupation of a technician or bay by a job from ``begin`` until before ``end``."""

    resource: str
    job_id: str
    begin: datetime
    end: datetime


def check_workshop(audit_data: AuditData) -> Iterator[Check]:
    """Compare jobs, clocked time and bookings."""
    yield answer("workshop", _jobs, audit_data)
    yield answer("workshop", _assignments, audit_data)
    yield answer("workshop", _operations, audit_data)
    yield answer("workshop", _clocked, audit_data)
    yield answer("workshop", _credits, audit_data)
    yield answer("workshop", _work_in_events, audit_data)
    yield answer("workshop", _plan_in_events, audit_data)
    yield answer("workshop", _bookings, audit_data)


def fold_jobs(events: Iterable[StreamEvent]) -> Mapping[str, Fields]:
    """Return every job as its own events leave it."""
    jobs: dict[str, Fields] = defaultdict(dict)
    for event in events:
        if "job_id" in event.data:
            jobs[event.data["job_id"]].update(_job_fields(event))
        if event.name == "QualityInspectionFailed":
            rework = jobs[event.data["rework_job_id"]]
            rework.update(
                store_id=event.store_id,
                order_id=event.key,
                status="planned",
                rework_of=event.data["job_id"],
            )
    return jobs


def _job_fields(event: StreamEvent) -> Fields:
    data = event.data
    changed: Fields = {"status": _STATUS[event.name]} if event.name in _STATUS else {}
    match event.name:
        case "JobAssigned":
            return _plan(data) | {
                "status": "planned",
                "store_id": event.store_id,
                "order_id": event.key,
                "op_code": data["op_code"],
                "standard_hours": data["standard_hours"],
            }
        case "JobReassigned":
            return _plan(data)
        case "JobStarted":
            changed["started_at"] = moment(data["started_at"])
        case "JobFinished":
            changed["clocked_s"] = data["clocked_s"]
            changed["finished_at"] = moment(data["finished_at"])
        case "JobStopped":
            changed["clocked_s"] = data["clocked_s"]
            changed["stopped_at"] = moment(data["stopped_at"])
        case "JobTimeCorrected":
            changed["started_at"] = moment(data["started_at"])
            if data["finished_at"]:
                changed["clocked_s"] = data["clocked_s"]
                changed["finished_at"] = moment(data["finished_at"])
    return changed


def _end_stopped(job: Fields) -> None:
    """Apply the end of a stopped job: done where it was begun, else cancelled."""
    stopped_at = job.pop("stopped_at", None)
    if stopped_at and "started_at" in job:
        job.setdefault("finished_at", stopped_at)
    elif stopped_at:
        job["status"] = "cancelled"


def _plan(data: Mapping[str, Any]) -> Fields:
    return {
        "technician_ids": data["technician_ids"],
        "bay_id": data["bay_id"],
        "planned_start_at": moment(data["planned_start_at"]),
        "planned_finish_at": moment(data["planned_finish_at"]),
    }


def _jobs(audit_data: AuditData) -> Check:
    comparison = Comparison("jobs are as the events say", "workshop")
    jobs = fold_jobs(audit_data.of_topic(JOBS))
    cancelled = {
        event.key
        for event in audit_data.applied_by("workshop", ORDERS)
        if event.name == "OrderCancelled"
    }
    for job in jobs.values():
        if job.get("status") == "planned" and job["order_id"] in cancelled:
            job["status"] = "cancelled"
        _end_stopped(job)
        if "started_at" in job:
            job.pop("planned_start_at", None)
            job.pop("planned_finish_at", None)
    rows = [
        (row["job_id"], {**row, "technician_ids": orjson.loads(row["technician_ids"])})
        for row in audit_data.tables.of("workshop", "job")
        if row["job_id"] in jobs or row["bay_id"] is not None
    ]
    comparison.rows("job", jobs, rows)
    return comparison.check()


def _assignments(audit_data: AuditData) -> Check:
    comparison = Comparison("no job is assigned as new twice", "workshop")
    times = Counter(
        event.data["job_id"] for event in audit_data.of_topic(JOBS) if event.name == "JobAssigned"
    )
    for job_id, number in times.items():
        comparison.equal(f"job {job_id}", "JobAssigned events", 1, number)
    return comparison.check()


def _operations(audit_data: AuditData) -> Check:
    comparison = Comparison("each ordered operation is one job", "workshop")
    jobs: dict[str, list[str]] = defaultdict(list)
    for row in audit_data.tables.of("workshop", "job"):
        if row["rework_of"] is None:
            jobs[row["order_id"]].append(row["op_code"])
    ordered: dict[str, list[str]] = defaultdict(list)
    for event in audit_data.applied_by("workshop", ORDERS):
        if event.name in ("OrderOpened", "AdditionalWorkAuthorized"):
            ordered[event.key] += [each["op_code"] for each in event.data["labor_operations"]]
    for order_id, operations in ordered.items():
        found = sorted(jobs.pop(order_id, []))
        comparison.equal(f"order {order_id}", "operations of its jobs", sorted(operations), found)
    for order_id, operations in jobs.items():
        comparison.differ(f"order {order_id}", "operations of its jobs", [], operations)
    return comparison.check()


def _clocked(audit_data: AuditData) -> Check:
    comparison = Comparison("clocked time is work without pauses", "workshop")
    for work in _work(audit_data.of_topic(JOBS)):
        if work.clocked_s is not None:
            seconds = sum(int((end - begin).total_seconds()) for begin, end in work.spans)
            comparison.equal(f"job {work.job_id}", "clocked_s", seconds, work.clocked_s)
    return comparison.check()


def _credits(audit_data: AuditData) -> Check:
    """Require each technician's credit to match their share of the clocked time."""
    comparison = Comparison("credits are the standard hours of a job", "workshop")
    hours: dict[str, Fraction] = defaultdict(Fraction)
    for event in audit_data.of_topic(JOBS):
        if event.name == "JobFinished":
            hours[event.data["job_id"]] = Fraction(str(event.data["standard_hours"]))
        found = event.data.get("credits")
        if not found:
            continue
        job_id = event.data["job_id"]
        earned = [Fraction(str(credit["standard_hours"])) for credit in found]
        comparison.equal(f"job {job_id}", "sum of credits", hours[job_id], sum(earned))
        worked = sum(credit["clocked_s"] for credit in found)
        for credit, part in zip(found, earned, strict=True):
            share = Fraction(credit["clocked_s"], worked) if worked else Fraction(1, len(found))
            off = abs(part - hours[job_id] * share) > _ROUNDED
            comparison.equal(f"job {job_id}", credit["technician_id"], False, off)
    return comparison.check()


def _work_in_events(audit_data: AuditData) -> Check:
    """Require one job at a time for each technician, and one vehicle for each bay."""
    comparison = Comparison("no technician or bay works twice at once (events)", "workshop")
    occupations = [
        occupation for work in _work(audit_data.of_topic(JOBS)) for occupation in work.occupations()
    ]
    _compare_overlaps(comparison, occupations)
    return comparison.check()


def _plan_in_events(audit_data: AuditData) -> Check:
    """Require that everything planned after the store's last event is planned once."""
    comparison = Comparison("no technician or bay is planned twice (events)", "workshop")
    events = list(audit_data.of_topic(JOBS))
    now: dict[str, datetime] = {}
    for event in events:
        if event.time:
            now[event.store_id] = max(event.time, now.get(event.store_id, event.time))
    cancelled = {
        event.key for event in audit_data.of_topic(ORDERS) if event.name == "OrderCancelled"
    }
    planned = [
        (job_id, job)
        for job_id, job in fold_jobs(events).items()
        if job.get("status") == "planned"
        and "planned_start_at" in job
        and job["order_id"] not in cancelled
        and job["planned_start_at"] >= now[job["store_id"]]
    ]
    _compare_overlaps(
        comparison,
        [
            Occupation(resource, job_id, job["planned_start_at"], job["planned_finish_at"])
            for job_id, job in planned
            for resource in _resources(job["store_id"], job["technician_ids"], job["bay_id"])
        ],
    )
    return comparison.check()


def _bookings(audit_data: AuditData) -> Check:
    comparison = Comparison("no technician or bay is booked twice (tables)", "workshop")
    _compare_overlaps(
        comparison,
        [
            Occupation(
                f"{row['store_id']} {row['resource']}",
                row["job_id"],
                row["during"].lower,
                row["during"].upper,
            )
            for row in audit_data.tables.of("workshop", "resource_booking")
        ],
    )
    return comparison.check()


@dataclass
class _Work:
    """Work on one job as its events tell it; ``clocked_s`` once it is finished."""

    job_id: str
    store_id: str
    technician_ids: tuple[str, ...]
    bay_id: str
    spans: list[tuple[datetime, datetime]]
    clocked_s: int | None = None

    def correct(self, data: Mapping[str, Any]) -> None:
        """Apply a time correction: start and finish move, pauses stay."""
        self.spans[0] = (datetime.fromisoformat(data["started_at"]), self.spans[0][1])
        if data["finished_at"]:
            self.spans[-1] = (self.spans[-1][0], datetime.fromisoformat(data["finished_at"]))
            self.clocked_s = data["clocked_s"]

    def occupations(self) -> Iterator[Occupation]:
        for resource in _resources(self.store_id, self.technician_ids, None):
            for begin, end in self.spans:
                yield Occupation(resource, self.job_id, begin, end)
        for resource in _resources(self.store_id, (), self.bay_id):
            yield Occupation(resource, self.job_id, self.spans[0][0], self.spans[-1][1])


def _work(events: Iterable[StreamEvent]) -> Iterable[_Work]:
    """Return the work on every job that was begun; work in progress has no end yet."""
    works: dict[str, _Work] = {}
    bays: dict[str, str] = {}
    for event in events:
        job_id = event.data.get("job_id", "")
        work = works.get(job_id)
        match event.name:
            case "JobAssigned" | "JobReassigned":
                bays[job_id] = event.data["bay_id"]
            case "JobStarted":
                technician_ids = tuple(event.data["technician_ids"])
                span = (datetime.fromisoformat(event.data["started_at"]), _NOT_YET)
                works[job_id] = _Work(
                    job_id, event.store_id, technician_ids, bays.get(job_id, "?"), [span]
                )
            case "JobResumed" if work:
                work.spans.append((datetime.fromisoformat(event.data["resumed_at"]), _NOT_YET))
            case "JobPaused" | "JobFinished" | "JobStopped" if work:
                begin, end = work.spans[-1]
                stopped = next(event.data[name] for name in _ENDS if name in event.data)
                if end == _NOT_YET:
                    work.spans[-1] = (begin, datetime.fromisoformat(stopped))
                work.clocked_s = event.data.get("clocked_s")
            case "JobTimeCorrected" if work:
                work.correct(event.data)
    return works.values()


def _resources(store_id: str, technician_ids: Iterable[str], bay_id: str | None) -> list[str]:
    technicians = [f"{store_id} technician:{technician_id}" for technician_id in technician_ids]
    return [*technicians, f"{store_id} bay:{bay_id}"] if bay_id else technicians


def _compare_overlaps(comparison: Comparison, occupations: Iterable[Occupation]) -> None:
    ordered = sorted(
        occupations, key=lambda each: (each.resource, each.begin, each.end, each.job_id)
    )
    comparison.compared += len(ordered)
    for earlier, later in pairwise(ordered):
        if earlier.resource == later.resource and later.begin < earlier.end:
            comparison.differ(
                earlier.resource,
                f"job at {later.begin:%Y-%m-%d %H:%M:%S}Z",
                f"only {earlier.job_id}",
                f"also {later.job_id}",
            )
