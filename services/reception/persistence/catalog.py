"""Catalog as a transaction sees it: prices, names, symptoms and recalls from master data."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import TypeVar

from services.reception.domain.estimate import (
    CatalogOperation,
    PartQuantity,
    PriceList,
    RequestedWork,
    ServicePackage,
)
from services.reception.domain.prices import Prices, store_prices
from shared.contracts.base import EventPart
from shared.contracts.dated import content_on
from shared.contracts.management import (
    CatalogItemDefined,
    LaborOperation,
    PartMaster,
    PriceDefined,
    ServicePackageDefinition,
    SymptomSystem,
)
from shared.contracts.reception import EstimateLine
from shared.db import Connection
from shared.group import Store
from shared.master_data import MasterData

C = TypeVar("C", bound=EventPart)

NamedLines = Mapping[tuple[str, str], LaborOperation | PartMaster]
"""Operations and parts by the kind and code of an estimate's lines."""

_KINDS = {"labor": "operation", "part": "part"}

# Of each record it is newer than before: the sum grows with every change.
_SELECT_VERSION = "SELECT sum(version)::text FROM master_data WHERE topic = $1"

_VERSION_OF_DAY = """
CROSS JOIN LATERAL (
    SELECT each -> 'content' AS content
    FROM jsonb_array_elements(record -> 'versions') AS each
    WHERE each ->> 'valid_from' <= $2
    ORDER BY each ->> 'valid_from' DESC
    LIMIT 1) AS version
"""

_SELECT_ENTRIES = f"""
WITH item AS (
    SELECT key, split_part(key, ':', 1) AS kind, substr(key, strpos(key, ':') + 1) AS code,
           version.content
    FROM master_data
    {_VERSION_OF_DAY}
    WHERE topic = $1 AND NOT key ^@ 'part:' AND jsonb_typeof(version.content) = 'object'
), operation AS (
    SELECT key, json_build_object(
        'zh', content -> 'zh', 'en', content -> 'en', 'id', code,
        'skill_code', content -> 'skill_code', 'level', content -> 'level',
        'standard_hours', content -> 'standard_hours', 'bay', content -> 'bay',
        'technicians', content -> 'technicians', 'process_step', content -> 'process_step',
        'certificate', content -> 'certificate', 'symptoms', content -> 'symptoms',
        'parts', content -> 'parts') AS entry
    FROM item WHERE kind = 'operation'
), package AS (
    SELECT key, json_build_object(
        'zh', content -> 'zh', 'en', content -> 'en', 'id', code,
        'op_codes', content -> 'op_codes', 'parts', content -> 'parts',
        'price_cents', content -> 'price_cents') AS entry
    FROM item WHERE kind = 'package'
), system AS (
    SELECT key, json_build_object(
        'zh', content -> 'zh', 'en', content -> 'en', 'system', code,
        'symptoms', content -> 'symptoms') AS entry
    FROM item WHERE kind = 'symptoms'
), recall AS (
    SELECT key, json_build_object(
        'zh', content -> 'zh', 'en', content -> 'en', 'id', code,
        'brand', content -> 'brand', 'models', content -> 'models',
        'vin_prefixes', content -> 'vin_prefixes', 'op_codes', content -> 'op_codes') AS entry
    FROM item WHERE kind = 'recall'
)
SELECT json_build_object(
    'operations', (SELECT coalesce(json_agg(entry ORDER BY key), '[]') FROM operation),
    'packages', (SELECT coalesce(json_agg(entry ORDER BY key), '[]') FROM package),
    'systems', (SELECT coalesce(json_agg(entry ORDER BY key), '[]') FROM system),
    'recalls', (SELECT coalesce(json_agg(entry ORDER BY key), '[]') FROM recall))::text
"""

_FIND_PARTS = f"""
SELECT key
FROM master_data
{_VERSION_OF_DAY}
WHERE topic = $1 AND key ^@ 'part:' AND jsonb_typeof(version.content) = 'object'
  AND strpos(lower(normalize(
        concat_ws(chr(10), substr(key, 6), content ->> 'zh', content ->> 'en'), NFKC)), $3) > 0
ORDER BY key
LIMIT $4
"""

# All keys of a price list have one of a few beginnings; none contains the character after "~".
_SELECT_PRICES = f"""
WITH listed AS (
    SELECT key, true AS is_own FROM master_data
    WHERE topic = $1 AND for_stores @> ARRAY[$3] AND NOT key ^@ 'part_price:'
    UNION ALL
    SELECT key, false FROM unnest($4::text[]) AS beginning
    JOIN master_data ON key >= beginning AND key < beginning || chr(127)
    WHERE topic = $1
)
SELECT key, is_own, (version.content ->> 'price_cents')::bigint AS price_cents
FROM listed
JOIN master_data USING (key)
{_VERSION_OF_DAY}
WHERE topic = $1 AND jsonb_typeof(version.content) = 'object'
"""


class Catalog:
    """Reader of the catalog.

    New work may name what is offered on its day; work that was ordered before keeps what has ended
    since, as it was last. All entries are kept as the text of one day, until one of them changes;
    whoever asks for them holds ``reading``, so that they are put together once.
    """

    def __init__(self, master_data: MasterData) -> None:
        self._master_data = master_data
        self._entries: tuple[str, date, bytes] | None = None
        self.reading = asyncio.Lock()

    async def price_list(
        self,
        connection: Connection,
        store: Store,
        work: RequestedWork,
        day: date,
    ) -> PriceList:
        """Return the prices in the store on ``day`` of what the work names; what is not offered is
        absent.
        """
        packages = await self._offered(
            connection, ServicePackageDefinition, "package", work.packages, day
        )
        contained = packages.values()
        operations = {*work.op_codes, *(code for each in contained for code in each.op_codes)}
        parts = {part.part_number for part in work.parts}
        parts |= {part_number for each in contained for part_number in each.parts}
        keys = [*_keys("operation", operations), *_keys("part", parts)]
        states = await self._master_data.get(connection, CatalogItemDefined, keys)
        found = {key: content_on(state.versions, day) for key, state in states.items()}
        offered = {
            _code(key): _operation(key, content)
            for key, content in found.items()
            if isinstance(content, LaborOperation)
        }
        list_prices = {
            _code(key): content.list_price_cents
            for key, content in found.items()
            if isinstance(content, PartMaster)
        }
        return PriceList(
            offered,
            store_prices(
                *await self._listed_prices(connection, store, offered, list_prices, day),
                Prices(parts=list_prices, labor_rates=store.labor_rate_cents),
            ),
            packages={code: _package(code, each) for code, each in packages.items()},
        )

    async def _listed_prices(
        self,
        connection: Connection,
        store: Store,
        operations: Mapping[str, CatalogOperation],
        parts: Iterable[str],
        day: date,
    ) -> tuple[Prices, Prices]:
        """Return the store's own prices, and those of its price list, as they are on ``day``."""
        items = [
            *(("part_price", part_number) for part_number in parts),
            *(("operation_price", op_code) for op_code in operations),
            *(("labor_rate", skill) for skill in {op.skill_code for op in operations.values()}),
        ]
        own = {f"{kind}:{item}.{store.id}": (kind, item) for kind, item in items}
        listed = {f"{kind}:{store.price_list}:{item}": (kind, item) for kind, item in items}
        keys = own | listed if store.price_list else own
        states = await self._master_data.get(connection, PriceDefined, keys)
        cents = {
            key: content.price_cents
            for key, state in states.items()
            if (content := content_on(state.versions, day))
        }
        return _prices(own, cents), _prices(listed, cents)

    async def prices(self, connection: Connection, store: Store, day: date) -> Prices:
        """Return all prices of operations on ``day`` that come before the catalog's, and the labor
        rates.
        """
        kinds = ("operation_price", "labor_rate") if store.price_list else ()
        rows = await connection.fetch(
            _SELECT_PRICES,
            PriceDefined.topic,
            day.isoformat(),
            store.id,
            [f"{kind}:{store.price_list}:" for kind in kinds],
        )
        own: dict[str, tuple[str, str]] = {}
        listed: dict[str, tuple[str, str]] = {}
        for row in rows:
            kind, _, rest = row["key"].partition(":")
            if row["is_own"]:
                own[row["key"]] = kind, rest.removesuffix(f".{store.id}")
            else:
                listed[row["key"]] = kind, _code(rest)
        cents = {row["key"]: row["price_cents"] for row in rows}
        rates = Prices(labor_rates=store.labor_rate_cents)
        return store_prices(_prices(own, cents), _prices(listed, cents), rates)

    async def find_parts(
        self, connection: Connection, typed: str, day: date, limit: int
    ) -> list[str]:
        """Return the numbers of parts offered on ``day`` whose number or name contains a text."""
        rows = await connection.fetch(
            _FIND_PARTS, CatalogItemDefined.topic, day.isoformat(), typed.lower(), limit
        )
        return [_code(row["key"]) for row in rows]

    async def parts(
        self, connection: Connection, store: Store, part_numbers: Collection[str], day: date
    ) -> dict[str, tuple[PartMaster, int]]:
        """Return parts by number as they are on ``day``, each with its price in the store."""
        known = await self._known(connection, _keys("part", part_numbers), day)
        parts = {_code(key): part for key, part in known.items() if isinstance(part, PartMaster)}
        listed = {part_number: part.list_price_cents for part_number, part in parts.items()}
        prices = store_prices(
            *await self._listed_prices(connection, store, {}, listed, day), Prices(parts=listed)
        )
        return {number: (part, prices.parts[number]) for number, part in parts.items()}

    async def offers_operation(self, connection: Connection, op_code: str, day: date) -> bool:
        """Return whether an operation is offered on ``day``."""
        return bool(await self._offered(connection, LaborOperation, "operation", [op_code], day))

    async def knows_part(self, connection: Connection, part_number: str, day: date) -> bool:
        """Return whether a part is offered on ``day``, or was before."""
        return bool(await self._known(connection, _keys("part", [part_number]), day))

    async def unknown_symptoms(
        self, connection: Connection, symptoms: Collection[str], day: date
    ) -> list[str]:
        """Return those of the symptom codes that no system of the vehicle has on ``day``.

        A symptom's code begins with its system's.
        """
        systems = await self._offered(
            connection,
            SymptomSystem,
            "symptoms",
            {code[:end] for code in symptoms for end, each in enumerate(code) if each == "-"},
            day,
        )
        known = {
            condition.code
            for system in systems.values()
            for symptom in system.symptoms
            for condition in symptom.conditions
        }
        return [code for code in symptoms if code not in known]

    async def operations(
        self, connection: Connection, op_codes: Collection[str], day: date
    ) -> list[CatalogOperation]:
        """Return operations of known work in the order of ``op_codes``, as they are on ``day``."""
        found = await self._known(connection, _keys("operation", op_codes), day)
        return [
            _operation(key, content)
            for key, content in found.items()
            if isinstance(content, LaborOperation)
        ]

    async def of_lines(
        self, connection: Connection, lines: Iterable[EstimateLine], day: date
    ) -> NamedLines:
        """Return the operation or part of each line, as it was on ``day``."""
        keys = {(line.kind, line.code): f"{_KINDS[line.kind]}:{line.code}" for line in lines}
        found = await self._known(connection, keys.values(), day)
        return {
            place: content
            for place, key in keys.items()
            if isinstance(content := found.get(key), LaborOperation | PartMaster)
        }

    async def entries(self, connection: Connection, day: date) -> tuple[str, bytes]:
        """Return a revision and all that is offered on ``day``, as the text of a JSON object."""
        version = await connection.fetchval(_SELECT_VERSION, CatalogItemDefined.topic) or ""
        if self._entries is None or self._entries[:2] != (version, day):
            text = await connection.fetchval(
                _SELECT_ENTRIES, CatalogItemDefined.topic, day.isoformat()
            )
            self._entries = version, day, text.encode()
        return f"{day}.{version}", self._entries[2]

    async def _offered(
        self,
        connection: Connection,
        content: type[C],
        kind: str,
        codes: Collection[str],
        day: date,
    ) -> dict[str, C]:
        """Return those of a kind's items that are offered on ``day``, by code."""
        if not codes:
            return {}
        states = await self._master_data.get(connection, CatalogItemDefined, _keys(kind, codes))
        found = {_code(key): content_on(state.versions, day) for key, state in states.items()}
        return {code: each for code, each in found.items() if isinstance(each, content)}

    async def _known(
        self, connection: Connection, keys: Collection[str], day: date
    ) -> dict[str, object]:
        """Return items as they are on ``day``; one that has ended by then as it was last."""
        states = await self._master_data.get(connection, CatalogItemDefined, keys)
        return {
            key: content
            for key, state in states.items()
            if (content := _last_content(state, day)) is not None
        }


def _prices(items: Mapping[str, tuple[str, str]], cents: Mapping[str, int]) -> Prices:
    """Return the prices of items that stand by the ids of their records."""
    by_kind: dict[str, dict[str, int]] = defaultdict(dict)
    for key, (kind, item) in items.items():
        if key in cents:
            by_kind[kind][item] = cents[key]
    return Prices(by_kind["part_price"], by_kind["operation_price"], by_kind["labor_rate"])


def typical_parts(named: NamedLines) -> dict[str, Collection[str]]:
    """Return the parts that each of the operations commonly takes."""
    return {
        code: content.parts.keys()
        for (_, code), content in named.items()
        if isinstance(content, LaborOperation)
    }


def _last_content(state: CatalogItemDefined, day: date) -> object | None:
    """Return the content that holds on ``day``, else the last before, else the first of all."""
    contents = [each for each in state.versions if each.content is not None]
    begun = [each for each in contents if each.valid_from <= day.isoformat()]
    chosen = begun[-1:] or contents[:1]
    return chosen[0].content if chosen else None


def _keys(kind: str, codes: Iterable[str]) -> list[str]:
    return [f"{kind}:{code}" for code in codes]


def _code(key: str) -> str:
    return key.partition(":")[2]


def _operation(key: str, content: LaborOperation) -> CatalogOperation:
    return CatalogOperation(
        _code(key), content.skill_code, content.standard_hours, content.technicians
    )


def _package(code: str, content: ServicePackageDefinition) -> ServicePackage:
    parts = tuple(PartQuantity(part_number, count) for part_number, count in content.parts.items())
    return ServicePackage(code, content.op_codes, parts, content.price_cents)
