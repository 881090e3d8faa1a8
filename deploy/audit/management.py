"""Check of the records of management, of their states, and of the states that services have."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from deploy.audit.audit_data import COLLECTIONS, CONSUMES, STATES, WORK, AuditData, moment
from deploy.audit.result import Check, Comparison, answer
from deploy.audit.tables import Row
from deploy.audit.topics import StreamEvent

_IDENTITY = frozenset({"zh", "en", "telephone"})
_FIGURES = (
    "scheduled_s",
    "attended_s",
    "late_s",
    "early_leave_s",
    "overtime_s",
    "on_leave",
)


def check_management(audit_data: AuditData) -> Iterator[Check]:
    """Compare records, their changes and their states, and what services have of the states."""
    yield answer("management", _states, audit_data)
    yield answer("management", _changes, audit_data)
    yield answer("management", _attendance, audit_data)
    for service, topics in CONSUMES.items():
        if topics & STATES:
            yield answer(service, _master_data, audit_data, service)


def newest(events: Iterable[StreamEvent]) -> dict[str, StreamEvent]:
    """Return the newest state of each key."""
    states: dict[str, StreamEvent] = {}
    for event in events:
        if event.key not in states or event.sequence > states[event.key].sequence:
            states[event.key] = event
    return states


def _states(audit_data: AuditData) -> Check:
    comparison = Comparison("announced records are those decided on", "management")
    changes = _changes_by_record(audit_data)
    comparison.rows(
        "record",
        {
            f"{COLLECTIONS[topic]} {event.key}": {
                "version": event.sequence,
                "versions": event.data["versions"],
            }
            for topic in COLLECTIONS
            for event in newest(audit_data.of_topic(topic)).values()
        },
        (
            (
                key,
                {
                    "version": row["version"] + row["republished"],
                    "versions": _announced(changes[key]),
                },
            )
            for key, row in _records(audit_data)
        ),
    )
    return comparison.check()


def _master_data(audit_data: AuditData, service: str) -> Check:
    comparison = Comparison("master data are the newest states", service)
    comparison.rows(
        "master_data",
        {
            f"{topic} {key}": {
                "version": event.sequence,
                "event_id": event.id,
                "record": event.data,
            }
            for topic in CONSUMES[service] & STATES
            for key, event in newest(audit_data.applied_by(service, topic)).items()
        },
        (
            (f"{row['topic']} {row['key']}", {**row, "record": orjson.loads(row["record"])})
            for row in audit_data.tables.of(service, "master_data")
        ),
    )
    return comparison.check()


def _changes(audit_data: AuditData) -> Check:
    """Require that a record has each of its changes, and says who made the last one."""
    comparison = Comparison("records have all their changes", "management")
    changes = dict(_changes_by_record(audit_data))
    for key, row in _records(audit_data):
        own = changes.pop(key, [])
        revisions = [change["revision"] for change in own]
        comparison.equal(key, "revisions", list(range(1, row["version"] + 1)), revisions)
        for column in ("changed_by", "changed_at") if own else ():
            comparison.equal(key, f"record.{column}", own[-1][column], row[column])
        comparison.equal(key, "stores", {row["store_id"]}, {each["store_id"] for each in own})
    for key in changes:
        comparison.differ(key, "record", "one row", "no row")
    return comparison.check()


def _attendance(audit_data: AuditData) -> Check:
    """Compare working days with the newest event of each; one without figures has none yet."""
    comparison = Comparison("working days are those announced", "management")
    announced: dict[str, dict[str, Any]] = {}
    for event in audit_data.of_topic(WORK):
        if event.name == "AttendanceRecorded":
            data = event.data
            announced[f"{event.store_id} {data['person_id']} {data['business_date']}"] = {
                "figures": {name: data[name] for name in _FIGURES},
                "end": (moment(data["ended_at"]), data["auto_closed"]),
            }
    comparison.rows("attendance_day", announced, _working_days(audit_data, announced))
    return comparison.check()


def _working_days(
    audit_data: AuditData, announced: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the working days that have figures; a day that goes on ends as it was announced."""
    for row in audit_data.tables.of("management", "attendance_day"):
        key, figures = f"{row['store_id']} {row['person_id']} {row['day']}", row["figures"]
        if figures is None:
            continue
        presences = orjson.loads(row["presences"])
        last = moment(presences[-1]["signed_out_at"]) if presences else None
        end = last, any(each["auto_closed"] for each in presences)
        if presences and last is None:
            end = announced.get(key, {}).get("end", end)
        yield key, {"figures": orjson.loads(figures), "end": end}


def _records(audit_data: AuditData) -> Iterator[tuple[str, Row]]:
    for row in audit_data.tables.of("management", "record"):
        if row["version"]:
            yield f"{row['collection']} {row['record_id']}", row


def _changes_by_record(audit_data: AuditData) -> Mapping[str, Sequence[Row]]:
    """Return the changes of each record, in the order of their revisions."""
    changes: dict[str, list[Row]] = defaultdict(list)
    rows = audit_data.tables.of("management", "record_change")
    for row in sorted(rows, key=lambda each: each["revision"]):
        changes[f"{row['collection']} {row['record_id']}"].append(row)
    return changes


def _announced(changes: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the dated versions: the last change of a day counts, unless it withdraws it.

    What identifies a person is not announced.
    """
    last = {change["valid_from"]: change for change in changes}
    return [
        {"valid_from": day.isoformat(), "content": _without_identity(change)}
        for day, change in sorted(last.items())
        if change["action"] != "withdrawn"
    ]


def _without_identity(change: Row) -> Any:
    content = orjson.loads(change["content"] or "null")
    if content and change["collection"] == "staff":
        return {name: value for name, value in content.items() if name not in _IDENTITY}
    return content
