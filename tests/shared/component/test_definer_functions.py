"""Functions that run with their owner's rights: permitted callers, and the rows that each sees."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SERVICES, roles

_DEFINERS = """
SELECT proowner::regrole::text AS owner, nspname AS schema, proname AS name,
       coalesce(proconfig, '{}') AS settings,
       has_function_privilege('public', pg_proc.oid, 'EXECUTE') AS is_public
FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE prosecdef
ORDER BY schema, name
"""

_SEED = """
INSERT INTO reception.visit
    (store_id, order_id, queue_number, plate_ref, vehicle_ref, arrived_at, greeting_due_at,
     odometer_km)
VALUES ('S02', 'o-S02', 1, 'plate-S02', 'vehicle-S02', now(), now(), 5000);
INSERT INTO reception.repair_order (store_id, order_id, status, opened_at)
VALUES ('S02', 'o-S02', 'opened', now());
INSERT INTO reception.appointment
    (store_id, appointment_id, plate_ref, appointment_at, op_codes, status)
VALUES ('S02', 'a-S02', 'plate-S02', now(), '[]', 'booked');
INSERT INTO crm.customer (store_id, customer_ref, name, name_ref, person_ref, registered_at)
VALUES ('S02', 'c-S02', '', 'name-S02', 'person-S02', now());
INSERT INTO crm.vehicle
    (store_id, vehicle_ref, customer_ref, owned_since, vin_ref, vin, brand, model)
VALUES ('S02', 'vehicle-S02', 'c-S02', now(), 'vin-S02', '', 'X', 'Y');
INSERT INTO crm.vehicle_plate (store_id, vehicle_ref, customer_ref, plate_ref, plate, since)
VALUES ('S02', 'vehicle-S02', 'c-S02', 'plate-S02', '', now());
INSERT INTO crm.service_visit (store_id, order_id, customer_ref, delivered_at)
VALUES ('S02', 'o-S02', 'c-S02', now());
INSERT INTO crm.asked_version (store_id, version, questionnaire) VALUES ('S02', 'v', '{}');
INSERT INTO crm.survey
    (store_id, survey_id, order_id, customer_ref, version, channel, asked_at, expires_at,
     answered_at, csi)
VALUES ('S02', 's-S02', 'o-S02', 'c-S02', 'v', 'link', now(), now(), now(), 900)
"""

CAR = "vehicle-S02"

QUESTIONS = {
    "reception.visits_in_group": (
        "SELECT * FROM visits_in_group($1, $1, true, 1000000)",
        "SELECT * FROM visits_in_group($1, NULL, false, 1000000)",
        "SELECT * FROM visits_in_group(NULL, $1, true, 1000000)",
    ),
    "reception.open_visits_in_group": (
        "SELECT * FROM open_visits_in_group($1, $1, true)",
        "SELECT * FROM open_visits_in_group($1, NULL, false)",
        "SELECT * FROM open_visits_in_group(NULL, $1, true)",
    ),
    "reception.odometer_in_group": (
        "SELECT * FROM odometer_in_group($1) AS km WHERE km IS NOT NULL",
    ),
    "reception.bookings_in_group": (
        "SELECT * FROM bookings_in_group($1, '-infinity', 'infinity')",
    ),
    "reception.vehicle_with_plate_in_group": (
        "SELECT * FROM vehicle_with_plate_in_group($1) AS seen WHERE seen IS NOT NULL",
    ),
    "crm.vehicle_identity_in_group": (
        "SELECT * FROM vehicle_identity_in_group(NULL, $1)",
        "SELECT * FROM vehicle_identity_in_group($1, NULL)",
    ),
    "crm.customer_history_in_group": (
        "SELECT * FROM customer_history_in_group($1, '-infinity') WHERE visits > 0 OR stores <> "
        "'{}'",
    ),
    "crm.is_asked_in_group": (
        "SELECT * FROM is_asked_in_group($1, '-infinity') AS asked WHERE asked",
    ),
}
"""Permitted query about one id, for each function that sees other stores' rows."""

ARGUMENTS = {
    "reception.visits_in_group": "('plate-S02', NULL, false, 1)",
    "reception.open_visits_in_group": "('plate-S02', NULL, false)",
    "reception.vehicle_with_plate_in_group": "('plate-S02')",
    "crm.vehicle_identity_in_group": "('vin-S02', NULL)",
    "reception.odometer_in_group": "('vehicle-S02')",
    "reception.bookings_in_group": "('plate-S02', now(), now())",
    "crm.customer_history_in_group": "('plate-S02', now())",
    "crm.is_asked_in_group": "('c-S02', now())",
}

ABOUT = {
    "reception.bookings_in_group": "plate-S02",
    "reception.vehicle_with_plate_in_group": "plate-S02",
    "crm.customer_history_in_group": "plate-S02",
    "crm.is_asked_in_group": "c-S02",
}
"""What the query of a function is about, where that is no vehicle."""

ABOUT_OWN_CUSTOMERS = "crm.visits_of_customers_in_group"
"""Function that answers about the customers of a store in scope alone."""

FOR_THE_GROUP = {
    "crm.histories_of_deliveries_in_group": (
        "SELECT * FROM histories_of_deliveries_in_group('-infinity', 'infinity', '-infinity')"
    ),
    "crm.survey_results_of_stores": (
        "SELECT * FROM survey_results_of_stores('-infinity', 'infinity')"
    ),
}
"""Query of each function that sees the rows of all stores, in the group's name."""

TIDYING = {f"{service}.maintain_partitions" for service in SERVICES}


@pytest_asyncio.fixture(scope="module")
async def admin(servers: Platform) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(servers.admin_url)
    await connection.execute(_SEED)
    yield connection
    await connection.close()


@asynccontextmanager
async def acting(
    servers: Platform, role: str, stores: str = ""
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection of a role of the services with ``stores`` in scope."""
    connection = await asyncpg.connect(servers.database_url(role))
    try:
        await connection.execute("SELECT set_config('app.stores', $1, false)", stores)
        yield connection
    finally:
        await connection.close()


async def test_definer_functions_fix_search_path_without_public_access(
    admin: asyncpg.Connection,
) -> None:
    definers = await admin.fetch(_DEFINERS)
    assert {f"{each['schema']}.{each['name']}" for each in definers} == {
        *QUESTIONS,
        *FOR_THE_GROUP,
        *TIDYING,
        ABOUT_OWN_CUSTOMERS,
    }
    for each in definers:
        assert each["owner"] == f"{each['schema']}_owner"
        assert each["settings"] == [f"search_path={each['schema']}, pg_temp"], each["name"]
        assert not each["is_public"], each["name"]


async def test_service_role_cannot_shadow_names(admin: asyncpg.Connection) -> None:
    for role in [role for service in SERVICES for role in roles(service)[1:]]:
        assert not await admin.fetchval(
            "SELECT has_database_privilege($1, current_database(), 'TEMPORARY')", role
        )
        assert not await admin.fetchval(
            "SELECT bool_or(has_schema_privilege($1, oid, 'CREATE')) FROM pg_namespace", role
        )


@pytest.mark.parametrize("function", QUESTIONS)
async def test_definer_function_answers_exact_reference_only(
    servers: Platform, admin: asyncpg.Connection, function: str
) -> None:
    service = function.partition(".")[0]
    exact = ABOUT.get(function, CAR)
    guesses = {"%", "plate", "S02", "o-S02", "c-S02", "phone-S02", "PLATE-S02", "*"} - {exact}
    async with acting(servers, service, "S01") as connection:
        assert await connection.fetch(QUESTIONS[function][0], exact)
        for question in QUESTIONS[function]:
            for guess in guesses:
                assert await connection.fetch(question, guess) == []
            for nothing in (None, ""):
                with pytest.raises(asyncpg.InvalidParameterValueError):
                    await connection.fetch(question, nothing)


@pytest.mark.parametrize("function", QUESTIONS)
async def test_definer_function_without_store_is_rejected(
    servers: Platform, admin: asyncpg.Connection, function: str
) -> None:
    service = function.partition(".")[0]
    async with acting(servers, service) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(QUESTIONS[function][0], "plate-S02")
    for other in [role for each in SERVICES for role in roles(each)[1:] if role != service]:
        async with acting(servers, other, "S01,S02") as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT {function}{ARGUMENTS[function]}")


async def test_visits_of_another_stores_customers_are_refused(
    servers: Platform, admin: asyncpg.Connection
) -> None:
    question = f"SELECT * FROM {ABOUT_OWN_CUSTOMERS}($1, ARRAY['c-S02'])"
    async with acting(servers, "crm", "S02") as connection:
        assert await connection.fetch(question, "S02")
    for role, scope in (("crm", ""), ("crm", "S01"), ("reception", "S02")):
        async with acting(servers, role, scope) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(question, "S02")
    async with acting(servers, "crm", "S01") as connection:
        assert await connection.fetch(question, "S01") == []


@pytest.mark.parametrize("function", FOR_THE_GROUP)
async def test_function_for_the_group_refuses_stores(
    servers: Platform, admin: asyncpg.Connection, function: str
) -> None:
    service, question = function.partition(".")[0], FOR_THE_GROUP[function]
    async with acting(servers, service, "_group") as connection:
        assert await connection.fetch(question)
    for role, scope in (
        (service, ""),
        (service, "S02"),
        (service, "_group,S02"),
        (f"{service}_worker", "_group"),
        ("reception", "_group"),
    ):
        async with acting(servers, role, scope) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(question.replace("FROM ", f"FROM {service}."))


@pytest.mark.parametrize("service", SERVICES)
async def test_partition_maintenance_spares_current_days(
    servers: Platform, admin: asyncpg.Connection, service: str
) -> None:
    partitions = f"SELECT count(*) FROM pg_inherits WHERE inhparent = '{service}.outbox'::regclass"
    before = await admin.fetchval(partitions)
    async with acting(servers, f"{service}_worker") as worker:
        for ahead, kept in ((14, -1), (14, 0), (14, None), (None, 30), (10**6, 30), (-30, 30)):
            with pytest.raises(asyncpg.InvalidParameterValueError):
                await worker.execute("SELECT maintain_partitions($1, $2)", ahead, kept)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.execute("SELECT change_partitions(14, -1)")
    async with acting(servers, service, "S01") as runtime:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await runtime.execute("SELECT maintain_partitions(14, 30)")
    assert await admin.fetchval(partitions) == before
