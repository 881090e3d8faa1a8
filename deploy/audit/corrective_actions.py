"""Management's corrective actions against their own events and against what was found."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from deploy.audit.audit_data import CONSUMES, RULES, WORK, AuditData, moment
from deploy.audit.result import Check, Comparison, answer
from deploy.audit.topics import StreamEvent

_LOWEST_ACCEPTABLE = 3
"""Lowest rating that leads to no corrective action, where no rules say otherwise."""


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
    lowest = _FeedbackRules.of_audit(audit_data)
    expected = {
        finding: {"store_id": event.store_id}
        for topic in CONSUMES["management"]
        for event in audit_data.applied_by("management", topic)
        for finding in _findings(event, lowest.of(event))
        if finding not in waiting
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


@dataclass(frozen=True)
class _FeedbackRules:
    """States of the rules of feedback by key, in their order, and the zones of stores."""

    states: Mapping[str, Sequence[StreamEvent]]
    zones: Mapping[str, ZoneInfo]

    @classmethod
    def of_audit(cls, audit_data: AuditData) -> "_FeedbackRules":
        states: dict[str, list[StreamEvent]] = defaultdict(list)
        for event in sorted(audit_data.of_topic(RULES), key=lambda event: event.sequence):
            states[event.key].append(event)
        return cls(states, audit_data.zones)

    def of(self, event: StreamEvent) -> int:
        """Return the lowest acceptable rating of the store and the day of an event."""
        assert event.time  # noqa: S101
        day = event.time.astimezone(self.zones.get(event.store_id, UTC)).date().isoformat()
        for key in (f"feedback.{event.store_id}", "feedback"):
            states = self.states.get(key, ())
            known = [each for each in states if each.time and each.time <= event.time]
            versions = known[-1].data["versions"] if known else ()
            begun = [each["content"] for each in versions if each["valid_from"] <= day]
            if begun and begun[-1]:
                return int(begun[-1]["lowest_acceptable_rating"])
        return _LOWEST_ACCEPTABLE


def _findings(event: StreamEvent, lowest: int) -> Sequence[str]:
    """Return source and id of each finding that an event tells.

    Ratings under ``lowest`` are findings.
    """
    data = event.data
    if event.name == "SurveyMonthEvaluated":
        month = f"survey_month/{event.store_id}/{data['month']}"
        return [f"{month}/{factor}" for factor in data["weak_factors"]]
    found = _finding(event.name, event.key, data, lowest)
    return [found] if found else ()


def _finding(name: str, key: str, data: Mapping[str, Any], lowest: int) -> str | None:
    """Return source and id of the only finding that an event tells, if it tells one."""
    match name:
        case "FeedbackSubmitted":
            names = ("work_quality", "technical_skill", "service_attitude")
            is_bad = any(data[each] < lowest for each in names)
            found = ("feedback", key)
        case "FacilityCheckCompleted":
            is_bad, found = bool(data["failed"]), ("facility_check", data["check_id"])
        case "FollowUpCompleted":
            given = data["satisfaction"]
            is_bad = given is not None and given < lowest
            found = ("follow_up", data["follow_up_id"])
        case "QualityInspectionFailed":
            is_bad = bool(data["rework_of_job_id"] and data["failed_items"])
            found = ("quality_inspection", data["job_id"])
        case "ComebackLinked":
            is_bad, found = bool(data["symptoms"]), ("comeback", key)
        case "SurveyAnswered":
            is_bad, found = bool(data["low_factors"]), ("survey", data["survey_id"])
        case "ComplaintCauseRepeated":
            is_bad, found = True, ("complaint", data["complaint_id"])
        case _:
            return None
    return "/".join(found) if is_bad else None
