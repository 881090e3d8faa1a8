"""Reasons for which management refuses a command on attendance."""

from datetime import datetime, tzinfo

from shared.contracts.violations import RuleViolation


def not_on_staff(person_id: str) -> RuleViolation:
    return RuleViolation(
        "not_on_staff",
        f"{person_id} has no post in this store on that day.",
        field="person_id",
        kind="forbidden",
        person=person_id,
    )


def already_signed_in(since: datetime, zone: tzinfo) -> RuleViolation:
    return RuleViolation(
        "already_signed_in",
        f"Signed in since {_local(since, zone)}; sign out first.",
        field="signed_in_at",
        kind="conflict",
        at=since.isoformat(),
        time=_local(since, zone),
    )


def not_signed_in(last: datetime | None, zone: tzinfo) -> RuleViolation:
    if last is None:
        return RuleViolation(
            "not_signed_in", "Not signed in; sign in first.", field="signed_out_at", kind="conflict"
        )
    return RuleViolation(
        "already_signed_out",
        f"Signed out at {_local(last, zone)}; sign in first.",
        field="signed_out_at",
        kind="conflict",
        at=last.isoformat(),
        time=_local(last, zone),
    )


def _local(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def in_future(field: str) -> RuleViolation:
    return RuleViolation("time_in_future", "It lies in the future.", field=field)


def ends_before_it_begins(field: str) -> RuleViolation:
    return RuleViolation(
        "signed_out_before_in", "The sign-out comes before its sign-in.", field=field
    )


def too_long(field: str) -> RuleViolation:
    return RuleViolation(
        "presence_too_long", "The sign-out comes more than a day after its sign-in.", field=field
    )


def presences_overlap(field: str) -> RuleViolation:
    return RuleViolation(
        "presences_overlap", "The sign-in comes before the sign-out before it.", field=field
    )


def sign_out_needed(field: str) -> RuleViolation:
    return RuleViolation(
        "sign_out_needed", "The working day is over; it needs a sign-out.", field=field
    )


def another_day(field: str, begin: datetime, end: datetime) -> RuleViolation:
    return RuleViolation(
        "another_working_day",
        f"The working day is from {begin.isoformat()} to {end.isoformat()}.",
        field=field,
        begin=begin.isoformat(),
        end=end.isoformat(),
    )
