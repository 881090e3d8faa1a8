"""Directory of a store: what people at the desk see by name, in one answer (R40)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import get_args

from pydantic import BaseModel

from services.management.application.deps import Deps
from services.management.application.records import days_of
from services.management.domain import errors
from services.management.domain.kinds import STAFF, Content
from services.management.domain.person import Person
from services.management.domain.record import Record, content_on
from services.management.persistence import records
from shared.contracts.base import GROUP
from shared.contracts.management import (
    BayProfile,
    FacilityChecklistRules,
    FacilityItem,
    InspectionChecklistRules,
    InspectionItem,
    NameInBoth,
    Post,
    Questionnaire,
    StoreProfile,
)
from shared.db import EVERYWHERE
from shared.security import Principal, Role


class DirectoryPerson(BaseModel):
    """Names of a person, with the posts of today; who has left has none."""

    zh: str
    en: str
    posts: Sequence[Post]


class DirectoryContent(BaseModel):
    """Store, with its bays and people by id, and the items of checks and inspections and the
    factors of surveys by their codes.

    What has ended keeps its last name, as past work names it. A store whose only definition was
    withdrawn is absent.
    """

    store: StoreProfile | None
    bays: Mapping[str, BayProfile]
    people: Mapping[str, DirectoryPerson]
    check_items: Mapping[str, NameInBoth]
    survey_factors: Mapping[str, NameInBoth]


class Directory(BaseModel):
    """Directory as of a ``revision``; without content it is the one that the caller has seen."""

    revision: str
    content: DirectoryContent | None


class StoresRevision(BaseModel):
    """Revision of the list of all stores, by which a caller knows whether to ask for it again."""

    revision: str


class OwnRoles(BaseModel):
    """Roles that a person has by their posts of today, or a program by its token."""

    roles: Sequence[Role]


def own_roles(caller: Principal) -> OwnRoles:
    """Return the roles of the caller, for a process that does not know the staff itself."""
    return OwnRoles(roles=[role for role in get_args(Role) if caller.has(role)])


async def stores_revision(deps: Deps) -> StoresRevision:
    """Return the revision of the list of all stores.

    It is another one after each change, and each hour, as a version begins with its store's day.
    """
    async with deps.uow_factory.read(GROUP) as connection:
        changes = await records.changes_of_stores(connection)
    return StoresRevision(revision=f"{deps.uow_factory.clock.now():%Y-%m-%dT%H}.{changes}")


async def directory(store_id: str, seen: str, deps: Deps) -> Directory:
    """Return what people see by name in a store, unless the caller has ``seen`` it already."""
    async with deps.uow_factory.read(GROUP, store_id) as connection:
        days = await days_of(connection, [store_id], deps.uow_factory.clock.now())
        day = days[store_id]
        revision = f"{day}.{await records.changes_of_directory(connection, store_id)}"
        if revision == seen:
            return Directory(revision=revision, content=None)
        found = await records.of_directory(connection, store_id)
    return Directory(revision=revision, content=_content(store_id, found, day))


async def directory_person(person_id: str, deps: Deps) -> DirectoryPerson:
    """Return a person of any store, or of the group, with the posts of the group's day.

    Raises:
        RuleViolation: the person never had a record.
    """
    async with deps.uow_factory.read(GROUP, EVERYWHERE) as connection:
        day = (await days_of(connection, [GROUP], deps.uow_factory.clock.now()))[GROUP]
        found = await records.find(connection, GROUP, STAFF, person_id)
    known = _named(found, day)
    if not isinstance(known, Person):
        raise errors.unknown_person(person_id)
    return _person(found, known, day)


def _content(store_id: str, found: Sequence[Record], day: date) -> DirectoryContent:
    named = [(record, content) for record in found if (content := _named(record, day))]
    return DirectoryContent(
        store=next((content for _, content in named if isinstance(content, StoreProfile)), None),
        bays={
            record.record_id: content
            for record, content in named
            if isinstance(content, BayProfile)
        },
        people={
            record.record_id: _person(record, content, day)
            for record, content in named
            if isinstance(content, Person) and _concerns(record, store_id)
        },
        check_items=_check_items(found),
        survey_factors=_survey_factors(found),
    )


def _named(record: Record, day: date) -> Content | None:
    """Return the content of a day, else the one that was decided last."""
    decided = [change.content for change in record.changes if change.content]
    return content_on(record.versions, day) or (decided[-1] if decided else None)


def _concerns(record: Record, store_id: str) -> bool:
    """Return whether a person ever had a post in the store, or in the whole group."""
    return any(
        post.in_store in (None, store_id)
        for change in record.changes
        if isinstance(change.content, Person)
        for post in change.content.posts
    )


def _person(record: Record, known: Person, day: date) -> DirectoryPerson:
    today = content_on(record.versions, day)
    return DirectoryPerson(
        zh=known.zh, en=known.en, posts=today.posts if isinstance(today, Person) else ()
    )


def _check_items(found: Iterable[Record]) -> dict[str, NameInBoth]:
    """Return the items of all checklists, named as they were last."""
    return {
        item.item: NameInBoth(zh=item.zh, en=item.en)
        for record in found
        for change in record.changes
        for item in _items(change.content)
    }


def _survey_factors(found: Iterable[Record]) -> dict[str, NameInBoth]:
    """Return the factors of all questionnaires, named as they were last."""
    return {
        factor.factor: NameInBoth(zh=factor.zh, en=factor.en)
        for record in found
        for change in record.changes
        if isinstance(change.content, Questionnaire)
        for factor in change.content.factors
    }


def _items(content: Content | None) -> Iterator[FacilityItem | InspectionItem]:
    match content:
        case FacilityChecklistRules():
            for area in content.areas:
                yield from area.items
        case InspectionChecklistRules():
            for skill in content.skills:
                yield from skill.items
