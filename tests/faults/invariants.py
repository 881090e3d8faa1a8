"""Invariants after every fault, checked on an idle platform."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from deploy.audit import run_audit
from deploy.embedded.secrets import SERVICES
from services.reporting.persistence.facts import fingerprint
from tests.faults.load import CommandRecord, History
from tests.faults.testbed import Testbed
from tests.support.polling import until

REST_S = 120.0
"""Time limit for lag, outboxes, due timers and parked keys to be back at zero."""

INVARIANTS = (
    "acknowledged",
    "outbox",
    "once",
    "order",
    "totals",
    "booking",
    "stores",
    "staff",
    "rest",
    "replay",
)

_OF_CHECK = {
    "outbox rows are the topics' events": "outbox",
    "stream heads stand at the last event": "outbox",
    "records without a publisher are dead-lettered": "outbox",
    "sequence per topic and key": "order",
    "one event per sequence": "order",
    "envelope agrees with data": "order",
    "positions stand at the last contiguous event": "order",
    "amounts add up to the cent": "totals",
    "daily reports are kept as published": "totals",
    "each event is in one daily report": "totals",
    "daily reports add up to each month's events": "totals",
    "report KPIs are the fold of the events": "totals",
    "no technician or bay works twice at once (events)": "booking",
    "no technician or bay is planned twice (events)": "booking",
    "no technician or bay is booked twice (tables)": "booking",
    "no row stands in a foreign store": "stores",
    "nothing is on its way": "rest",
}
"""Invariants of named audit checks.

Every other check of the audit compares tables with events: each had its one effect.
"""

_PUBLISHING = frozenset(
    {
        "customers",
        "arrivals",
        "greet",
        "open",
        "cancellation",
        "delivery",
        "invoice",
        "payments",
        "start",
        "finish",
        "inspection",
        "calls",
    }
)
_PROJECTION = (
    "event_log, order_fact, invoice_fact, payment_fact, credit_note_fact, job_fact, "
    "follow_up_fact, feedback_fact, survey_fact, corrective_action_fact, business_day, "
    "daily_report, stream_position, applied_digests, parked_event, timer"
)
_LEFT_OPEN = """
SELECT order_id, status, 'has a provisional promise' AS lacks FROM reception.repair_order
WHERE promise_provisional AND status <> 'cancelled'
UNION ALL
SELECT order_id, status, 'has no customer'
FROM reception.repair_order JOIN reception.visit USING (store_id, order_id)
WHERE opened_at IS NOT NULL AND (customer_ref IS NULL OR customer_details IS NOT NULL)
"""
_BACKLOG = ("lag", "outbox", "due_timers", "parked_keys")


@dataclass(frozen=True)
class Verdict:
    """Checked invariants with the number of checks, and the violations."""

    asked: Mapping[str, int]
    violations: Mapping[str, Sequence[str]]

    @property
    def ok(self) -> bool:
        return not any(self.violations.values())


async def judge(testbed: Testbed, history: History, *, replay: bool) -> Verdict:
    """Wait until the platform is idle, then check every invariant; ``replay`` also rebuilds the
    projection.
    """
    asked: Counter[str] = Counter()
    violations: dict[str, list[str]] = defaultdict(list)

    def hold(invariant: str, count: int, found: Sequence[str]) -> None:
        asked[invariant] += count
        violations[invariant] += found

    hold("rest", len(SERVICES), await wait_until_idle(testbed))
    await _audit(testbed, hold)
    hold("acknowledged", len(history.commands), await check_history(testbed, history))
    hold("staff", len(history.commands), await check_people(testbed, history))
    if replay:
        hold("replay", 1, await check_replay(testbed))
    return Verdict(dict(asked), dict(violations))


async def wait_until_idle(testbed: Testbed, timeout_s: float = REST_S) -> list[str]:
    """Wait until every process has nothing under way, twice in a row; return the remaining work, if
    any.

    Partitions of a killed instance have no owner until its group has lost the member, and no
    process counts the records that wait in them.
    """
    token = testbed.issuer.token("faults", roles=["operator"], stores=[])
    behind: dict[str, Any] = {}
    before: dict[str, Any] = {}

    async def is_idle() -> bool:
        nonlocal behind, before
        states = {}
        async with httpx.AsyncClient(
            timeout=10, trust_env=False, headers={"Authorization": f"Bearer {token}"}
        ) as client:
            for name in [each.name for service in SERVICES for each in testbed.instances(service)]:
                try:
                    states[name] = (await client.get(f"{testbed.url(name)}/status")).json()
                except (httpx.HTTPError, json.JSONDecodeError) as error:
                    states[name] = {"error": repr(error)}
        behind = {
            process: {name: state.get(name, state) for name in _BACKLOG if state.get(name) != 0}
            for process, state in states.items()
        }
        same, before = before == states, states
        if any(behind.values()) or not same:
            return False
        behind = {
            f"{service}'s group": {"dead members": dead}
            for service in SERVICES
            if (dead := await testbed.members(service) - len(testbed.instances(service)))
        }
        return not behind

    if await until(is_idle, timeout_s, 0.3):
        return []
    found = [f"{process}: {counters}" for process, counters in behind.items() if counters]
    for service in SERVICES:
        due = await testbed.fetch(
            f"SELECT store_id, kind FROM {service}.timer WHERE due_at <= $1", testbed.clock.now()
        )
        found += [f"{service}: {row['kind']} of {row['store_id']} is due" for row in due]
    return found


async def _audit(testbed: Testbed, hold: Any) -> None:
    result = await run_audit(testbed.admin_url, testbed.kafka.client, testbed.settings)
    for check in result.checks:
        found = [str(each)[:400] for each in check.differences]
        hold(_OF_CHECK.get(check.name, "once"), check.compared, found)


async def check_history(testbed: Testbed, history: History) -> list[str]:
    """Check that acknowledged commands are there with their response and events, that refused ones
    are not, and that those with an unknown result are there once or not at all.
    """
    kept: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
    caused: Counter[str] = Counter()
    caused_by_type: Counter[tuple[str, str]] = Counter()
    keys = {record.key for record in history.commands}
    for service in SERVICES:
        for row in await testbed.fetch(
            f"SELECT principal, key, response FROM {service}.idempotency"
        ):
            kept[service, row["principal"], row["key"]].append(json.loads(row["response"]))
        for row in await testbed.fetch(
            f"SELECT headers->>'ce_causationid' AS causation, type FROM {service}.outbox"
        ):
            caused[row["causation"]] += 1
            if service == "reception":
                caused_by_type[row["causation"], row["type"]] += 1
    found = list(history.contradictions)
    found += [
        f"{causation} published {kind} {number} times"
        for (causation, kind), number in caused_by_type.items()
        if number > 1 and causation in keys
    ]
    for record in history.commands:
        found += _contradictions(record, kept[record.service, record.subject, record.key], caused)
    return found


def _contradictions(
    record: CommandRecord, kept: Sequence[Any], caused: Mapping[str, int]
) -> list[str]:
    where = f"{record.service} {record.verb} {record.key} ({record.outcome}, {record.tries} tries)"
    found = []
    if record.outcome == "acknowledged" and kept != [record.content]:
        found.append(f"{where}: kept as {len(kept)} responses, not the one that was given")
    if record.outcome == "refused" and kept:
        found.append(f"{where}: refused, and yet it has a response")
    if len(kept) > 1:
        found.append(f"{where}: had {len(kept)} effects")
    if record.verb in _PUBLISHING and bool(kept) != bool(caused.get(record.key)):
        found.append(f"{where}: {len(kept)} responses, {caused.get(record.key, 0)} events")
    return found


async def check_people(testbed: Testbed, history: History) -> list[str]:
    """Check that promises made without the workshop are confirmed or revised, that customers taken
    down without their customer records are in it, and that customers who were not served were told
    when to come again.
    """
    found = [
        f"order {row['order_id']} ({row['status']}) {row['lacks']}"
        for row in await testbed.fetch(_LEFT_OPEN)
    ]
    for (service, kind), number in history.seen.items():
        if kind.isdecimal() and kind != "503":
            found.append(f"{service} responded {number} times with status {kind}")
        if kind == "503" and history.seen[service, "retry after"] != number:
            found.append(
                f"{service} said only {history.seen[service, 'retry after']} times after "
                f"how long to try again, of {number} times"
            )
    return found


async def check_replay(testbed: Testbed) -> list[str]:
    """Check that reporting's projection, rebuilt from offset 0, has the same fingerprint.

    The clock is paused meanwhile, so that no event becomes due that was not there before.
    """
    testbed.clock.set(testbed.clock.now())
    if behind := await wait_until_idle(testbed):
        return behind
    before = await projection(testbed)
    await testbed.halt("reporting")
    connection = await asyncpg.connect(testbed.admin_url)
    try:
        await testbed.rewind("reporting")
        await connection.execute(f"SET search_path = reporting; TRUNCATE {_PROJECTION}")
    finally:
        await connection.close()
    await testbed.revive("reporting")
    if behind := await wait_until_idle(testbed):
        return behind
    after = await projection(testbed)
    return [] if before == after else [f"{after} instead of {before}"]


async def projection(testbed: Testbed) -> str:
    """Return reporting's number of events, and the fingerprint of its projection, over all
    stores.
    """
    connection = await asyncpg.connect(testbed.admin_url)
    try:
        await connection.execute("SET search_path = reporting")
        async with connection.transaction():
            count = await connection.fetchval("SELECT count(*) FROM event_log")
            return f"{count} events with fingerprint {await fingerprint(connection)}"
    finally:
        await connection.close()
