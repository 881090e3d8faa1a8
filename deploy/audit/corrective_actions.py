"""Management's corrective actions against their own events and against what was found."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from deploy.audit.audit_data import CONSUMES, WORK, AuditData, moment
from deploy.audit.result import Check, Comparison, answer
from deploy.audit.topics import StreamEvent

_WORST_RATING = 2
"""Highest rating that leads to a corrective action."""


def check_corrective_actions(audit_data: AuditData) -> Iterator[Check]:
    """Compare corrective actions with what is published of them and with the findings."""
    yield answer("management", _published, audit_data)
    yield answer("management", _found, audit_data)


def _published(audit_data: AuditData) -> Check:
    comparison = Comparison("corrective actions are those published", "management")
    expected: dict[str, dict[str, Any]] = defaultdict(dict)
    for event in audit_data.of_topic(WORK):
        if changed := _change(event):
            expected[event.data["corrective_action_id"]].update(changed, store_id=event.store_id)
    comparison.rows(
        "corrective_action",
        expected,
        (
            (row["corrective_action_id"], {**row, "findings": orjson.loads(row["findings"])})
            for row in audit_data.tables.of("management", "corrective_action")
        ),
    )
    return comparison.check()


_COLUMNS: Mapping[str, Sequence[str]] = {
    "CorrectiveActionOpened": (
        "source",
        "source_id",
        "source_event_id",
        "order_id",
        "findings",
        "found_by",
        "follows_id",
        "owner_id",
    ),
    "CorrectiveActionAnswered": ("answered_by",),
    "CorrectiveActionClosed": ("closed_by", "result"),
    "CorrectiveActionAssessed": ("assessed_by", "is_effective"),
}
"""Columns that an event of a corrective action sets, besides times."""


def _change(event: StreamEvent) -> dict[str, Any]:
    """Return the columns that an event of a corrective action sets, with their values."""
    if event.name == "CorrectiveActionOverdue":
        return {"overdue_at": event.time}
    data, columns = event.data, _COLUMNS.get(event.name)
    if columns is None:
        return {}
    times = {name: moment(data[name]) for name in data if name.endswith("_at")}
    return {**{name: data[name] for name in columns}, **times}


def _found(audit_data: AuditData) -> Check:
    """Require one corrective action a finding, and a further one only after no effect.

    A finding whose owner or rule is missing waits for it.
    """
    comparison = Comparison("each finding has one corrective action", "management")
    waiting = {
        row["entity_id"]
        for row in audit_data.tables.of("management", "timer")
        if row["kind"] == "finding"
    }
    expected = {
        finding: {"store_id": event.store_id}
        for topic in CONSUMES["management"]
        for event in audit_data.applied_by("management", topic)
        if (finding := _finding(event)) and finding not in waiting
    }
    opened = audit_data.tables.of("management", "corrective_action")
    comparison.rows(
        "corrective_action",
        expected,
        (
            (f"{row['source']}/{row['source_id']}", row)
            for row in opened
            if row["follows_id"] is None
        ),
    )
    without_effect = sorted(
        row["corrective_action_id"] for row in opened if row["is_effective"] is False
    )
    followed = sorted(row["follows_id"] for row in opened if row["follows_id"])
    comparison.equal("corrective_action", "followed", without_effect, followed)
    return comparison.check()


def _finding(event: StreamEvent) -> str | None:
    """Return source and id of the finding that an event tells, if it tells one."""
    data = event.data
    match event.name:
        case "FeedbackSubmitted":
            names = ("work_quality", "technical_skill", "service_attitude")
            is_bad = any(data[name] <= _WORST_RATING for name in names)
            found = ("feedback", event.key)
        case "FacilityCheckCompleted":
            is_bad, found = bool(data["failed"]), ("facility_check", data["check_id"])
        case "FollowUpCompleted":
            given = data["satisfaction"]
            is_bad = given is not None and given <= _WORST_RATING
            found = ("follow_up", data["follow_up_id"])
        case "QualityInspectionFailed":
            is_bad = bool(data["rework_of_job_id"] and data["failed_items"])
            found = ("quality_inspection", data["job_id"])
        case "ComebackLinked":
            is_bad, found = bool(data["symptoms"]), ("comeback", event.key)
        case _:
            return None
    return "/".join(found) if is_bad else None
