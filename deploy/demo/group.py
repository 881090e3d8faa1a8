"""Group folder of a simulated group: stores, staff and bays that fit the orders."""

import math
import random
import shutil
from collections.abc import Iterable, Iterator
from copy import deepcopy
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import yaml

from deploy.demo.names import BRANDS, CITIES, DISTRICTS, GIVEN_NAMES, SURNAMES

GROUP_FOLDER = Path(__file__).resolve().parents[1] / "group"

Record = dict[str, Any]

_BEGIN = "2026-01-01"
_ONE_LINE = 2**31 - 1
_ORDERS_PER_TECHNICIAN = 2.5
_ORDERS_PER_ADVISOR = 10
_ORDERS_PER_INSPECTOR = 25
_ORDERS_PER_AGENT = 30

_RULES = (
    "calendar.yaml",
    "facility_checks.yaml",
    "loyalty.yaml",
    "messages.yaml",
    "corrective_actions.yaml",
    "departments.yaml",
    "follow_up.yaml",
    "posts.yaml",
    "questionnaire.yaml",
)
_STORE_OFFICE = (
    "front_desk_supervisor",
    "claims_clerk",
    "parts_clerk",
    "cashier",
    "customer_care_manager",
    "sales_manager",
)
"""Roles that one person of each store has, and that do no work on the simulated day."""

_GROUP_OFFICE = (
    "trainer",
    "group_service_manager",
    "group_parts_manager",
    "group_customer_care_manager",
    "group_finance_manager",
)
_CERTIFIED = ["high_voltage"]
_CORE_TEAM: tuple[Record, ...] = (
    {"skills": {"mechanical": 3, "maintenance": 3}},
    {"skills": {"mechanical": 3, "maintenance": 2, "electrical": 1}},
    {
        "skills": {"electrical": 3, "high_voltage": 3, "maintenance": 2},
        "certificates": _CERTIFIED,
    },
    {
        "skills": {"high_voltage": 3, "electrical": 2, "maintenance": 2},
        "certificates": _CERTIFIED,
    },
    {"skills": {"body": 3, "paint": 2, "maintenance": 1}},
    {"skills": {"paint": 3, "body": 3, "maintenance": 1}},
    {"skills": {"maintenance": 2, "mechanical": 2}},
    {"skills": {"maintenance": 2, "mechanical": 2, "electrical": 2}},
)
"""The smallest team that can do every operation of the catalog, two-person work included."""

_FURTHER_TEAM: tuple[Record, ...] = (
    {"skills": {"maintenance": 2, "mechanical": 2}},
    {"skills": {"maintenance": 2, "mechanical": 1, "electrical": 2}},
    {"skills": {"mechanical": 3, "maintenance": 3}},
    {
        "skills": {"maintenance": 2, "electrical": 2, "high_voltage": 2},
        "certificates": _CERTIFIED,
    },
    {"skills": {"body": 2, "paint": 2, "maintenance": 1}},
)

_CAPABILITIES = {
    "quick": ["quick"],
    "lift": ["lift", "quick"],
    "alignment": ["alignment", "lift", "quick"],
    "electrical": ["electrical", "quick"],
    "high_voltage": ["high_voltage", "electrical", "lift"],
    "body": ["body"],
    "paint_booth": ["paint_booth"],
    "wash": ["wash"],
}
_TECHNICIANS_PER_BAY = {
    "quick": 4,
    "lift": 2,
    "alignment": 15,
    "electrical": 8,
    "high_voltage": 8,
    "body": 10,
    "paint_booth": 10,
    "wash": 10,
}


def write_group(folder: Path, stores: int, orders_per_store: int, seed: int) -> None:
    """Write the folder of a group of ``stores``, each able to finish ``orders_per_store`` a day.

    The catalog, the calendar, the rules and the first six stores are those of ``deploy/group``.
    The same arguments give the same files.
    """
    rng = random.Random(seed)  # noqa: S311
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(GROUP_FOLDER / "catalog", folder / "catalog", dirs_exist_ok=True)
    for name in _RULES:
        shutil.copy(GROUP_FOLDER / name, folder / name)
    base: Record = yaml.safe_load((GROUP_FOLDER / "stores.yaml").read_text())
    store_records = list(islice(_stores(base["stores"]), stores))
    store_ids = [store["id"] for store in store_records]
    (folder / "greeting.yaml").write_text(
        yaml.safe_dump(_greeting([store["id"] for store in base["stores"]], store_ids))
    )
    technicians = max(len(_CORE_TEAM), math.ceil(orders_per_store / _ORDERS_PER_TECHNICIAN))
    (folder / "stores.yaml").write_text(
        yaml.safe_dump({"group": base["group"]}, allow_unicode=True)
        + _listed("stores", store_records)
    )
    staff = _staff(store_ids, technicians, orders_per_store, rng)
    (folder / "staff.yaml").write_text(_listed("staff", staff))
    bays = (bay for store_id in store_ids for bay in _bays(store_id, technicians))
    (folder / "bays.yaml").write_text(_listed("bays", bays))


def _listed(name: str, records: Iterable[Record]) -> str:
    """Return a YAML list with one record a line, each valid from the group's first day on."""
    lines = (
        yaml.dump(
            record,
            Dumper=yaml.CSafeDumper,
            default_flow_style=True,
            sort_keys=False,
            allow_unicode=True,
            width=_ONE_LINE,
        )
        for record in records
    )
    return f"valid_from: {_BEGIN}\n{name}:\n" + "".join(f"  - {line}" for line in lines)


def _stores(known: list[Record]) -> Iterator[Record]:
    yield from known
    places = product(DISTRICTS, CITIES)
    for number, (place, brand, like) in enumerate(
        zip(cycle(places), cycle(BRANDS), cycle(known)), start=len(known) + 1
    ):
        (district_zh, district_en), (city_zh, city_en) = place
        brand_zh, brand_en = brand
        yield deepcopy(like) | {
            "id": f"S{number:02d}",
            "zh": f"{city_zh}{brand_zh}{district_zh}店",
            "en": f"{brand_en} {city_en} {district_en}",
            "city": {"zh": city_zh, "en": city_en},
            "brand": {"zh": brand_zh, "en": brand_en},
        }


def _greeting(known: list[str], store_ids: list[str]) -> Record:
    """Return the rules of greeting, with those that stores have of their own."""
    rules: Record = yaml.safe_load((GROUP_FOLDER / "greeting.yaml").read_text())
    own = {store_id: rules["stores"].get(like) for store_id, like in zip(store_ids, cycle(known))}
    return rules | {"stores": {store_id: limit for store_id, limit in own.items() if limit}}


def _staff(
    store_ids: list[str], technicians: int, orders: int, rng: random.Random
) -> Iterator[Record]:
    names = _names(rng)
    counts = {
        "service_advisor": max(2, math.ceil(orders / _ORDERS_PER_ADVISOR)),
        "dispatcher": 1,
        "technician": technicians,
        "quality_inspector": max(1, math.ceil(orders / _ORDERS_PER_INSPECTOR)),
        "customer_care_agent": max(2, math.ceil(orders / _ORDERS_PER_AGENT)),
        "service_manager": 1,
    }
    for store_id in store_ids:
        for role, count in counts.items():
            own = _technicians(count, rng) if role == "technician" else [{}] * count
            for number, traits in enumerate(own, start=1):
                yield {
                    "id": f"{store_id}-{role.rpartition('_')[2]}-{number}",
                    **next(names),
                    "roles": [role],
                    "stores": [store_id],
                    **traits,
                }
    for subject, role in (
        ("group-manager-1", "group_manager"),
        ("group-manager-2", "group_manager"),
        ("operator-1", "operator"),
    ):
        yield {"id": subject, **next(names), "roles": [role], "stores": list(store_ids)}
    for store_id, role in product(store_ids, _STORE_OFFICE):
        yield {
            "id": f"{store_id}-{role.replace('_', '-')}-1",
            **next(names),
            "roles": [role],
            "stores": [store_id],
        }
    for role in _GROUP_OFFICE:
        yield {
            "id": f"{role.replace('_', '-')}-1",
            **next(names),
            "roles": [role],
            "stores": list(store_ids),
        }


def _technicians(count: int, rng: random.Random) -> Iterator[Record]:
    team = islice((*_CORE_TEAM, *islice(cycle(_FURTHER_TEAM), count)), count)
    for member, shift in zip(team, cycle(("early", "late"))):
        yield {
            "skills": dict(member["skills"]),
            "certificates": list(member.get("certificates", ())),
            "time_factor": round(rng.uniform(0.85, 1.1), 2),
            "shift": shift,
        }


def _names(rng: random.Random) -> Iterator[Record]:
    pairs = list(product(SURNAMES, GIVEN_NAMES))
    rng.shuffle(pairs)
    for (surname_zh, surname_en), (given_zh, given_en) in cycle(pairs):
        yield {"zh": surname_zh + given_zh, "en": f"{given_en} {surname_en}"}


def _bays(store_id: str, technicians: int) -> Iterator[Record]:
    for kind, share in _TECHNICIANS_PER_BAY.items():
        for number in range(1, max(1, round(technicians / share)) + 1):
            yield {
                "id": f"{store_id}-{kind}-{number}",
                "store": store_id,
                "type": kind,
                "number": number,
                "capabilities": list(_CAPABILITIES[kind]),
            }
