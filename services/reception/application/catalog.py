"""The catalog: operations, parts and symptom codes, and the names of an estimate's lines."""

import json
from collections.abc import Collection, Mapping, Sequence
from unicodedata import normalize

from pydantic import BaseModel, ConfigDict

from services.reception.application.deps import Deps
from services.reception.domain.estimate_version import EstimateVersion
from services.reception.persistence.catalog import NamedLines, typical_parts
from shared.contracts.management import PartMaster
from shared.db import Connection

MOST_FOUND = 50
"""Largest number of parts found by a text."""


class Names(BaseModel):
    """A name in both languages."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    zh: str
    en: str


class OperationEntry(Names):
    """Labor operation (维修项目) with the symptoms that it commonly fixes and its usual parts.

    ``level`` of the skill, ``certificate`` and ``bay`` are what it needs; ``parts`` counts by part
    number.
    """

    id: str
    skill_code: str
    level: int
    standard_hours: float
    bay: str
    technicians: int
    process_step: str | None = None
    certificate: str | None = None
    symptoms: Sequence[str] = ()
    parts: Mapping[str, int] = {}


class PartEntry(Names):
    """Part (备件) with its price in the store for one unit, tax included."""

    part_number: str
    skill_code: str
    unit: str
    price_cents: int


class PackageEntry(Names):
    """Service package (服务套餐): operations, and parts by number, at one price, tax included."""

    id: str
    op_codes: Sequence[str]
    parts: Mapping[str, int]
    price_cents: int


class ConditionEntry(Names):
    """Condition (条件) in which a symptom shows; ``code`` is the whole symptom's."""

    code: str


class SymptomEntry(Names):
    """Symptom (现象) of a system."""

    symptom: str
    conditions: Sequence[ConditionEntry]


class SystemEntry(Names):
    """System of the vehicle (系统) with its symptoms."""

    system: str
    symptoms: Sequence[SymptomEntry]


class RecallEntry(Names):
    """Open recall or service campaign (召回, 服务活动); an empty list names all."""

    id: str
    brand: str
    models: Sequence[str]
    vin_prefixes: Sequence[str]
    op_codes: Sequence[str]


class CatalogView(BaseModel):
    """The catalog as one store sees it, without parts: with the prices that hold in it.

    ``labor_rate_cents`` is the price of an hour by skill, ``operation_price_cents`` the fixed price
    of an operation, whatever its hours. The entries are those of the group; they are left out where
    the caller has seen their ``revision``.
    """

    revision: str
    operations: Sequence[OperationEntry] = ()
    packages: Sequence[PackageEntry] = ()
    systems: Sequence[SystemEntry] = ()
    recalls: Sequence[RecallEntry] = ()
    labor_rate_cents: Mapping[str, int]
    operation_price_cents: Mapping[str, int]


async def catalog(store_id: str, seen: str, deps: Deps) -> bytes:
    """Return the catalog of a store's present day as the text of a ``CatalogView``.

    It has no entries if the caller has ``seen`` their revision.
    """
    async with deps.catalog.reading, deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        day = deps.today(store)
        revision, entries = await deps.catalog.entries(connection, day)
        prices = await deps.catalog.prices(connection, store, day)
    added = json.dumps(
        {
            "revision": revision,
            "labor_rate_cents": prices.labor_rates,
            "operation_price_cents": prices.operations,
        }
    ).encode()
    if revision == seen:
        return added
    return b"%b, %b" % (entries.removesuffix(b"}"), added.removeprefix(b"{"))


async def find_parts(store_id: str, typed: str, deps: Deps) -> list[PartEntry]:
    """Return the first parts on offer whose number or name contains ``typed``."""
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        day = deps.today(store)
        plain = normalize("NFKC", typed).strip()
        found = await deps.catalog.find_parts(connection, plain, day, MOST_FOUND)
        return _entries(await deps.catalog.parts(connection, store, found, day))


async def named_parts(store_id: str, part_numbers: Collection[str], deps: Deps) -> list[PartEntry]:
    """Return parts by their numbers; one that is no longer offered as it was last."""
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        day = deps.today(store)
        return _entries(await deps.catalog.parts(connection, store, part_numbers, day))


def _entries(parts: Mapping[str, tuple[PartMaster, int]]) -> list[PartEntry]:
    return [
        PartEntry(
            part_number=part_number,
            zh=part.zh,
            en=part.en,
            skill_code=part.skill_code,
            unit=part.unit,
            price_cents=price_cents,
        )
        for part_number, (part, price_cents) in parts.items()
    ]


async def named_lines(
    connection: Connection, estimate_version: EstimateVersion, deps: Deps
) -> NamedLines:
    """Return operations and parts of a version as they were when it was presented."""
    store = await deps.group.store(connection, estimate_version.store_id)
    day = store.local_day(estimate_version.presented_at)
    return await deps.catalog.of_lines(connection, estimate_version.lines, day)


async def typical_parts_of(
    connection: Connection, estimate_version: EstimateVersion, deps: Deps
) -> Mapping[str, Collection[str]]:
    """Return the parts that the operations of a version commonly took when it was presented."""
    return typical_parts(await named_lines(connection, estimate_version, deps))
