"""Audit on a clean day: no findings; after each corruption: a finding that names it (R33, R40)."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from deploy.audit import AuditResult, run_audit
from deploy.audit.audit_data import APPOINTMENTS, JOBS, ORDERS
from deploy.audit.topics import declared_topics, read_log
from deploy.demo.day import play_day
from deploy.embedded.platform import Platform
from shared.contracts import CONTRACTS
from tests.support.api import ADVISOR, MANAGER, Api
from tests.support.polling import PATIENCE_S


@dataclass(frozen=True)
class Corruption:
    """Corruption of one row in ``table``. ``victim`` selects the text that the audit must name."""

    name: str
    table: str
    victim: str
    plant: str
    named: str
    without_constraint: str = ""


VOUCHER = {"kind": "voucher", "value_cents": 10_000, "expires_at": "2027-01-01T00:00:00+08:00"}
DIRTY_LANES = {
    "area": "service_drive",
    "results": {
        "lanes_clear": "failed",
        "signs_visible": "ok",
        "exits_free": "ok",
        "parking_in_order": "ok",
    },
}
PRICE = {
    "content": {"kind": "part_price", "price_cents": 2_000},
    "valid_from": "2026-12-01",
    "reason": "new list of the manufacturer",
}

CORRUPTIONS = [
    Corruption(
        "a lost row",
        "workshop.job",
        "SELECT min(job_id) FROM workshop.job",
        "DELETE FROM workshop.job WHERE job_id = '{victim}'",
        "workshop: {victim}: job: expected one row, found no row",
    ),
    Corruption(
        "a doubled effect",
        "reporting.payment_fact",
        "SELECT min(payment_id) FROM reporting.payment_fact",
        "INSERT INTO reporting.payment_fact SELECT store_id, payment_id || '-again', order_id, "
        "amount_cents, received_at FROM reporting.payment_fact WHERE payment_id = '{victim}'",
        "reporting: {victim}-again: payment_fact: expected no row, found another row",
    ),
    Corruption(
        "a changed amount",
        "reception.order_account",
        "SELECT min(order_id) FROM reception.order_account",
        "UPDATE reception.order_account SET invoiced_cents = invoiced_cents + 1 "
        "WHERE order_id = '{victim}'",
        "reception: {victim}: order_account.invoiced_cents: expected",
    ),
    Corruption(
        "a stage that goes back",
        "reception.repair_order",
        "SELECT max(order_id) FROM reception.repair_order",
        "UPDATE reception.repair_order SET status = 'ready' WHERE order_id = '{victim}'",
        "reception: {victim}: repair_order.status: expected closed, found ready",
    ),
    Corruption(
        "a swapped sequence",
        "reporting.event_log",
        "SELECT event_id::text FROM reporting.event_log WHERE sequence = 1 "
        "ORDER BY event_id LIMIT 1",
        "UPDATE reporting.event_log SET sequence = 3 - sequence WHERE sequence IN (1, 2) "
        "AND key = (SELECT key FROM reporting.event_log WHERE event_id = '{victim}')",
        "reporting: {victim}: event_log.sequence: expected 1, found 2",
    ),
    Corruption(
        "a row in a foreign store",
        "crm.service_visit",
        "SELECT min(order_id) FROM crm.service_visit WHERE store_id = 'S01'",
        "UPDATE crm.service_visit SET store_id = 'S02' WHERE order_id = '{victim}'",
        "crm: service_visit order_id {victim}: store: expected S01, found S02",
    ),
    Corruption(
        "a message that nobody will get",
        "crm.message",
        "SELECT min(order_id) FROM crm.message WHERE message_type = 'ready'",
        "DELETE FROM crm.message WHERE order_id = '{victim}' AND message_type = 'ready'",
        "crm: order {victim}: messages ready: expected 1, found 0",
    ),
    Corruption(
        "a customer who spent a cent more",
        "crm.service_visit",
        "SELECT min(order_id) FROM crm.service_visit",
        "UPDATE crm.service_visit SET spent_cents = spent_cents + 1 WHERE order_id = '{victim}'",
        "crm: {victim}: service_visit.spent_cents: expected",
    ),
    Corruption(
        "an event that reporting lost",
        "reporting.event_log",
        "SELECT event_id::text FROM reporting.event_log ORDER BY event_id LIMIT 1",
        "DELETE FROM reporting.event_log WHERE event_id = '{victim}'",
        "reporting: {victim}: event_log: expected one row, found no row",
    ),
    Corruption(
        "a rule that nobody decided on",
        "management.record_change",
        "SELECT 'rules loyalty'",
        "UPDATE management.record_change SET content = jsonb_set(content, '{{period_days}}', '1') "
        "WHERE collection || ' ' || record_id = '{victim}'",
        "management: {victim}: record.versions: expected",
    ),
    Corruption(
        "a change of rules that is gone",
        "management.record_change",
        "SELECT 'rules messages'",
        "DELETE FROM management.record_change WHERE collection || ' ' || record_id = '{victim}'",
        "management: {victim}: revisions: expected [1], found []",
    ),
    Corruption(
        "rules that customer relations has otherwise",
        "crm.master_data",
        "SELECT 'aftersales.management.rules.v1 loyalty'",
        "UPDATE crm.master_data SET version = version + 1 WHERE key = 'loyalty'",
        "crm: {victim}: master_data.version: expected 1, found 2",
    ),
    Corruption(
        "rules that reception has otherwise",
        "reception.master_data",
        "SELECT 'aftersales.management.rules.v1 settlement'",
        "UPDATE reception.master_data SET version = version + 1 WHERE key = 'settlement'",
        "reception: {victim}: master_data.version: expected 1, found 2",
    ),
    Corruption(
        "a price that reception has otherwise",
        "reception.master_data",
        "SELECT 'aftersales.management.price.v1 part_price:OIL-5W30.S01'",
        "UPDATE reception.master_data SET version = version + 1 "
        "WHERE key = 'part_price:OIL-5W30.S01'",
        "reception: {victim}: master_data.version: expected 1, found 2",
    ),
    Corruption(
        "an owner since another day",
        "reporting.owner_fact",
        "SELECT min(store_id || ' ' || customer_ref || ' ' || vehicle_ref) "
        "FROM reporting.owner_fact",
        "UPDATE reporting.owner_fact SET registered_at = registered_at + interval '1 day' "
        "WHERE store_id || ' ' || customer_ref || ' ' || vehicle_ref = '{victim}'",
        "reporting: {victim}: owner_fact.registered_at: expected",
    ),
    Corruption(
        "rules that reception lost",
        "reception.master_data",
        "SELECT 'aftersales.management.rules.v1 facility_checklist'",
        "DELETE FROM reception.master_data WHERE key = 'facility_checklist'",
        "reception: {victim}: master_data: expected one row, found no row",
    ),
    Corruption(
        "a double booking",
        "workshop.resource_booking",
        "SELECT min(job_id) FROM workshop.resource_booking",
        "INSERT INTO workshop.resource_booking "
        "SELECT store_id, 'second-job', hold_id, resource, during "
        "FROM workshop.resource_booking WHERE job_id = '{victim}'",
        "expected only {victim}, found also second-job",
        without_constraint="resource_booking_store_id_resource_during_excl",
    ),
    Corruption(
        "an outbox row that was not sent",
        "reception.outbox",
        "SELECT min(id::text) FROM reception.outbox",
        "UPDATE reception.outbox SET sent_at = NULL WHERE id = '{victim}'",
        "reception: outbox: unsent rows: expected 0, found 1",
    ),
    Corruption(
        "an event that no outbox knows",
        "workshop.outbox",
        "SELECT min(id::text) FROM workshop.outbox",
        "DELETE FROM workshop.outbox WHERE id = '{victim}'",
        "outbox row or dead letter of {victim}: expected True, found False",
    ),
    Corruption(
        "a report that is a cent off",
        "reporting.daily_report",
        "SELECT store_id || ' ' || day || ' 1' FROM reporting.daily_report ORDER BY 1 LIMIT 1",
        "UPDATE reporting.daily_report SET report = jsonb_set(report, '{{invoiced_cents}}', "
        "to_jsonb((report->>'invoiced_cents')::bigint + 1)) "
        "WHERE store_id || ' ' || day || ' 1' = '{victim}'",
        "reporting: {victim}: daily_report.report: expected",
    ),
    Corruption(
        "a month whose reports are a cent off",
        "reporting.daily_report",
        "SELECT store_id || ' ' || left(day::text, 7) FROM reporting.daily_report "
        "ORDER BY 1 LIMIT 1",
        "UPDATE reporting.daily_report SET report = jsonb_set(report, '{{received_cents}}', "
        "to_jsonb((report->>'received_cents')::bigint + 1)) WHERE (store_id, day) = ("
        "SELECT store_id, min(day) FROM reporting.daily_report "
        "WHERE store_id || ' ' || left(day::text, 7) = '{victim}' GROUP BY store_id)",
        "reporting: {victim}: received_cents of daily reports: expected",
    ),
    Corruption(
        "a payment in no report",
        "reporting.daily_report",
        "SELECT store_id || ' ' || event_id FROM reporting.event_log "
        "WHERE type = 'aftersales.reception.PaymentReceived.v1' ORDER BY time LIMIT 1",
        "DELETE FROM reporting.daily_report WHERE '{victim}' LIKE store_id || ' %'",
        "reporting: {victim}: daily reports: expected 1, found 0",
    ),
    Corruption(
        "a payment in two reports",
        "reporting.daily_report",
        "SELECT store_id || ' ' || event_id FROM reporting.event_log "
        "WHERE type = 'aftersales.reception.PaymentReceived.v1' ORDER BY time LIMIT 1",
        "INSERT INTO reporting.daily_report (store_id, day, published_at, report, revision) "
        "SELECT store_id, day - 1, published_at, report, revision FROM reporting.daily_report "
        "WHERE '{victim}' LIKE store_id || ' %'",
        "reporting: {victim}: daily reports: expected 1, found 2",
    ),
    Corruption(
        "a position behind",
        "crm.stream_position",
        "SELECT min(key || ' ' || store_id) FROM crm.stream_position "
        "WHERE topic = 'aftersales.reception.order.v1'",
        "UPDATE crm.stream_position SET last_sequence = last_sequence - 1 "
        "WHERE topic = 'aftersales.reception.order.v1' AND '{victim}' = key || ' ' || store_id",
        "crm: aftersales.reception.order.v1 {victim}: stream_position.last_sequence: expected",
    ),
    Corruption(
        "clocked time that nobody worked",
        "workshop.job",
        "SELECT max(job_id) FROM workshop.job",
        "UPDATE workshop.job SET clocked_s = clocked_s + 1 WHERE job_id = '{victim}'",
        "workshop: {victim}: job.clocked_s: expected",
    ),
    Corruption(
        "a voucher that gained value",
        "reception.voucher",
        "SELECT min(voucher_id) FROM reception.voucher",
        "UPDATE reception.voucher SET value_cents = value_cents + 1 WHERE voucher_id = '{victim}'",
        "reception: {victim}: voucher.value_cents: expected 10000, found 10001",
    ),
    Corruption(
        "a credit note that takes back more",
        "reporting.credit_note_fact",
        "SELECT min(credit_note_id) FROM reporting.credit_note_fact",
        "UPDATE reporting.credit_note_fact SET amount_cents = amount_cents + 1 "
        "WHERE credit_note_id = '{victim}'",
        "reporting: {victim}: credit_note_fact.amount_cents: expected 500, found 501",
    ),
    Corruption(
        "a corrective action with another owner",
        "management.corrective_action",
        "SELECT min(corrective_action_id) FROM management.corrective_action",
        "UPDATE management.corrective_action SET owner_id = 'nobody' "
        "WHERE corrective_action_id = '{victim}'",
        "management: {victim}: corrective_action.owner_id: expected",
    ),
    Corruption(
        "a finding without corrective action",
        "management.corrective_action",
        "SELECT min(source || '/' || source_id) FROM management.corrective_action",
        "DELETE FROM management.corrective_action WHERE source || '/' || source_id = '{victim}'",
        "management: {victim}: corrective_action: expected one row, found no row",
    ),
    Corruption(
        "a corrective action that counts on another day",
        "reporting.corrective_action_fact",
        "SELECT min(corrective_action_id) FROM reporting.corrective_action_fact",
        "UPDATE reporting.corrective_action_fact SET due_at = due_at + interval '1 day' "
        "WHERE corrective_action_id = '{victim}'",
        "reporting: {victim}: corrective_action_fact.due_at: expected",
    ),
    Corruption(
        "a call that was never promised",
        "crm.follow_up",
        "SELECT min(follow_up_id) FROM crm.follow_up",
        "UPDATE crm.follow_up SET satisfaction = CASE satisfaction WHEN 1 THEN 2 ELSE 1 END "
        "WHERE follow_up_id = '{victim}'",
        "crm: {victim}: follow_up.satisfaction: expected",
    ),
    Corruption(
        "a lead of another model",
        "crm.lead",
        "SELECT min(lead_id) FROM crm.lead",
        "UPDATE crm.lead SET model_code = 'another' WHERE lead_id = '{victim}'",
        "crm: {victim}: lead.model_code: expected qiyue_suv, found another",
    ),
]


@pytest_asyncio.fixture(scope="module")
async def day(platform: Platform) -> Platform:
    """Return a simulated day, idle: no service runs that could process a corruption."""
    await play_day(platform, orders=6, seed=7)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        api = Api(platform, client)
        await api.done("reception", "/vouchers", MANAGER, VOUCHER)
        await api.done("reception", "/facility-checks", ADVISOR, DIRTY_LANES)
        await _correct_an_invoice(api)
        await _stop_an_order(api)
        await _hand_over_a_lead(api)
        price = "/prices/part_price:OIL-5W30"
        await api.done("management", price, MANAGER, PRICE, method="PUT")
        await api.done("management", "/attendance/sign-in", ADVISOR)
        await api.done("management", "/attendance/sign-out", ADVISOR)
        await api.wait_until_idle()
    await platform.stop_services()
    return platform


async def _correct_an_invoice(api: Api) -> None:
    """Refund an overpayment, and correct the invoice by it."""
    order = (await api.get("reception", "/orders?status=closed", MANAGER))[0]
    path = f"/orders/{order['order_id']}"
    method = max(order["money_by_method"], key=order["money_by_method"].get)
    back = {"method": method, "amount_cents": 500, "reason": "paid_too_much"}
    order = await api.done("reception", f"{path}/refunds", MANAGER, back)
    note = {"amount_cents": 500, "reason": "wrong_price", "version": order["version"]}
    await api.done("reception", f"{path}/credit-notes", MANAGER, note)


async def _stop_an_order(api: Api) -> None:
    """Stop the order: the customer takes the vehicle in the middle of the work."""
    order_id = await api.opened(61, "沪K10061")
    await api.begun(order_id)
    agreed = {"op_codes": ["MNT-001"], "agreed_cents": 1_800 + 35_200}
    assert (await api.withdrawn(order_id, agreed)).is_success
    await api.wait_until_idle()
    await api.delivered(order_id)
    await _invoice_again(api, order_id)


async def _hand_over_a_lead(api: Api) -> None:
    """Hand a customer who wants another car to the sales department."""
    order = (await api.get("reception", "/orders?status=closed", MANAGER))[0]
    lead = {"lead_kind": "replacement", "model_code": "qiyue_suv", "consent_given": True}
    await api.done("crm", f"/customers/{order['customer_ref']}/leads", ADVISOR, lead)


async def _invoice_again(api: Api, order_id: str) -> None:
    """Credit the whole invoice, which had the wrong payer, and issue it again."""
    path = f"/orders/{order_id}"
    order = await api.get("reception", path, MANAGER)
    note = {"entire": True, "refund_method": "cash", "reason": "other", "version": order["version"]}
    await api.done("reception", f"{path}/credit-notes", MANAGER, note)
    payers = {"pay_types": {"MNT-001": "internal", "OIL-5W30": "warranty"}}
    await api.done("reception", f"{path}/invoice", ADVISOR, payers)


async def audit(platform: Platform) -> AuditResult:
    return await run_audit(platform.admin_url, platform.kafka.client, platform.settings)


@asynccontextmanager
async def planted(platform: Platform, corruption: Corruption) -> AsyncIterator[str]:
    """Apply a corruption, and undo it at the end."""
    table, constraint = corruption.table, corruption.without_constraint
    connection = await asyncpg.connect(platform.admin_url)
    await connection.execute(f"CREATE TABLE kept AS TABLE {table}")
    if constraint:
        definition = await connection.fetchval(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", constraint
        )
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    victim = await connection.fetchval(corruption.victim)
    await connection.execute(corruption.plant.format(victim=victim))
    try:
        yield str(victim)
    finally:
        await connection.execute(f"DELETE FROM {table}")
        await connection.execute(f"INSERT INTO {table} TABLE kept")
        if constraint:
            await connection.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}"
            )
        await connection.execute("DROP TABLE kept")
        await connection.close()


async def test_audit_of_played_day_finds_no_difference(day: Platform) -> None:
    result = await audit(day)
    assert [str(each) for each in result.differences] == []
    assert result.counted["events"] > 100
    idle = [check.name for check in result.checks if not check.compared]
    assert idle == [
        "records without a publisher are dead-lettered",
        "no technician or bay is planned twice (events)",
        "surveys are those sent, and answered as published",
        "lost customers are as the events say",
        "invitations to campaigns are as the events say",
        "survey_fact is the fold of the events",
        "vehicle_fact is the newest event of a vehicle",
    ]


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda each: each.name)
async def test_corrupted_row_is_named_by_audit(day: Platform, corruption: Corruption) -> None:
    async with planted(day, corruption) as victim:
        lines = [str(each) for each in (await audit(day)).differences]
    expected = corruption.named.format(victim=victim)
    assert any(expected in line for line in lines), lines


async def test_audit_passes_after_corruptions_are_undone(day: Platform) -> None:
    assert (await audit(day)).ok


async def test_published_record_has_exactly_its_contract_fields(
    day: Platform,
) -> None:
    log = await read_log(day.kafka.client, declared_topics(day.settings.topics_file), ())
    assert len({event.type for event in log.events}) > 15
    for event in log.events:
        written = CONTRACTS[event.type].model_validate(event.data).model_dump_json()
        assert json.loads(written) == event.data, event.type


FORGED: list[tuple[str, bytes, str]] = [
    ("reception.AppointmentBooked.v1", b"garbage", "data: no JSON object"),
    ("reception.AppointmentBooked.v1", b"[]", "data: no JSON object"),
    ("reception.AppointmentRescheduled.v7", b"{}", "unknown version of its type"),
    ("reception.AppointmentBooked.v1", b'{"store_id":"S02"}', "store_id differs from header"),
    ("reception.OrderOpened.v1", b'{"store_id":"S01"}', "is a required property"),
    (
        "reception.CustomerGreeted.v1",
        b'{"store_id":"S01","order_id":[1],"advisor_id":"a","greeted_at":"2026-03-04T06:51:00Z"}',
        "order_id: the value is not of type",
    ),
    (
        "reception.CustomerGreeted.v1",
        b'{"store_id":"S01","order_id":"1","advisor_id":"a","greeted_at":"yesterday"}',
        "greeted_at: the value is not a",
    ),
]


async def forge(platform: Platform, key: str, *records: tuple[str, bytes]) -> None:
    """Send records that no service published, fifty steps ahead of their streams."""
    topics = {"AppointmentBooked": APPOINTMENTS, "AppointmentRescheduled": APPOINTMENTS}
    async with AIOKafkaProducer(**platform.kafka.client) as producer:
        for number, (kind, value) in enumerate(records):
            name = kind.split(".")[1]
            headers = {
                "ce_id": str(uuid4()),
                "ce_type": f"aftersales.{kind}",
                "ce_source": "/stores/S01/reception",
                "ce_storeid": "S01",
                "ce_time": "2026-03-04T06:51:00+00:00",
                "ce_sequence": str(50 + number),
            }
            await producer.send_and_wait(
                topics.get(name, JOBS if kind.startswith("workshop") else ORDERS),
                value,
                key=key.encode(),
                headers=[(name, text.encode()) for name, text in headers.items()],
            )


async def test_unreadable_record_stops_no_check(day: Platform) -> None:
    before = await audit(day)
    await forge(day, "forged", *[(kind, value) for kind, value, _ in FORGED])
    result = await audit(day)
    lines = [str(each) for each in result.differences if each.what == "event"]
    for kind, _, fault in FORGED:
        name = kind.split(".")[1]
        found = [line for line in lines if f"{name} forged" in line and fault in line]
        assert any(line.startswith("kafka:") for line in found), lines
    assert [check.name for check in result.checks] == [check.name for check in before.checks]
    about_data = [
        str(each)
        for check in result.checks
        if check.name
        not in {
            "readable events",
            "nothing is on its way",
            "records without a publisher are dead-lettered",
            "positions stand at the last contiguous event",
        }
        for each in check.differences
    ]
    assert about_data == []


async def test_readable_forged_event_is_named_by_audit(day: Platform) -> None:
    log = await read_log(day.kafka.client, declared_topics(day.settings.topics_file), ())
    records = [(event.type.partition(".")[2], event) for event in log.events if not event.fault]
    twins = {kind: json.dumps({**event.data, "job_id": "x"}) for kind, event in records}
    await forge(day, "nonsense", *[(kind, data.encode()) for kind, data in twins.items()])
    result = await audit(day)
    assert len({check.service for check in result.checks}) == 6
    assert any("nonsense" in str(each) for each in result.differences)
