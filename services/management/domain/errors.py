"""Reasons for which management refuses a command."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, tzinfo
from difflib import SequenceMatcher

from shared.contracts.management import BAY_TYPES, SKILLS
from shared.contracts.violations import RuleViolation

MOST_NAMED = 6
"""Largest number of known codes that a refusal names."""


def most_alike(code: str, known: Iterable[str]) -> list[str]:
    """Return some of the known codes, those first that are most like ``code``."""

    def unlike(other: str) -> tuple[float, str]:
        return -SequenceMatcher(None, code, other).ratio(), other

    return sorted(known, key=unlike)[:MOST_NAMED]


def naming(refusal: RuleViolation, code: str, known: Iterable[str]) -> RuleViolation:
    """Return the refusal of an unknown code with some of those that are known."""
    named = most_alike(code, known)
    if not named:
        return refusal
    return RuleViolation(
        refusal.rule,
        f"{refusal.message} {known_are(named)}",
        field=refusal.field,
        kind=refusal.kind,
        **refusal.values,
        known=named,
    )


def known_are(codes: Sequence[str]) -> str:
    """Return the sentence that names known codes."""
    return f"Known are, for example: {', '.join(codes)}."


def no_rules_of_stores(kind: str) -> RuleViolation:
    return RuleViolation(
        "no_rules_of_stores",
        f"The rules of {kind} are the group's; a store has none of its own.",
        field="code",
        kind="not_found",
    )


def decided_by_others(collection: str) -> RuleViolation:
    return RuleViolation(
        "decided_by_others",
        f"No decision on {collection} is made here.",
        field="code",
        kind="not_found",
    )


def unknown_kind(code: str) -> RuleViolation:
    return RuleViolation(
        "unknown_kind", f"There is no kind for {code}.", field="code", kind="not_found"
    )


def owned_elsewhere(code: str) -> RuleViolation:
    return RuleViolation(
        "owned_elsewhere",
        f"{code} belongs to another store, or to the group.",
        field="code",
        kind="conflict",
    )


def no_such_role_there(role: str, field: str, roles: Iterable[str]) -> RuleViolation:
    refusal = RuleViolation(
        "no_such_role_there",
        f"There is no post of {role} in that place: some are in stores, some in the group.",
        field=field,
        role=role,
    )
    return naming(refusal, role, roles)


def unknown_store(store_id: str, field: str) -> RuleViolation:
    return RuleViolation(
        "unknown_store", f"There is no store {store_id}.", field=field, store=store_id
    )


def code_of_store_needed(store_id: str, code: str) -> RuleViolation:
    return RuleViolation(
        "code_of_store_needed",
        f"{code} does not begin with {store_id}-.",
        field="code",
        prefix=f"{store_id}-",
    )


def store_code_needed(code: str) -> RuleViolation:
    return RuleViolation(
        "store_code_needed",
        f"{code} is no code of a store: it has up to 20 letters, digits and hyphens.",
        field="code",
        code=code,
    )


def store_exists(code: str) -> RuleViolation:
    return RuleViolation(
        "store_exists",
        f"There is a store {code}, or there was one.",
        field="code",
        kind="conflict",
        store=code,
    )


def month_unusable(code: str) -> RuleViolation:
    return RuleViolation(
        "month_unusable",
        f"{code} is no month such as 2026-03 that has begun.",
        field="code",
        code=code,
    )


def code_unusable(code: str) -> RuleViolation:
    return RuleViolation(
        "code_unusable",
        f"{code} is no code: it has printable ASCII characters without blanks, a letter or a digit "
        "before and after each slash, for an item no colon, and does not end in /history, "
        "/withdraw, /put-back, /end, /open or /change.",
        field="code",
        code=code,
    )


def code_too_long(longest: int) -> RuleViolation:
    return RuleViolation(
        "code_too_long",
        f"The code has {longest} characters at most.",
        field="code",
        longest=longest,
    )


def like_store_closed(store_id: str, day: date) -> RuleViolation:
    return RuleViolation(
        "like_store_closed",
        f"The store {store_id} is closed on {day}.",
        field="like",
        store=store_id,
        day=day.isoformat(),
    )


def unknown_person(person_id: str) -> RuleViolation:
    return RuleViolation(
        "unknown_person",
        f"{person_id} never had a record.",
        field="person_id",
        kind="not_found",
        person=person_id,
    )


def unknown_operation(code: str, field: str) -> RuleViolation:
    return RuleViolation(
        "unknown_operation", f"There is no labor operation {code}.", field=field, code=code
    )


def unknown_part(part_number: str, field: str) -> RuleViolation:
    return RuleViolation(
        "unknown_part", f"There is no part {part_number}.", field=field, code=part_number
    )


def cost_needed() -> RuleViolation:
    return RuleViolation("cost_needed", "The cost of a part is needed.", field="content.cost_cents")


def unknown_shift(shift: str, field: str, shifts: Iterable[str]) -> RuleViolation:
    refusal = RuleViolation(
        "unknown_shift",
        f"Neither the group nor a store of the person has a shift {shift}.",
        field=field,
        code=shift,
    )
    return naming(refusal, shift, shifts)


def unknown_skill(skill: str, field: str) -> RuleViolation:
    refusal = RuleViolation(
        "unknown_skill", f"There is no skill {skill}.", field=field, skill=skill
    )
    return naming(refusal, skill, SKILLS)


def unknown_bay_type(name: str, field: str) -> RuleViolation:
    refusal = RuleViolation(
        "unknown_bay_type", f"There is no type of bay {name}.", field=field, type=name
    )
    return naming(refusal, name, BAY_TYPES)


def item_twice(item: str, where: str, field: str) -> RuleViolation:
    return RuleViolation(
        "item_twice", f"The item {item} stands in {where} twice.", field=field, code=item
    )


def ends_before_it_begins(field: str) -> RuleViolation:
    return RuleViolation(
        "ends_before_it_begins", "Its last day comes before its first.", field=field
    )


def leave_too_long(longest: int) -> RuleViolation:
    return RuleViolation(
        "leave_too_long", f"Leave has at most {longest} days.", field="last_day", days=longest
    )


def too_much_leave(most: int) -> RuleViolation:
    return RuleViolation(
        "too_much_leave", f"A record holds at most {most} leaves.", field="first_day", most=most
    )


def leave_elsewhere(day: date, store_id: str) -> RuleViolation:
    return RuleViolation(
        "leave_elsewhere",
        f"On {day} the person has no post in the store {store_id}; the other store decides, and "
        "leave across a move needs two requests.",
        kind="conflict",
        day=day.isoformat(),
        store=store_id,
    )


def leave_overlaps(first_day: str, last_day: str) -> RuleViolation:
    return RuleViolation(
        "leave_overlaps",
        f"It overlaps leave from {first_day} to {last_day}.",
        field="first_day",
        kind="conflict",
        first_day=first_day,
        last_day=last_day,
    )


def leave_decided(status: str) -> RuleViolation:
    return RuleViolation(
        "leave_decided",
        f"The request is {status}.",
        field="leave_request_id",
        kind="conflict",
        leave_status=status,
    )


def leave_begun(first_day: date) -> RuleViolation:
    return RuleViolation(
        "leave_begun",
        f"The leave began on {first_day}; a manager can shorten it.",
        field="leave_request_id",
        kind="conflict",
        first_day=first_day.isoformat(),
    )


def own_leave() -> RuleViolation:
    return RuleViolation(
        "own_leave",
        "Another manager decides on one's own leave.",
        field="leave_request_id",
        kind="forbidden",
    )


def leave_of_another() -> RuleViolation:
    return RuleViolation(
        "leave_of_another",
        "The leave of another person is theirs to withdraw.",
        field="leave_request_id",
        kind="forbidden",
    )


def another_kind(kind: str) -> RuleViolation:
    return RuleViolation(
        "another_kind", f"The content is not of the kind {kind}.", field="content.kind"
    )


def day_passed(today: date, field: str = "valid_from") -> RuleViolation:
    return RuleViolation(
        "day_passed",
        f"Nothing can be changed for a day that has passed; today is {today}.",
        field=field,
        today=today.isoformat(),
    )


def nothing_holds(day: date) -> RuleViolation:
    return RuleViolation(
        "nothing_holds",
        f"Nothing holds on {day} that could end.",
        field="valid_from",
        kind="conflict",
    )


def always_needed(kind: str) -> RuleViolation:
    return RuleViolation(
        "always_needed",
        f"The group's rules of {kind} are needed on every day; define others instead.",
        field="code",
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


def too_long_for_cell(code: str, column: str) -> RuleViolation:
    return RuleViolation(
        "too_long_for_cell",
        f"What {code} has in {column} is too long for a cell.",
        field=column,
        code=code,
    )


def kind_needed(kinds: Sequence[str]) -> RuleViolation:
    return RuleViolation(
        "kind_needed",
        f"Neither title nor headings say which kind it is; choose one of {', '.join(kinds)}.",
        field="kind",
        kinds=list(kinds),
    )


def too_many_records(most: int) -> RuleViolation:
    return RuleViolation(
        "too_many_records",
        f"A sheet has {most} records at most; export the records in parts.",
        field="last",
        most=most,
    )


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


def time_in_future(field: str) -> RuleViolation:
    return RuleViolation("time_in_future", "It lies in the future.", field=field)


def signed_out_before_in(field: str) -> RuleViolation:
    return RuleViolation(
        "signed_out_before_in", "The sign-out comes before its sign-in.", field=field
    )


def presence_too_long(field: str) -> RuleViolation:
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


def another_working_day(field: str, begin: datetime, end: datetime) -> RuleViolation:
    return RuleViolation(
        "another_working_day",
        f"The working day is from {begin.isoformat()} to {end.isoformat()}.",
        field=field,
        begin=begin.isoformat(),
        end=end.isoformat(),
    )
