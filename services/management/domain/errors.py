"""Reasons for which management refuses a command."""

from datetime import date

from shared.contracts.violations import RuleViolation


def no_rules_of_stores(kind: str) -> RuleViolation:
    return RuleViolation(
        "no_rules_of_stores",
        f"The rules of {kind} are the group's; a store has none of its own.",
        field="kind",
        kind="not_found",
    )


def another_kind(kind: str) -> RuleViolation:
    return RuleViolation(
        "another_kind", f"The content is not of the kind {kind}.", field="content.kind"
    )


def day_passed(today: date) -> RuleViolation:
    return RuleViolation(
        "day_passed",
        f"Rules cannot be changed for a day that has passed; today is {today}.",
        field="valid_from",
        today=today.isoformat(),
    )


def nothing_holds(day: date) -> RuleViolation:
    return RuleViolation(
        "nothing_holds",
        f"No rules hold on {day} that could end.",
        field="valid_from",
        kind="conflict",
    )


def always_needed(kind: str) -> RuleViolation:
    return RuleViolation(
        "always_needed",
        f"The group's rules of {kind} are needed on every day; define others instead.",
        field="kind",
    )


def no_version_from(day: date) -> RuleViolation:
    return RuleViolation(
        "no_version_from",
        f"No version begins on {day}.",
        field="valid_from",
        kind="not_found",
    )


def already_holds(day: date) -> RuleViolation:
    return RuleViolation(
        "already_holds",
        f"The version of {day} has begun; end it or define another one.",
        field="valid_from",
        kind="conflict",
    )


def unknown_revision(revision: int) -> RuleViolation:
    return RuleViolation(
        "unknown_revision",
        f"There is no revision {revision}.",
        field="of_revision",
        kind="not_found",
    )


def nothing_to_put_back(revision: int) -> RuleViolation:
    return RuleViolation(
        "nothing_to_put_back",
        f"Revision {revision} has no content that could be put back.",
        field="of_revision",
    )


def too_large(largest: int) -> RuleViolation:
    return RuleViolation(
        "too_large",
        f"All versions together may have {largest} bytes.",
        field="content",
        largest=largest,
    )
