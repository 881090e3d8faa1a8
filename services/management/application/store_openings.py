"""Opening of a store (新店开业): all that it needs on its first day, in one command (R40)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from services.management.application import records
from services.management.application.deps import Deps
from services.management.application.imports import (
    LARGEST_PORTION,
    Definition,
    ImportRequest,
    import_records,
)
from services.management.application.records import DefineRequest, Place, days_of
from services.management.domain import errors
from services.management.domain.kinds import (
    BAYS,
    PRICES,
    RULES,
    STAFF,
    STORES,
    Collection,
    Content,
    kind_in,
    record_id_of,
)
from services.management.domain.opening import bays_like, profile_like, profile_of
from services.management.domain.person import Person
from services.management.persistence import records as persistence
from shared.contracts.base import GROUP, Code, DisplayName, Identifier, LocalTime
from shared.contracts.management import NameInBoth, Post, StoreProfile
from shared.contracts.violations import RuleViolation
from shared.db import Connection
from shared.group import CalendarDay
from shared.request_model import Reason, RequestModel
from shared.unit_of_work import UnitOfWork

MOST_STAFF = 200
"""Largest number of people with whom a store opens."""

_NEW = "0"
_OWN = ("zh", "en", "city", "opening", "closing", "zone", "labor_rate_cents")


class NewPerson(RequestModel):
    """Person who begins in a new store (新店员工), with one full-time post there."""

    code: Annotated[Identifier, Field(description="工号")]
    zh: DisplayName
    en: DisplayName
    telephone: Annotated[str | None, Field(max_length=40)] = None
    role: Annotated[Code, Field(description="岗位")]
    skills: dict[Code, Annotated[int, Field(ge=1, le=3)]] = {}
    shift: Code | None = None


class OpenStoreRequest(RequestModel):
    """Request to open a store like another one; hours, zone and rates that are absent are as there.

    With ``own_prices_and_rules`` it takes those of the other store; else the group's hold.
    Its people begin today: they prepare the opening (筹备) and take appointments.
    """

    like: Annotated[Identifier, Field(description="参照门店")]
    first_day: Annotated[CalendarDay, Field(description="开业日")]
    reason: Reason
    zh: DisplayName
    en: DisplayName
    city: NameInBoth
    opening: LocalTime | None = None
    closing: LocalTime | None = None
    zone: Annotated[str | None, Field(max_length=60)] = None
    labor_rate_cents: dict[Code, Annotated[int, Field(ge=1, le=10**9)]] | None = None
    own_prices_and_rules: bool = True
    staff: Annotated[list[NewPerson], Field(max_length=MOST_STAFF)] = []


class OpenedStore(BaseModel):
    """Opened store with the codes of its bays, its own rules and its people, and the number of its
    own ``prices``.
    """

    code: str
    first_day: date
    bays: Sequence[str]
    rules: Sequence[str]
    prices: int
    staff: Sequence[str]


@dataclass(frozen=True)
class _Like:
    """The store that another one is opened like, on the first day of that."""

    profile: StoreProfile
    bays: Mapping[str, Content]
    rules: Mapping[str, Content]
    prices: Mapping[str, Content]


async def open_store(
    uow: UnitOfWork, code: str, command: OpenStoreRequest, deps: Deps
) -> OpenedStore:
    """Open a store like another one: profile, bays, own rules and prices, and people (新店开业).

    All of it is defined, or nothing; a price of what is no longer offered is left out.

    Raises:
        RuleViolation: no store can have the code or one has it already, the other store is unknown
            or closed on the first day, that has passed, or a person, hours, zone or rates are
            refused.
    """
    await _require_new(uow, code)
    like, first_day = await _read_like(uow, command), command.first_day
    profile = profile_like(like.profile, {name: getattr(command, name) for name in _OWN})
    bays = bays_like(like.bays, command.like, code)
    new = _NewRecords(uow, command.reason, deps)
    await new.define(STORES, GROUP, code, profile, first_day)
    async with uow.limited_to(GROUP) as group:
        today = (await days_of(group.connection, [code], uow.now))[code]
    if first_day < today:
        raise errors.day_passed(today, "first_day")
    for collection, contents in ((RULES, like.rules), (BAYS, bays)):
        for each, content in contents.items():
            await new.define(collection, code, each, content, first_day)
    prices = await _define_prices(uow, code, like.prices, command, deps)
    codes = [person.code for person in command.staff]
    for number, person in enumerate(command.staff):
        field = f"staff.{number}."
        if person.code in codes[:number]:
            raise errors.item_twice(person.code, "the staff", f"{field}code")
        await new.define(STAFF, code, person.code, _person(code, person), today, field)
    return OpenedStore(
        code=code,
        first_day=first_day,
        bays=list(bays),
        rules=list(like.rules),
        prices=prices,
        staff=codes,
    )


class _NewRecords:
    """Records that are defined for the first time, each by the same mechanism as any other."""

    def __init__(self, uow: UnitOfWork, reason: str, deps: Deps) -> None:
        self._uow, self._reason, self._deps = uow, reason, deps

    async def define(
        self,
        collection: Collection,
        owner: str,
        code: str,
        content: Content,
        day: date,
        begin: str = "",
    ) -> None:
        """Define a record; a refusal names a field of the request that begins with ``begin``."""
        command = DefineRequest(version=_NEW, valid_from=day, reason=self._reason, content=content)
        try:
            await records.define(self._uow, Place(collection, owner, code), command, self._deps)
        except RuleViolation as violation:
            named = violation.field.removeprefix("content.").removeprefix("posts.0.")
            violation.field = begin + named
            raise


async def _require_new(uow: UnitOfWork, code: str) -> None:
    """Refuse a code that is none of a store, or that one has or had."""
    kind_in(STORES, GROUP, code)
    async with uow.limited_to(GROUP) as group:
        locked = await persistence.lock(group.connection, [(GROUP, STORES, code)])
    [found] = locked.values()
    if found.changes:
        raise errors.store_exists(code)


async def _read_like(uow: UnitOfWork, command: OpenStoreRequest) -> _Like:
    store_id, days = command.like, {command.like: command.first_day}
    async with uow.limited_to(GROUP) as group:
        record = await persistence.find(group.connection, GROUP, STORES, store_id)
    profile = profile_of(record, command.first_day)
    async with uow.limited_to(store_id) as own:
        bays = await _held(own.connection, BAYS, days)
        if not command.own_prices_and_rules:
            return _Like(profile, bays, {}, {})
        rules = await _held(own.connection, RULES, days)
        return _Like(profile, bays, rules, await _held(own.connection, PRICES, days))


async def _held(
    connection: Connection, collection: Collection, days: Mapping[str, date]
) -> dict[str, Content]:
    """Return what holds in the store in scope, by code."""
    held: dict[str, Content] = {}
    after = ""
    while page := await persistence.listed(
        connection, collection, days, after=after, limit=records.LONGEST_LIST
    ):
        held |= {each.code: each.content for each in page if each.content}
        after = record_id_of(collection, page[-1].store_id, page[-1].code)
    return held


async def _define_prices(
    uow: UnitOfWork,
    code: str,
    prices: Mapping[str, Content],
    command: OpenStoreRequest,
    deps: Deps,
) -> int:
    """Define own prices of a new store, and return how many there are."""
    given = [
        Definition.model_construct(
            collection=PRICES.name,
            for_store=code,
            code=each,
            valid_from=command.first_day,
            content=price,
            version=None,
        )
        for each, price in prices.items()
    ]
    defined = 0
    for start in range(0, len(given), LARGEST_PORTION):
        portion = ImportRequest.model_construct(
            reason=command.reason,
            only_new=False,
            definitions=given[start : start + LARGEST_PORTION],
        )
        imported = await import_records(uow, portion, deps)
        defined += sum(each.result == "defined" for each in imported.results)
    return defined


def _person(store_id: str, person: NewPerson) -> Person:
    return Person(
        zh=person.zh,
        en=person.en,
        telephone=person.telephone,
        posts=(Post(role=person.role, in_store=store_id),),
        skills=person.skills,
        shift=person.shift,
    )
