"""Customers of a group that has worked for years, as they stand in customer relations.

What is encrypted is made here and copied in; visits, histories, policies and calls follow from it
by set-wise SQL.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from deploy.embedded.platform import Platform
from services.crm.application.pinyin import readings
from services.crm.application.registration import name_reference, person_reference
from services.crm.domain.search_term import (
    Source,
    Term,
    terms_of_name,
    terms_of_phone,
    terms_of_plate,
    terms_of_vin,
)
from services.crm.persistence.search_token import tokens_of
from shared.db import Connection, speak_json
from shared.keyring import Keyring
from shared.personal_data import PersonalData
from tests.support.api import vin

_BATCH = 2_000
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗曾单"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华建文辉红玉兰海霖昕"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"

_VISITS = """
INSERT INTO service_visit (store_id, order_id, customer_ref, opened_at, delivered_at, ended_at,
                           spent_cents)
SELECT store_id, vehicle_ref || '-' || visit, customer_ref, at, at, at, 30000 + chance % 200000
FROM (SELECT store_id, customer_ref, vehicle_ref, abs(hashtext(vehicle_ref)) AS chance
      FROM vehicle) AS known
CROSS JOIN generate_series(0, 2) AS visit
CROSS JOIN LATERAL (
    SELECT $1::timestamptz - make_interval(days => chance % 420 + 1 + visit * 190) AS at) AS visited
"""

_HISTORY = """
INSERT INTO service_record (store_id, record_id, vehicle_ref, odometer_km, read_on, restarts,
                            op_codes, delivered_on)
SELECT visit.store_id, order_id, vehicle_ref,
       (60000 - 9000 * right(order_id, 1)::integer), delivered_at::date, false, '{MNT-001}',
       delivered_at::date
FROM service_visit AS visit
JOIN vehicle ON vehicle.store_id = visit.store_id
            AND vehicle.vehicle_ref = left(order_id, length(order_id) - 2)
"""

_VEHICLES_TO_PLAN = """
INSERT INTO service_vehicle (store_id, vehicle_ref) SELECT store_id, vehicle_ref FROM vehicle
"""

_POLICIES = """
INSERT INTO insurance_policy (
    store_id, policy_id, customer_ref, vehicle_ref, insurer, kinds, begins_on, ends_on, end_day,
    premium_cents, sold_here, channel, is_renewal, recorded_by, recorded_at, remind_on)
SELECT store_id, vehicle_ref, customer_ref, vehicle_ref, 'picc', '{compulsory,damage}',
       ends_on - 364, ends_on, extract(day FROM ends_on), 400000, true, 'in_store', false,
       store_id || '-agent-1', $1::timestamptz - interval '200 days', ends_on - 45
FROM (SELECT store_id, customer_ref, vehicle_ref,
             $1::date + 1 + abs(hashtext('policy' || vehicle_ref)) % 300 AS ends_on
      FROM vehicle WHERE abs(hashtext('insured' || vehicle_ref)) % 10 < 4) AS insured
"""

_AGENTS = """
INSERT INTO customer_assignment (store_id, customer_ref, requested_at, agent_id, assigned_at,
                                 assigned_by, cause, first_contact_due_at, first_contacted_at)
SELECT store_id, customer_ref, registered_at,
       store_id || '-agent-' || (1 + abs(hashtext(customer_ref)) % 2), registered_at, NULL,
       'new_customer',
       registered_at + interval '7 days', registered_at + interval '2 days'
FROM customer
"""

_CALLS = """
INSERT INTO follow_up (store_id, follow_up_id, reason, about, customer_ref, agent_id, priority,
                       due_at)
SELECT store_id, gen_random_uuid()::text, 'ad_hoc', customer_ref, customer_ref, agent_id,
       1 + abs(hashtext(customer_ref)) % 5,
       $1::timestamptz - make_interval(hours => abs(hashtext('call' || customer_ref)) % 400)
FROM customer_assignment WHERE abs(hashtext('asked' || customer_ref)) % 50 = 0
"""


@dataclass(frozen=True)
class Known:
    """One customer with a vehicle, in the clear."""

    store_id: str
    number: int
    name: str
    phone: str
    plate: str
    vin: str

    @property
    def customer_ref(self) -> str:
        return str(UUID(md5(f"customer {self.number}".encode()).hexdigest()))

    @property
    def vehicle_ref(self) -> str:
        return str(UUID(md5(f"vehicle {self.number}".encode()).hexdigest()))

    @property
    def point_id(self) -> str:
        return str(UUID(md5(f"phone {self.number}".encode()).hexdigest()))

    @property
    def terms(self) -> Iterator[tuple[Source, str, set[Term]]]:
        """By what each of their values is found."""
        yield "name", self.customer_ref, terms_of_name(self.name, readings(self.name))
        yield "phone", self.point_id, terms_of_phone(self.phone)
        yield "plate", self.vehicle_ref, terms_of_plate(self.plate)
        yield "vin", self.vehicle_ref, terms_of_vin(self.vin)


def known_customers(stores: Sequence[str], count: int) -> Iterator[Known]:
    """Yield customers, the stores in turns."""
    for number in range(count):
        mixed = number * 7919
        given = _GIVEN[mixed % len(_GIVEN)] + _GIVEN[number // 31 % len(_GIVEN)]
        yield Known(
            store_id=stores[number % len(stores)],
            number=number,
            name=_SURNAMES[number % len(_SURNAMES)] + given[: 1 + number % 2],
            phone=f"+8613{number % 10}{mixed % 10**8:08d}",
            plate=f"沪{_LETTERS[number // 99_999 % 24]}{number % 99_999:05d}",
            vin=vin(number),
        )


def personal_data(platform: Platform) -> PersonalData:
    """Return the keys of the platform's customer relations."""
    environment = platform.environment("crm")
    return PersonalData(
        Keyring.from_file(Path(environment["AFTERSALES_KEYS_FILE"]), "crm"),
        Keyring.from_file(Path(environment["AFTERSALES_RECOGNITION_KEYS_FILE"]), "recognition"),
    )


async def connect(platform: Platform) -> Connection:
    """Return a connection of the superuser that sees the tables of customer relations."""
    connection = await asyncpg.connect(
        platform.admin_url, server_settings={"search_path": "crm"}, command_timeout=3600
    )
    await speak_json(connection)
    return connection


async def fill(
    connection: Connection,
    personal: PersonalData,
    stores: Sequence[str],
    count: int,
    now: datetime,
) -> None:
    """Enter ``count`` customers, each with a vehicle, and what the stores have done with them."""
    customers = known_customers(stores, count)
    while batch := list(islice(customers, _BATCH)):
        await _enter(connection, personal, batch, now)
    for statement in (_VISITS, _POLICIES):
        await connection.execute(statement, now)
    for statement in (_HISTORY, _VEHICLES_TO_PLAN, _AGENTS):
        await connection.execute(statement)
    await connection.execute(_CALLS, now)
    await connection.execute("ANALYZE")


async def _enter(
    connection: Connection, personal: PersonalData, batch: Sequence[Known], now: datetime
) -> None:
    texts = [
        (each.store_id, each.customer_ref, text)
        for each in batch
        for text in (each.name, each.phone, each.plate, each.vin)
    ]
    secrets = iter(await personal.encrypt_all(connection, texts))
    rows: Mapping[str, list[tuple[Any, ...]]] = {name: [] for name in _COLUMNS}
    for each in batch:
        name, phone, plate, identity = (next(secrets) for _ in range(4))
        of, vehicle = (each.store_id, each.customer_ref), (each.store_id, each.vehicle_ref)
        rows["customer"].append(
            (
                *of,
                name,
                name_reference(each.name, personal),
                person_reference(each.name, each.phone, personal),
                now,
            )
        )
        phone_ref = personal.reference("phone", each.phone)
        rows["contact_point"].append(
            (each.store_id, each.point_id, of[1], "phone", phone, phone_ref, "import", now, True)
        )
        vin_ref = personal.reference("vin", each.vin)
        rows["vehicle"].append((*vehicle, of[1], now, vin_ref, identity, "启岳", "Q5"))
        rows["vehicle_person"].append((*vehicle, of[1], "owner", now, "import"))
        plate_ref = personal.reference("plate", each.plate)
        rows["vehicle_plate"].append((*vehicle, of[1], plate_ref, plate, now))
        rows["search_token"] += [
            (each.store_id, token, source, source_id)
            for source, source_id, terms in each.terms
            for token in tokens_of(terms, personal)
        ]
    for table, columns in _COLUMNS.items():
        await connection.copy_records_to_table(
            table, records=rows[table], columns=columns.split(), schema_name="crm"
        )


_COLUMNS = {
    "customer": "store_id customer_ref name name_ref person_ref registered_at",
    "contact_point": "store_id contact_point_id customer_ref kind value value_ref set_by set_at "
    "at_registration",
    "vehicle": "store_id vehicle_ref customer_ref owned_since vin_ref vin brand model",
    "vehicle_person": "store_id vehicle_ref customer_ref role since set_by",
    "vehicle_plate": "store_id vehicle_ref customer_ref plate_ref plate since",
    "search_token": "store_id token source source_id",
}
"""Columns of the tables in the order in which they are filled."""
