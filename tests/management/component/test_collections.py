"""Managers decide on stores, bays, staff and the catalog, on real Kafka and PostgreSQL (R40)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, get_args

import httpx
import pytest

from deploy.embedded.platform import Platform
from services.management.app import create_app
from services.management.domain.readers import SEE_COSTS
from services.management.entrypoints.http.access import OFFICES
from shared.clock import SimulatedClock
from shared.contracts.base import State
from shared.contracts.management import (
    BayDefined,
    CatalogItemDefined,
    MonthlyCostsDefined,
    PersonDefined,
    PriceDefined,
    StoreDefined,
)
from shared.ids import new_id
from shared.security import Role
from tests.support.decisions import LATER, TODAY, decide, define_stores, profile, states
from tests.support.harness import InProcess, in_process, published

LIFT, TECHNICIAN = "/stores/S01/bays/S01-lift-1", "/stores/S01/staff/S01-technician-1"
PART, OPERATION = "/group/catalog/part:OIL-5W30", "/group/catalog/operation:MNT-001"
TELEPHONE = "13800138000"


@pytest.fixture(scope="module")
async def management(empty_servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(empty_servers, "management", create_app) as running:
        await define_stores(running, ("S01", "S02"))
        yield running


def lift(**changes: Any) -> dict[str, Any]:
    return profile("bays", "S01-lift-1", **changes)


def technician(**changes: Any) -> dict[str, Any]:
    return profile("staff", "S01-technician-1", shift=None, telephone=TELEPHONE) | changes


def posts(*where: str | None, role: str = "technician") -> list[dict[str, Any]]:
    return [
        {"role": role, "in_store": store, "full_time": number == 0}
        for number, store in enumerate(where)
    ]


RECORDS: list[tuple[str, Role, type[State], str, dict[str, Any], dict[str, Any]]] = [
    (
        "/group/stores/S03",
        "group_manager",
        StoreDefined,
        "S03",
        profile("stores", "S03"),
        {"payment_days": 60},
    ),
    (
        LIFT,
        "service_manager",
        BayDefined,
        "S01-lift-1",
        lift(),
        {"number": 7},
    ),
    (
        TECHNICIAN,
        "service_manager",
        PersonDefined,
        "S01-technician-1",
        technician(),
        {"skills": {"mechanical": 3}},
    ),
    (
        PART,
        "group_manager",
        CatalogItemDefined,
        "part:OIL-5W30",
        profile("catalog", "part:OIL-5W30"),
        {"list_price_cents": 99_900},
    ),
    (
        "/stores/S01/prices/labor_rate:body",
        "service_manager",
        PriceDefined,
        "labor_rate:body.S01",
        {"kind": "labor_rate", "price_cents": 8_800},
        {"price_cents": 9_900},
    ),
    (
        "/stores/S01/costs/2026-02",
        "service_manager",
        MonthlyCostsDefined,
        "2026-02.S01",
        {
            "kind": "monthly_costs",
            "building_cents": 12_000_000,
            "staff_cents": 38_000_000,
            "working_capital_cents": 4_500_000,
            "advertising_cents": 9_800_000,
            "vehicles_sold": 64,
            "vehicle_profit_cents": 25_600_000,
        },
        {"advertising_cents": 9_900_000},
    ),
]


@pytest.mark.parametrize(
    ("path", "role", "contract", "record_id", "content", "changes"),
    RECORDS,
    ids=["store", "bay", "person", "catalog-item", "price", "costs"],
)
async def test_record_is_defined_ended_and_put_back(
    management: InProcess,
    empty_servers: Platform,
    path: str,
    role: Role,
    contract: type[State],
    record_id: str,
    content: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    first = await decide(management, path, role, content=content)
    assert first.is_success, first.text
    assert (first.json()["record_id"], first.json()["changed"]) == (record_id, True)
    again = await decide(management, path, role, content=content)
    assert (again.status_code, again.json()["changed"]) == (200, False)
    changed = await decide(management, path, role, content=content | changes)
    assert changed.json()["holds"]["content"] == first.json()["holds"]["content"] | changes
    ended = await decide(management, f"{path}/end", role, valid_from=LATER)
    assert ended.json()["holds"] == {"valid_from": LATER, "content": None}
    restored = await decide(management, f"{path}/put-back", role, of_revision=1, valid_from=LATER)
    assert restored.json()["holds"]["content"] == first.json()["holds"]["content"]

    announced = await states(empty_servers, management, contract, record_id)
    assert [received.envelope.sequence for received, _ in announced] == [1, 2, 3, 4]
    history = (await management.get(f"{path}/history", "service_manager")).json()
    actions = [change["action"] for change in history]
    assert actions == ["put_back", "ended", "defined", "defined"]
    assert {change["changed_by"] for change in history} == {f"test-{role}"}
    [field] = changes
    assert any(each["field"].startswith(field) for each in history[2]["differences"])


async def test_announced_person_has_no_name_or_telephone(
    management: InProcess, empty_servers: Platform
) -> None:
    person = technician()
    [*_, (last, state)] = await states(empty_servers, management, PersonDefined, "S01-technician-1")
    assert state.for_stores == ("S01",)
    for received in await published(empty_servers, [PersonDefined.topic]):
        text = f"{received.value.decode()} {received.envelope} {received.event}"
        assert not [word for word in (person["zh"], person["en"], TELEPHONE) if word in text]
    assert last.envelope.store_id == "_group"
    shown = (await management.get(TECHNICIAN, "service_manager")).json()
    assert shown["holds"]["content"]["telephone"] == TELEPHONE


@pytest.mark.parametrize(
    ("role", "subject", "shown"),
    [
        ("service_manager", "", TELEPHONE),
        ("group_manager", "", TELEPHONE),
        ("service_advisor", "", None),
        ("group_service_manager", "", None),
    ],
)
async def test_telephone_and_reasons_are_for_managers(
    management: InProcess, role: Role, subject: str, shown: str | None
) -> None:
    headers = {"Authorization": f"Bearer {management.token(role, subject=subject)}"}
    one = (await management.client.get(TECHNICIAN, headers=headers)).json()
    listed = (await management.client.get("/stores/S01/staff", headers=headers)).json()
    [entry] = [each for each in listed if each["record_id"] == "S01-technician-1"]
    history = (await management.client.get(f"{TECHNICIAN}/history", headers=headers)).json()
    told = {each["new"] for change in history for each in change["differences"]}
    assert {
        version["content"]["telephone"] for version in one["versions"] if version["content"]
    } == {shown}
    assert entry["content"]["telephone"] == shown
    is_manager = shown is not None
    assert (TELEPHONE in told) == is_manager
    assert {bool(each["reason"]) for each in (entry, *history)} == {is_manager}


async def test_state_names_stores_of_all_posts(
    management: InProcess, empty_servers: Platform
) -> None:
    path = "/group/staff/trainer-1"
    everywhere = technician(posts=posts("S01", "S02"))
    assert (await decide(management, path, content=everywhere)).is_success
    moved = technician(posts=posts("S02"))
    assert (await decide(management, path, content=moved, valid_from=LATER)).is_success
    [*_, (_, state)] = await states(empty_servers, management, PersonDefined, "trainer-1")
    assert state.for_stores == ("S01", "S02")


async def test_second_editor_of_bay_learns_who_was_first(management: InProcess) -> None:
    version = (await management.get(LIFT, "service_manager")).json()["version"]
    responses = await asyncio.gather(
        *(
            decide(
                management,
                LIFT,
                "service_manager",
                subject=f"editor-{number}",
                version=version,
                content=lift(number=90 + number),
            )
            for number in range(2)
        )
    )
    assert sorted(response.status_code for response in responses) == [200, 409]
    [first] = [response.json() for response in responses if response.is_success]
    [conflict] = [response.json() for response in responses if not response.is_success]
    assert conflict["type"] == "/problems/version_conflict"
    assert conflict["values"]["by"] == first["changed_by"]


async def test_record_id_belongs_to_one_store(management: InProcess) -> None:
    for store, status in (("S01", 200), ("S02", 409)):
        path = f"/stores/{store}/bays/S01-wash-1"
        wash = lift(type="wash", capabilities=["wash"])
        response = await decide(
            management, path, "service_manager", store=store, version="0", content=wash
        )
        assert response.status_code == status, response.text
    assert response.json()["type"] == "/problems/owned_elsewhere"
    assert (
        await management.get("/stores/S02/bays/S01-wash-1", "service_manager")
    ).status_code == 403


def field_of(response: httpx.Response) -> str:
    [error] = response.json()["errors"]
    return f"{error['rule']} {error['field']}"


async def test_manager_decides_on_own_staff_alone(management: InProcess) -> None:
    other = "/stores/S02/staff/S02-technician-1"
    refused = await decide(
        management, other, "service_manager", version="0", content=technician(posts=posts("S02"))
    )
    assert refused.status_code == 403
    elsewhere = await decide(
        management, TECHNICIAN, "service_manager", content=technician(posts=posts("S01", "S02"))
    )
    assert field_of(elsewhere) == "post_elsewhere content.posts.1.in_store"
    taken = await decide(
        management,
        "/stores/S02/staff/S01-technician-1",
        "service_manager",
        store="S02",
        version="0",
        content=technician(posts=posts("S02")),
    )
    assert taken.status_code == 409


async def test_group_moves_person_to_another_store(
    management: InProcess, empty_servers: Platform
) -> None:
    one, other = (f"/stores/{store}/staff/S01-painter-1" for store in ("S01", "S02"))
    of_group = "/group/staff/S01-painter-1"
    here, there = (technician(posts=posts(store)) for store in ("S01", "S02"))
    assert (await decide(management, one, "service_manager", content=here)).is_success
    moved = await decide(management, of_group, version="1", content=there, valid_from=LATER)
    assert (moved.status_code, moved.json()["for_store"]) == (200, "S01")

    undone = await decide(
        management, f"{other}/withdraw", "service_manager", store="S02", valid_from=LATER
    )
    assert undone.json()["type"] == "/problems/owned_elsewhere"

    manager = {"Authorization": f"Bearer {management.token('service_manager', stores=['S02'])}"}
    shown = (await management.client.get(other, headers=manager)).json()
    assert [each["content"]["telephone"] for each in shown["versions"]] == [TELEPHONE, TELEPHONE]

    for store, status in (("S01", 200), ("S02", 409)):
        today = await decide(
            management,
            f"/stores/{store}/staff/S01-painter-1",
            "service_manager",
            store=store,
            content=technician(posts=posts(store), time_factor=1.1),
        )
        assert today.status_code == status, today.text
    for store, path, status in (("S01", one, 409), ("S02", other, 200)):
        later = await decide(
            management,
            path,
            "service_manager",
            store=store,
            content=technician(posts=posts(store), skills={"mechanical": 2}),
            valid_from=LATER,
        )
        assert later.status_code == status, later.text
        ended = await decide(
            management, f"{path}/end", "service_manager", store=store, valid_from=LATER
        )
        assert ended.status_code == status, ended.text
    listed = (await management.client.get("/stores/S02/staff", headers=manager)).json()
    assert "S01-painter-1" in [each["record_id"] for each in listed]
    history = (await management.get(f"{one}/history", "service_manager")).json()
    assert len(history) == 5
    assert all(each["reason"] for each in history)
    [*_, (last, state)] = await states(empty_servers, management, PersonDefined, "S01-painter-1")
    assert (last.envelope.sequence, state.for_stores) == (5, ("S01",))


async def test_second_mover_learns_who_was_first(management: InProcess) -> None:
    path, of_group = "/stores/S01/staff/S01-painter-2", "/group/staff/S01-painter-2"
    here = technician(posts=posts("S01"))
    assert (await decide(management, path, "service_manager", content=here)).is_success
    responses = await asyncio.gather(
        *(
            decide(
                management,
                of_group,
                subject=f"mover-{number}",
                version="1",
                content=technician(posts=posts("S02"), time_factor=1 + number / 10),
            )
            for number in range(4)
        )
    )
    [first] = [response.json() for response in responses if response.is_success]
    conflicts = [response.json() for response in responses if not response.is_success]
    assert {each["type"] for each in conflicts} == {"/problems/version_conflict"}
    assert {each["values"]["by"] for each in conflicts} == {first["changed_by"]}


@pytest.mark.parametrize("role", get_args(Role))
async def test_costs_are_for_those_who_answer_for_them(management: InProcess, role: Role) -> None:
    assert (await decide(management, PART, content=profile("catalog", "part:OIL-5W30"))).is_success
    one = await management.get(PART, role)
    if role not in OFFICES:
        assert one.status_code == 403
        return
    listed = (await management.get("/group/catalog", role)).json()
    [entry] = [each for each in listed if each["record_id"] == "part:OIL-5W30"]
    history = (await management.get(f"{PART}/history", role)).json()
    contents = [entry["content"], *(each["content"] for each in one.json()["versions"])]
    told = {each["field"] for change in history for each in change["differences"]}
    sees = role in SEE_COSTS
    assert {each["cost_cents"] is not None for each in contents} == {sees}
    assert ("cost_cents" in told) == sees


@pytest.mark.parametrize("typed", ["ＯＩＬ－5w30", "oil-5w30", "全合成ｏｉｌ", "全合成oil"])
async def test_search_ignores_width_and_case(management: InProcess, typed: str) -> None:
    content = profile("catalog", "part:OIL-5W30", zh="全合成ＯＩＬ")
    assert (await decide(management, PART, content=content)).is_success
    found = (await management.get("/group/catalog", "service_advisor", search=typed)).json()
    assert "part:OIL-5W30" in [each["record_id"] for each in found]


async def test_part_without_cost_is_refused(management: InProcess) -> None:
    lacking = profile("catalog", "part:OIL-5W30", cost_cents=None)
    refused = await decide(management, PART, content=lacking)
    assert (refused.status_code, field_of(refused)) == (422, "cost_needed content.cost_cents")


@pytest.mark.parametrize(
    ("path", "role", "status"),
    [
        (LIFT, "group_manager", 403),
        (LIFT, "service_advisor", 403),
        (TECHNICIAN, "technician", 403),
        ("/group/stores/S01", "service_manager", 403),
        (PART, "service_manager", 403),
        (PART, "operator", 403),
    ],
)
async def test_others_decide_on_nothing(
    management: InProcess, path: str, role: Role, status: int
) -> None:
    refused = await decide(management, path, role, version="1", content=lift())
    assert refused.status_code == status, refused.text


@pytest.mark.parametrize(
    ("path", "role", "content", "named"),
    [
        (
            TECHNICIAN,
            "service_manager",
            technician(posts=posts("S01", role="wizard")),
            "no_such_role_there content.posts.0.role",
        ),
        (
            TECHNICIAN,
            "service_manager",
            technician(shift="midnight"),
            "unknown_shift content.shift",
        ),
        (
            "/group/staff/trainer-1",
            "group_manager",
            technician(posts=posts("S01", "S77")),
            "unknown_store content.posts.1.in_store",
        ),
        (
            OPERATION,
            "group_manager",
            profile("catalog", "operation:MNT-001", parts={"GONE": 1}),
            "unknown_part content.parts.GONE",
        ),
        (
            "/group/catalog/recall:R-1",
            "group_manager",
            {"kind": "recall", "zh": "召回", "en": "Recall", "brand": "启岳", "op_codes": ["X-1"]},
            "unknown_operation content.op_codes.0",
        ),
        ("/group/catalog/lunch:1", "group_manager", lift(), "unknown_kind code"),
        (PART, "group_manager", lift(), "another_kind content.kind"),
    ],
)
async def test_refused_content_names_its_field(
    management: InProcess, path: str, role: Role, content: dict[str, Any], named: str
) -> None:
    refused = await decide(management, path, role, content=content)
    assert refused.is_client_error, refused.text
    assert field_of(refused) == named


async def test_price_below_cost_is_accepted_with_warning(management: InProcess) -> None:
    cheap = profile("catalog", "part:OIL-5W30", list_price_cents=1, cost_cents=2)
    response = (await decide(management, PART, content=cheap, valid_from="2026-04-01")).json()
    [warning] = response["warnings"]
    assert (warning["field"], warning["rule"]) == ("content.list_price_cents", "price_below_cost")
    sound = profile("catalog", "part:OIL-5W30")
    response = (await decide(management, PART, content=sound, valid_from="2026-04-01")).json()
    assert response["warnings"] == []


async def test_listed_price_below_cost_is_accepted_with_warning(management: InProcess) -> None:
    part = profile("catalog", "part:OIL-5W30", cost_cents=500)
    assert (await decide(management, PART, content=part)).is_success
    cheap = {"kind": "part_price", "price_cents": 400}
    own = "/stores/S01/prices/part_price:OIL-5W30"
    response = await decide(management, own, "service_manager", content=cheap)
    [warning] = response.json()["warnings"]
    assert (warning["field"], warning["rule"]) == ("content.price_cents", "price_below_cost")
    brand = "/group/prices/part_price:qiyue:OIL-5W30"
    doubted = (await decide(management, brand, content=cheap)).json()["warnings"]
    assert [each["rule"] for each in doubted] == ["price_below_cost", "price_list_unused"]
    listed = profile("stores", "S02", price_list="qiyue")
    assert (await decide(management, "/group/stores/S02", content=listed)).is_success
    dearer = cheap | {"price_cents": 600}
    assert (await decide(management, brand, content=dearer)).json()["warnings"] == []
    unknown = await decide(management, f"{own}-X", "service_manager", content=cheap)
    assert field_of(unknown) == "unknown_part code"


async def test_operation_without_labor_rate_is_accepted_with_warning(
    management: InProcess,
) -> None:
    known = profile("catalog", "operation:MNT-001", parts={})
    assert (await decide(management, OPERATION, content=known)).json()["warnings"] == []
    for store in ("S01", "S02", "S03"):
        profile_without = profile("stores", store, labor_rate_cents={"maintenance": 18_000})
        path = f"/group/stores/{store}"
        assert (await decide(management, path, content=profile_without)).is_success
    unrated = known | {"skill_code": "paint"}
    [warning] = (await decide(management, OPERATION, content=unrated)).json()["warnings"]
    assert (warning["field"], warning["rule"]) == ("content.skill_code", "no_store_can_do_it")


async def test_ended_store_keeps_its_records(management: InProcess) -> None:
    painter = "/stores/S02/staff/S02-painter-1"
    own = technician(posts=posts("S02"))
    defined = await decide(management, painter, "service_manager", store="S02", content=own)
    assert defined.is_success, defined.text
    ended = await decide(management, "/group/stores/S02/end", valid_from=TODAY)
    assert ended.is_success, ended.text
    own["skills"] = {"mechanical": 2}
    skilled = await decide(management, painter, "service_manager", store="S02", content=own)
    assert skilled.is_success, skilled.text
    kept = await management.client.get(
        "/stores/S02/bays",
        headers={"Authorization": f"Bearer {management.token('service_manager', stores=['S02'])}"},
    )
    assert kept.is_success
    new = technician(posts=posts("S01", "S02"), time_factor=1.1)
    refused = await decide(management, "/group/staff/trainer-2", content=new)
    assert field_of(refused) == "unknown_store content.posts.1.in_store"
    slower = await decide(management, "/group/staff/trainer-1", content=new)
    assert slower.is_success, slower.text
    path = "/stores/S02/staff/S02-technician-9"
    newcomer = await decide(
        management, path, "service_manager", store="S02", content=technician(posts=posts("S02"))
    )
    assert field_of(newcomer) == "unknown_store content.posts.0.in_store"


NEWCOMER = {"code": "S07-manager-1", "zh": "周岚", "en": "Lan Zhou", "role": "service_manager"}


async def opened(
    management: InProcess, code: str, *, key: str = "", **changes: Any
) -> httpx.Response:
    """Open a store like S01, a week from today."""
    body = {
        "like": "S01",
        "first_day": LATER,
        "reason": "新店开业",
        "zh": "南京启岳江宁店",
        "en": "Qiyue Nanjing Jiangning",
        "city": {"zh": "南京", "en": "Nanjing"},
        "staff": [NEWCOMER],
    }
    headers = {
        "Authorization": f"Bearer {management.token('group_manager', stores=[])}",
        "Idempotency-Key": key or str(new_id()),
    }
    return await management.client.post(
        f"/group/stores/{code}/open", json=body | changes, headers=headers
    )


@pytest.mark.parametrize(
    ("code", "changes", "named"),
    [
        ("S01", {}, "store_exists code"),
        ("S,7", {}, "store_code_needed code"),
        ("_group", {}, "store_code_needed code"),
        ("S78%2Fx", {}, "store_code_needed code"),
        ("s01", {}, "store_exists code"),
        ("S08", {"like": "S99"}, "unknown_store like"),
        ("S08", {"like": "S02"}, "like_store_closed like"),
        ("S08", {"first_day": "2026-03-03"}, "day_passed first_day"),
        ("S08", {"zone": "Asia/Nowhere"}, "unknown_zone zone"),
        ("S08", {"zone": "Asia"}, "unknown_zone zone"),
        ("S08", {"zone": "localtime"}, "unknown_zone zone"),
        ("S08", {"zone": "posixrules"}, "unknown_zone zone"),
        ("S08", {"zone": "posix/UTC"}, "unknown_zone zone"),
        ("S08", {"zone": "Factory"}, "unknown_zone zone"),
        ("S08", {"closing": "07:00"}, "closes_before_it_opens closing"),
        ("S08", {"labor_rate_cents": {"magic": 1}}, "unknown_skill labor_rate_cents.magic"),
        ("S08", {"staff": [NEWCOMER | {"role": "wizard"}]}, "no_such_role_there staff.0.role"),
        ("S07", {"staff": [NEWCOMER, NEWCOMER]}, "item_twice staff.1.code"),
        ("S08", {"staff": [NEWCOMER | {"code": "trainer-1"}]}, "owned_elsewhere staff.0.code"),
    ],
)
async def test_refused_opening_defines_nothing(
    management: InProcess, code: str, changes: dict[str, Any], named: str
) -> None:
    refused = await opened(management, code, **changes)
    assert refused.is_client_error, refused.text
    assert field_of(refused) == named
    assert (await management.get("/group/stores/S08", "group_manager")).json()["version"] == "0"


async def test_store_opens_like_another_once(
    management: InProcess, empty_servers: Platform
) -> None:
    own_rules = profile("rules", "settlement")
    path = "/stores/S01/rules/settlement"
    assert (await decide(management, path, "service_manager", content=own_rules)).is_success
    first, again = [await opened(management, "S07", key="open-S07", opening="09:00") for _ in "ab"]
    assert (first.status_code, first.json()) == (201, again.json())
    assert {"S07-lift-1"} <= set(first.json()["bays"])
    assert (first.json()["rules"], first.json()["staff"]) == (["settlement"], ["S07-manager-1"])
    [(_, state)] = await states(empty_servers, management, StoreDefined, "S07")
    [version] = state.versions
    assert (version.valid_from, version.content and version.content.opening) == (LATER, "09:00")
    [(_, bay)] = await states(empty_servers, management, BayDefined, "S07-lift-1")
    assert bay.for_stores == ("S07",)
    [(_, person)] = await states(empty_servers, management, PersonDefined, "S07-manager-1")
    assert person.versions[0].valid_from == TODAY


async def test_pages_of_group_and_own_staff_repeat_nothing(management: InProcess) -> None:
    for path in ("/group/staff/a-1", "/group/staff/z-1"):
        assert (await decide(management, path, content=technician(posts=posts("S01")))).is_success
    whole = (await management.get("/stores/S01/staff", "service_advisor")).json()
    ids = [entry["record_id"] for entry in whole]
    assert ids == sorted(ids)
    assert {"a-1", "z-1", "S01-technician-1"} <= set(ids)
    seen: list[str] = []
    while page := (
        await management.get(
            "/stores/S01/staff", "service_advisor", after=seen[-1] if seen else "", limit=1
        )
    ).json():
        seen += [entry["record_id"] for entry in page]
    assert seen == ids


async def test_person_of_group_lists_all_stores(management: InProcess) -> None:
    group_post = [{"role": "group_service_manager", "in_store": None, "full_time": True}]
    path = "/group/staff/head-1"
    assert (await decide(management, path, content=technician(posts=group_post))).is_success
    token = management.token("group_service_manager", stores=[], subject="head-1")
    headers = {"Authorization": f"Bearer {token}"}

    async def listed(**asked: Any) -> list[str]:
        response = await management.client.get("/group/staff", params=asked, headers=headers)
        return [entry["record_id"] for entry in response.json()]

    assert {"S01-technician-1", "S07-manager-1", "head-1"} <= {*await listed()}
    assert await listed(after="S01-technician-1", limit=1) == ["S02-painter-1"]


async def test_undefined_rules_stand_once_in_pages(management: InProcess) -> None:
    seen: list[str] = []
    while page := (
        await management.get(
            "/stores/S01/rules", "service_advisor", after=seen[-1] if seen else "", limit=3
        )
    ).json():
        assert len(page) <= 3
        seen += [entry["record_id"] for entry in page]
    assert seen == sorted(set(seen))
    assert "messages.S01" in seen


async def test_list_has_content_in_pages(management: InProcess) -> None:
    for number in range(5):
        path = f"/stores/S01/bays/S01-page-{number}"
        response = await decide(
            management, path, "service_manager", content=lift(number=number + 1)
        )
        assert response.is_success, response.text
    seen: list[str] = []
    after = ""
    while True:
        page = (
            await management.get(
                "/stores/S01/bays", "service_advisor", starting="S01-page-", after=after, limit=2
            )
        ).json()
        if not page:
            break
        assert len(page) <= 2
        assert [entry["content"]["number"] for entry in page] == [
            int(entry["code"].rpartition("-")[2]) + 1 for entry in page
        ]
        seen += [entry["record_id"] for entry in page]
        after = seen[-1]
    assert seen == [f"S01-page-{number}" for number in range(5)]
