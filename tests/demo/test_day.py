"""Small business day on the real platform: complete, audited, the same in every run, and read by
subscribers (R39).
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pytest_asyncio
import yaml
from pyarrow import parquet

from deploy.audit import run_audit
from deploy.audit.topics import declared_topics, read_log
from deploy.demo.day import MORNING, DayFigures, play_day
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import ADMINISTRATOR, SERVICES
from deploy.subscribers.administration import Subscribers
from deploy.subscribers.changes import Attempt
from deploy.subscribers.model import Offer, Subscriber
from services.reception.app import create_app
from shared.clock import SimulatedClock
from shared.kafka import administration_options
from tests.support.harness import in_process, publisher
from tests.support.order_factory import CLAIM_DETAILS, MANAGER, FrontDesk, invoiced, ready
from tests.support.samples import commands, complaint, run, running
from tests.support.workshop_events import WorkshopEvents

ORDERS = 6
KPIS = Path(__file__).with_name("kpis.yaml")
"""KPIs of the day by store. A change that is meant to move them commits them again."""

ORDER_TOPIC = "aftersales.reception.order.v1"
JOB_TOPIC = "aftersales.workshop.job.v1"
REPORT_TOPIC = "aftersales.reporting.store.v1"

Figures = dict[str, int]
MONEY = ("invoiced_cents", "received_cents", "refunded_cents", "credited_cents")


@pytest_asyncio.fixture(scope="module")
async def day(servers: Platform, clock: SimulatedClock) -> DayFigures:
    """Return the day, played and audited; its events are on the topics, and no service runs."""
    clock.set(MORNING)
    await servers.start_services(SERVICES)
    played = await play_day(servers, ORDERS, seed=11)
    audit = await run_audit(servers.admin_url, servers.kafka.client, servers.settings)
    assert [str(difference) for difference in audit.differences] == []
    await servers.stop_services()
    return played


@pytest_asyncio.fixture(scope="module")
async def desk(
    day: DayFigures, servers: Platform, clock: SimulatedClock
) -> AsyncIterator[FrontDesk]:
    """Yield the front desk of S01 after that day, for what does not come in on it."""
    async with in_process(servers, "reception", create_app) as reception:
        yield FrontDesk(reception, clock)


@pytest_asyncio.fixture
async def workshop(servers: Platform, clock: SimulatedClock) -> AsyncIterator[WorkshopEvents]:
    async with publisher(servers) as sending:
        yield WorkshopEvents(sending, clock.now())


def subscriber(servers: Platform, name: str, *topics: str) -> dict[str, str]:
    """Add a subscriber, and return the variables that a sample reads."""
    offer = Offer.declared(servers.settings.topics_file)
    added = Subscriber.checked(name, topics, None, offer)
    administrator = servers.kafka.settings_of(ADMINISTRATOR)
    password = Subscribers(administration_options(administrator)).add(
        added, offer, Attempt("tests", name)
    )
    reached = servers.kafka.tls_settings_of(ADMINISTRATOR)
    return {
        "KAFKA_BOOTSTRAP": reached.kafka_bootstrap,
        "KAFKA_TOPICS": ",".join(topics),
        "KAFKA_GROUP": f"{added.group_prefix}sample",
        "KAFKA_USER": added.user,
        "KAFKA_PASSWORD": password,
        "KAFKA_CA": str(reached.kafka_ca_file),
    }


async def ids_on(servers: Platform, *topics: str) -> list[str]:
    """Return the ids of the events on the topics, as the audit reads them."""
    log = await read_log(
        servers.kafka.client, declared_topics(servers.settings.topics_file), services=()
    )
    return sorted(event.id for event in log.events if event.address[0] in topics)


def of_store(figures: Sequence[dict[str, Any]], which: str) -> dict[str, Figures]:
    return {each["store_id"]: each[which] for each in figures}


async def test_demo_day_is_complete_and_repeatable(day: DayFigures) -> None:
    assert day.total("orders") == day.total("delivered") == ORDERS
    assert day.total("follow_ups_scheduled") == day.follow_ups_completed == ORDERS
    assert day.total("invoiced_cents") == day.total("received_cents") > 0
    assert day.jobs_assigned >= ORDERS

    kpis = {
        "jobs_assigned": day.jobs_assigned,
        "events_published": day.events_published,
        "reports": {name: each.model_dump(mode="json") for name, each in day.reports.items()},
    }
    committed = yaml.safe_load(KPIS.read_text(encoding="utf-8"))
    assert kpis == committed, yaml.safe_dump(kpis, sort_keys=False)


async def test_console_consumer_prints_events(day: DayFigures, servers: Platform) -> None:
    (command,) = commands("Kafka's console consumer")
    publishers = set[str]()
    topics = (ORDER_TOPIC, JOB_TOPIC)
    async with running(command, subscriber(servers, "console", *topics)) as output:
        while publishers != {"reception", "workshop"}:
            line = await output.line()
            assert '"order_id":' in line
            publishers.add(line.partition("ce_type:aftersales.")[2].partition(".")[0])


async def test_finance_books_agree_with_daily_reports(day: DayFigures, servers: Platform) -> None:
    (command,) = commands("Go: finance")
    variables = subscriber(servers, "finance", ORDER_TOPIC, REPORT_TOPIC)
    async with running(command, variables) as output:
        days = await output.facts(len(day.reports))
    reported = {
        store_id: {name: getattr(report, name) for name in MONEY}
        for store_id, report in day.reports.items()
    }
    assert of_store(days, "booked") == of_store(days, "reported") == reported
    assert all(each["agrees"] for each in days)


async def test_warehouse_has_every_event_once(
    day: DayFigures, servers: Platform, tmp_path: Path
) -> None:
    collect, query = commands("Python: a warehouse")
    topics = (ORDER_TOPIC, JOB_TOPIC)
    variables = subscriber(servers, "warehouse", *topics) | {"WAREHOUSE": str(tmp_path)}
    expected = await ids_on(servers, *topics)
    collected = 0
    async with running(collect, variables) as output:
        while collected < len(expected):
            collected += int((await output.line()).removesuffix(" events"))
    found = parquet.read_table(tmp_path, columns=["ce_id"])["ce_id"]
    assert sorted(found.to_pylist()) == expected
    revenue = {each["store_id"]: each["invoiced_cents"] for each in await run(query, variables)}
    assert revenue == {
        store_id: report.invoiced_cents
        for store_id, report in day.reports.items()
        if report.settled
    }


async def test_warehouse_says_what_it_lacks(tmp_path: Path) -> None:
    _, query = commands("Python: a warehouse")
    variables = {"WAREHOUSE": str(tmp_path)}
    assert "no events in" in await complaint(query, variables)
    (tmp_path / ORDER_TOPIC).mkdir()
    names = ("ce_id", "ce_type", "ce_storeid", "ce_time", "data")
    empty = pyarrow.schema([(name, pyarrow.string()) for name in names]).empty_table()
    parquet.write_table(empty, tmp_path / ORDER_TOPIC / "0-0.parquet")
    assert await complaint(query, variables) == "no invoices among the events yet\n"


async def test_insurer_follows_accident_until_paid(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    (command,) = commands("Node: an insurer")
    order_id = await ready(desk, workshop, "沪A90001")
    owed = (await invoiced(desk, order_id))["balance_cents"]
    path = f"/orders/{order_id}"
    await desk.done(f"{path}/on-account-release", {"reason": "insurer_pays"}, MANAGER)
    await desk.steps_done(order_id)
    await desk.done(f"{path}/delivery")
    paid = {"method": "transfer", "amount_cents": owed}
    await desk.done(f"{path}/payments", paid)
    await desk.service.wait_until_idle()
    async with running(command, subscriber(servers, "insurer", ORDER_TOPIC)) as output:
        steps = await output.facts(3)
    assert [each["status"] for each in steps] == ["released", "delivered", "paid"]
    assert [each["balance_cents"] for each in steps] == [owed, owed, 0]
    assert {(each["order_id"], each["invoiced_cents"]) for each in steps} == {(order_id, owed)}


async def test_manufacturer_follows_claim_until_settled(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform, tmp_path: Path
) -> None:
    (command,) = commands("Java: a manufacturer")
    order_id = await ready(desk, workshop, "沪A90002", pay_types={"MNT-001": "warranty"})
    await invoiced(desk, order_id)
    (claim,) = await desk.get("/claims", status="draft")
    path = f"/claims/{claim['claim_id']}"
    await desk.done(f"{path}/claim-details", CLAIM_DETAILS | {"version": claim["version"]})
    await desk.done(f"{path}/submission")
    await desk.done(f"{path}/decision", {"approved_cents": 10_000, "code": "partly_accepted"})
    await desk.done(f"{path}/settlement", {"method": "transfer"})
    await desk.service.wait_until_idle()
    variables = subscriber(servers, "manufacturer", ORDER_TOPIC) | {"CLASSES": str(tmp_path)}
    async with running(command, variables) as output:
        steps = await output.facts(4)
    assert [each["step"] for each in steps] == ["drafted", "submitted", "decided", "settled"]
    assert {each["claim_id"] for each in steps} == {claim["claim_id"]}
    last = steps[-1]
    assert last["paid_cents"] == 10_000
    assert last["amount_cents"] == last["paid_cents"] + last["written_off_cents"]
