"""Personal records over HTTP, on real Kafka and PostgreSQL (R19)."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.security import Role
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.persons import person, vin

TOPIC = "aftersales.crm.customer.v1"


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


async def register(crm: InProcess, body: Mapping[str, Any]) -> dict[str, str]:
    response = await crm.post("/stores/S01/customers", "service_advisor", body)
    assert response.status_code == 201, response.text
    references: dict[str, str] = response.json()
    return references


async def test_registered_customer_is_found_by_plate(crm: InProcess) -> None:
    references = await register(crm, person(1))
    found = await crm.get("/stores/S01/customers", "customer_care_agent", plate="沪A·00001")
    newcomer: dict[str, Any] = {
        "visits": 0,
        "tier": None,
        "tier_rule": "2026-01-01",
        "entitlements": [],
    }
    seen = found.json()
    (owner,) = seen.pop("people")
    assert (owner["customer_ref"], owner["role"]) == (references["customer_ref"], "owner")
    assert seen == {
        **references,
        **person(1),
        **newcomer,
        "kind": "person",
        "plate_kind": None,
        "vin_unusual": False,
    }


async def test_registration_publishes_references_without_personal_data(
    crm: InProcess, servers: Platform
) -> None:
    references = await register(crm, person(2))
    await crm.wait_until_idle()
    events = [
        received
        for received in await published(servers, [TOPIC])
        if received.envelope.store_id == "S01"
        and getattr(received.event, "customer_ref", "") == references["customer_ref"]
    ]
    assert events[0].envelope.type == "aftersales.crm.CustomerRegistered.v1"
    for secret in (person(2)["name"], person(2)["phone"], person(2)["plate"], person(2)["vin"]):
        assert not any(secret.encode() in received.value for received in events)


async def test_same_person_is_renamed_by_decision_only(crm: InProcess, servers: Platform) -> None:
    first = await register(crm, person(3))
    renamed = person(3, name="王大明", phone="021-55512345")
    asked = await crm.post("/stores/S01/customers", "service_advisor", renamed)
    assert (asked.status_code, asked.json()["errors"][0]["rule"]) == (409, "person_undecided")
    same = {"answer": "same_person", "customer_ref": first["customer_ref"]}
    again = await register(crm, renamed | {"decision": same})
    assert again == first
    found = (await crm.get("/stores/S01/customers", "service_advisor", plate="沪A00003")).json()
    assert (found["name"], found["phone"]) == ("王大明", "+862155512345")
    await crm.wait_until_idle()
    registrations = [
        received
        for received in await published(servers, [TOPIC])
        if getattr(received.event, "vehicle_ref", "") == first["vehicle_ref"]
    ]
    assert len(registrations) == 1


async def test_second_vehicle_joins_its_known_customer(crm: InProcess) -> None:
    first = await register(crm, person(4))
    second = await register(crm, person(5, phone=person(4)["phone"], name=person(4)["name"]))
    assert second["customer_ref"] == first["customer_ref"]
    assert second["vehicle_ref"] != first["vehicle_ref"]


@pytest.mark.parametrize("written", ["8613900000021", "+86(0)139 0000 0021", "０13900000021"])
async def test_phone_in_other_format_finds_its_customer(crm: InProcess, written: str) -> None:
    first = await register(crm, person(21))
    assert await register(crm, person(21, phone=written)) == first


async def test_vehicle_without_plate_is_found_by_vin(crm: InProcess) -> None:
    bare = await register(crm, person(22, plate=vin(22)))
    found = (await crm.get("/stores/S01/customers", "service_advisor", plate=vin(22))).json()
    assert (found["vin"], found["plate_kind"]) == (vin(22), "unregistered")
    plated = await register(crm, person(22))
    assert (plated["vehicle_ref"], plated["customer_ref"]) == (
        bare["vehicle_ref"],
        bare["customer_ref"],
    )


async def test_confirmed_unusual_vin_is_accepted_and_marked(crm: InProcess) -> None:
    european = person(23, vin="WVGZZZ5NZJM000001", plate="使014578")
    asked = await crm.post("/stores/S01/customers", "service_advisor", european)
    assert [(each["field"], each["rule"]) for each in asked.json()["errors"]] == [
        ("vin", "vin_check_digit")
    ]
    await register(crm, european | {"vin_confirmed": True})
    found = (await crm.get("/stores/S01/customers", "service_advisor", vin=european["vin"])).json()
    assert (found["vin_unusual"], found["plate_kind"]) == (True, "embassy")


async def test_plate_moves_to_vehicle_registered_last(crm: InProcess) -> None:
    await register(crm, person(6))
    second = await register(crm, person(7, plate=person(6)["plate"]))
    assert await register(crm, person(7, plate=person(6)["plate"])) == second
    found = (
        await crm.get("/stores/S01/customers", "service_advisor", plate=person(6)["plate"])
    ).json()
    assert found["vehicle_ref"] == second["vehicle_ref"]
    bare = (await crm.get("/stores/S01/customers", "service_advisor", vin=person(6)["vin"])).json()
    assert (bare["vin"], bare["plate"], bare["plate_ref"]) == (person(6)["vin"], None, "")


async def test_references_are_resolved_in_one_call(crm: InProcess) -> None:
    one, two = await register(crm, person(8)), await register(crm, person(9))
    response = await crm.post(
        "/stores/S01/resolutions",
        "service_manager",
        {
            "customer_refs": [one["customer_ref"], two["customer_ref"], "nobody"],
            "plate_refs": [one["plate_ref"], "k1-unknown"],
        },
    )
    assert response.json() == {
        "names": {one["customer_ref"]: "王小明8", two["customer_ref"]: "王小明9"},
        "plates": {one["plate_ref"]: "沪A00008"},
        "tiers": {},
    }


async def test_repeated_command_has_one_effect_and_response(crm: InProcess) -> None:
    first = await crm.post(
        "/stores/S01/customers", "service_advisor", person(10), key="register-10"
    )
    again = await crm.post(
        "/stores/S01/customers", "service_advisor", person(10), key="register-10"
    )
    other = await crm.post(
        "/stores/S01/customers", "service_advisor", person(11), key="register-10"
    )
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 422
    assert other.json()["errors"][0]["rule"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plate", "沪I12345"),
        ("plate", "A12345"),
        ("vin", "LSVAA123XN0000001"),
        ("vin", "LSVAA1230N000000O"),
        ("phone", "12345"),
        ("phone", "23900000001"),
        ("name", ""),
        ("name", "x" * 81),
        ("brand", None),
        ("surprise", "field"),
    ],
)
async def test_invalid_customer_details_are_rejected_by_field(
    crm: InProcess, field: str, value: str | None
) -> None:
    response = await crm.post(
        "/stores/S01/customers", "service_advisor", person(12) | {field: value}
    )
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


async def test_unknown_plate_is_not_found(crm: InProcess) -> None:
    response = await crm.get("/stores/S01/customers", "service_advisor", plate="京A99999")
    assert response.status_code == 404
    assert response.json()["errors"][0]["rule"] == "unknown_customer"
    neither = await crm.get("/stores/S01/customers", "service_advisor")
    assert neither.json()["errors"][0]["rule"] == "plate_or_vin"


@pytest.mark.parametrize("role", ["technician", "dispatcher", "quality_inspector", "operator"])
async def test_customer_records_are_hidden_from_other_roles(crm: InProcess, role: Role) -> None:
    paths = [
        await crm.get("/stores/S01/customers", role, plate="沪A00001"),
        await crm.post("/stores/S01/resolutions", role, {"customer_refs": ["x"]}),
        await crm.post("/stores/S01/customers", role, person(13)),
        await crm.get("/stores/S01/follow-ups", role, status="due"),
    ]
    assert [response.status_code for response in paths] == [403] * 4


async def test_foreign_store_is_forbidden_and_unknown_not_found(
    crm: InProcess,
) -> None:
    foreign = await crm.get("/stores/S02/customers", "service_advisor", plate="沪A00001")
    unknown = await crm.get("/stores/S99/customers", "service_advisor", plate="沪A00001")
    assert (foreign.status_code, unknown.status_code) == (403, 404)


async def test_missing_expired_and_forged_tokens_are_rejected(crm: InProcess) -> None:
    good = crm.token("service_advisor")
    expired = crm.issuer.token("a", roles=["service_advisor"], stores=["S01"], lifetime_s=-3600)
    for headers in (
        {},
        {"Authorization": f"Bearer {expired}"},
        {"Authorization": f"Bearer {good[:-4]}AAAA"},
    ):
        response = await crm.client.get(
            "/stores/S01/customers", params={"plate": "沪A00001"}, headers=headers
        )
        assert response.status_code == 401, response.text


async def test_customers_of_another_store_are_not_accessible(
    crm: InProcess, servers: Platform
) -> None:
    await register(crm, person(14))
    connection = await asyncpg.connect(servers.database_url("crm"))
    await connection.execute("SELECT set_config('app.stores', 'S02', false)")
    try:
        for table in (
            "customer",
            "customer_version",
            "contact_point",
            "vehicle",
            "vehicle_person",
            "vehicle_plate",
            "service_visit",
            "message",
            "follow_up",
            "subject_key",
        ):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "INSERT INTO service_visit (store_id, order_id) VALUES ('S01', 'planted')"
            )
    finally:
        await connection.close()


async def test_personal_data_is_encrypted_in_database(crm: InProcess, servers: Platform) -> None:
    await register(crm, person(15))
    connection = await asyncpg.connect(servers.admin_url)
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'crm' ORDER BY 1"
        )
        stored = ""
        for table in tables:
            rows = await connection.fetch(f"SELECT t::text FROM crm.{table['tablename']} AS t")
            stored += "".join(row[0] for row in rows)
    finally:
        await connection.close()
    for secret in (person(15)["name"], person(15)["phone"], person(15)["plate"], person(15)["vin"]):
        assert secret not in stored
        assert secret.encode().hex() not in stored


async def test_customer_with_destroyed_key_has_no_name(crm: InProcess, servers: Platform) -> None:
    references = await register(crm, person(16))
    connection = await asyncpg.connect(servers.admin_url)
    await connection.execute(
        "DELETE FROM crm.subject_key WHERE data_subject_id = $1", references["customer_ref"]
    )
    await connection.close()
    found = (await crm.get("/stores/S01/customers", "service_advisor", plate="沪A00016")).json()
    assert (found["name"], found["phone"], found["plate"], found["vin"]) == (None,) * 4
    resolved = await crm.post(
        "/stores/S01/resolutions",
        "service_advisor",
        {"customer_refs": [references["customer_ref"]]},
    )
    assert resolved.json()["names"] == {}


async def test_plate_reference_is_derived_from_group_key(crm: InProcess, servers: Platform) -> None:
    personal = crm.app.state.service.deps.personal
    references = await register(crm, person(17))
    assert references["plate_ref"] == personal.reference("plate", "沪A00017")
