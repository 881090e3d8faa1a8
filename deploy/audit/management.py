"""What managers decided, the states that management announces, and what services have of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from deploy.audit.audit_data import CONSUMES, RULES, STATES, AuditData
from deploy.audit.result import Check, Comparison, answer
from deploy.audit.tables import Row
from deploy.audit.topics import StreamEvent

_GROUP = "_group"


def check_management(audit_data: AuditData) -> Iterator[Check]:
    """Compare rule sets, their changes and their states, and what services have of the states."""
    yield answer("management", _states, audit_data)
    yield answer("management", _changes, audit_data)
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
    comparison = Comparison("announced rules are those decided on", "management")
    changes = _changes_by_rule(audit_data)
    comparison.rows(
        "rule_set",
        {
            key: {
                "version": event.sequence,
                "store_id": event.data["for_store"] or _GROUP,
                "versions": event.data["versions"],
            }
            for key, event in newest(audit_data.of_topic(RULES)).items()
        },
        (
            (row["rule_id"], {**row, "versions": _versions(changes[row["rule_id"]])})
            for row in audit_data.tables.of("management", "rule_set")
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
    """Require that a rule set has each of its changes, and says who made the last one."""
    comparison = Comparison("rule sets have all their changes", "management")
    changes = dict(_changes_by_rule(audit_data))
    for row in audit_data.tables.of("management", "rule_set"):
        rule_id, own = row["rule_id"], changes.pop(row["rule_id"], [])
        revisions = [change["revision"] for change in own]
        comparison.equal(rule_id, "revisions", list(range(1, row["version"] + 1)), revisions)
        for column in ("changed_by", "changed_at") if own else ():
            comparison.equal(rule_id, f"rule_set.{column}", own[-1][column], row[column])
        comparison.equal(rule_id, "stores", {row["store_id"]}, {each["store_id"] for each in own})
    for rule_id in changes:
        comparison.differ(rule_id, "rule_set", "one row", "no row")
    return comparison.check()


def _changes_by_rule(audit_data: AuditData) -> Mapping[str, Sequence[Row]]:
    """Return the changes of each rule set, in the order of their revisions."""
    changes: dict[str, list[Row]] = defaultdict(list)
    rows = audit_data.tables.of("management", "rule_change")
    for row in sorted(rows, key=lambda each: each["revision"]):
        changes[row["rule_id"]].append(row)
    return changes


def _versions(changes: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the dated versions: the last change of a day counts, unless it withdraws it."""
    last = {change["valid_from"]: change for change in changes}
    return [
        {"valid_from": day.isoformat(), "content": orjson.loads(change["content"] or "null")}
        for day, change in sorted(last.items())
        if change["action"] != "withdrawn"
    ]
