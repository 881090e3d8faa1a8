"""Managers decide on rules, on real Kafka and PostgreSQL (R40)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, get_args

import asyncpg
import pytest

from deploy.embedded.platform import Platform
from services.management.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.management import GROUP, GROUP_ROLES, STORE_ROLES, RuleKind, RuleSetDefined
from shared.security import Role
from tests.support.decisions import LATER, REASON, TODAY, decide, define_stores, states
from tests.support.harness import InProcess, in_process

EDITORS = 100
LOYALTY, OWN_MESSAGES = "/group/rules/loyalty", "/stores/{}/rules/messages"


@pytest.fixture(scope="module")
async def management(empty_servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(empty_servers, "management", create_app) as running:
        await define_stores(running, ("S01", "S02", "S03"))
        yield running


def loyalty(visits: int) -> dict[str, Any]:
    tier = {"tier": "gold", "visits": visits, "spend_cents": 0, "max_days_since_last_visit": 365}
    return {"kind": "loyalty", "period_days": 730, "tiers": [tier]}


def at_risk(told: bool) -> dict[str, Any]:
    return {"kind": "messages", "notify_at_risk": told}


async def test_defined_rules_are_announced_whole(
    management: InProcess, empty_servers: Platform
) -> None:
    first = await decide(management, LOYALTY, content=loyalty(6), valid_from="2026-01-01")
    assert first.is_success, first.text
    assert (first.json()["changed"], first.json()["today"]) == (True, TODAY)
    second = await decide(management, LOYALTY, content=loyalty(5), valid_from=LATER)
    assert second.json()["holds"]["content"]["tiers"][0]["visits"] == 5
    announced = await states(empty_servers, management, RuleSetDefined, "loyalty")
    assert [received.envelope.sequence for received, _ in announced] == [1, 2]
    assert {received.envelope.store_id for received, _ in announced} == {GROUP}
    _, state = announced[-1]
    assert [version.valid_from for version in state.versions] == ["2026-01-01", LATER]
    assert REASON not in state.model_dump_json()

    shown = (await management.get(LOYALTY, "service_advisor")).json()
    assert shown["holds"]["content"]["tiers"][0]["visits"] == 6
    on_the_day = (await management.get(LOYALTY, "service_advisor", day=LATER)).json()
    assert on_the_day["holds"]["content"]["tiers"][0]["visits"] == 5


async def test_same_content_again_is_not_announced(
    management: InProcess, empty_servers: Platform
) -> None:
    before = await states(empty_servers, management, RuleSetDefined, "loyalty")
    again = await decide(management, LOYALTY, content=loyalty(5), valid_from=LATER)
    assert (again.status_code, again.json()["changed"]) == (200, False)
    assert len(await states(empty_servers, management, RuleSetDefined, "loyalty")) == len(before)


async def test_history_says_who_changed_what_and_why(management: InProcess) -> None:
    last, first = (await management.get(f"{LOYALTY}/history", "service_manager")).json()
    assert (last["revision"], last["action"], last["valid_from"]) == (2, "defined", LATER)
    assert (last["changed_by"], last["reason"]) == ("test-group_manager", REASON)
    assert last["differences"] == [{"field": "tiers.0.visits", "old": 6, "new": 5}]
    assert {"field": "period_days", "old": None, "new": 730} in first["differences"]


async def test_version_to_come_is_withdrawn_and_put_back(
    management: InProcess, empty_servers: Platform
) -> None:
    withdrawn = await decide(management, f"{LOYALTY}/withdraw", valid_from=LATER)
    assert [each["valid_from"] for each in withdrawn.json()["versions"]] == ["2026-01-01"]
    restored = await decide(management, f"{LOYALTY}/put-back", of_revision=2)
    assert restored.json()["holds"] == {
        "valid_from": TODAY,
        "content": loyalty(5) | {"brands": {}, "entitlements": {}},
    }
    [change, *_] = (await management.get(f"{LOYALTY}/history", "service_manager")).json()
    assert (change["action"], change["of_revision"]) == ("put_back", 2)
    announced = await states(empty_servers, management, RuleSetDefined, "loyalty")
    assert [received.envelope.sequence for received, _ in announced] == [1, 2, 3, 4]


async def test_other_editors_learn_who_was_first(management: InProcess) -> None:
    version = (await management.get(LOYALTY, "service_manager")).json()["version"]
    edits = [
        decide(
            management,
            LOYALTY,
            subject=f"editor-{number}",
            version=version,
            content=loyalty(10 + number),
        )
        for number in range(EDITORS)
    ]
    responses = await asyncio.gather(*edits)
    statuses = sorted(response.status_code for response in responses)
    assert statuses == [200] + [409] * (EDITORS - 1)
    [first] = [response.json() for response in responses if response.is_success]
    conflict = next(response.json() for response in responses if not response.is_success)
    assert conflict["type"] == "/problems/version_conflict"
    assert conflict["values"]["by"] == first["changed_by"]
    assert conflict["values"]["at"].replace("+00:00", "Z") == first["changed_at"]
    holding = (await management.get(LOYALTY, "service_manager")).json()
    assert holding["holds"] == first["holds"]


async def test_two_first_definitions_make_one(management: InProcess) -> None:
    path = OWN_MESSAGES.format("S03")
    edits = [
        decide(
            management,
            path,
            "service_manager",
            store="S03",
            subject=f"editor-{number}",
            version="0",
            content=at_risk(bool(number)),
        )
        for number in range(2)
    ]
    responses = await asyncio.gather(*edits)
    assert sorted(response.status_code for response in responses) == [200, 409]


async def test_repeated_command_has_one_effect(management: InProcess) -> None:
    path, key = OWN_MESSAGES.format("S02"), "define-once"
    command: dict[str, Any] = {"store": "S02", "key": key, "version": "0"}
    first, again = [
        await decide(management, path, "service_manager", content=at_risk(True), **command)
        for _ in range(2)
    ]
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_store_rules_come_and_end(management: InProcess, empty_servers: Platform) -> None:
    path = OWN_MESSAGES.format("S01")
    defined = await decide(management, path, "service_manager", content=at_risk(True))
    assert (defined.json()["record_id"], defined.json()["for_store"]) == ("messages.S01", "S01")
    ended = await decide(management, f"{path}/end", "service_manager", valid_from=LATER)
    assert ended.json()["holds"] == {"valid_from": LATER, "content": None}
    [(first, _), (last, state)] = await states(
        empty_servers, management, RuleSetDefined, "messages.S01"
    )
    assert (first.envelope.store_id, state.for_stores) == (GROUP, ("S01",))
    assert last.envelope.sequence == 2
    assert state.versions[-1].content is None


async def test_list_shows_group_and_own_rules(management: InProcess) -> None:
    listed = (await management.get("/stores/S01/rules", "service_advisor")).json()
    entries = {entry["record_id"]: entry for entry in listed}
    of_kinds = set(get_args(RuleKind)) - {"post_description"}
    own_kinds = of_kinds - {"loyalty", "working_calendar", "group_profile", "questionnaire"}
    own_kinds |= {f"post_description:{role}" for role in STORE_ROLES}
    assert entries.keys() == {"loyalty", *(f"{kind}.S01" for kind in own_kinds)}
    own = entries["messages.S01"]
    assert (own["current_from"], own["next_from"], own["version"]) == (TODAY, LATER, "2")
    assert own["reason"] == REASON
    token = management.token("group_manager", stores=["S01", "S02"])
    response = await management.client.get(
        "/group/rules", headers={"Authorization": f"Bearer {token}"}
    )
    entries = {entry["record_id"]: entry for entry in response.json()}
    own_ones = {"messages.S01", "messages.S02"}
    posts = {f"post_description:{role}" for role in (*STORE_ROLES, *GROUP_ROLES)}
    assert entries.keys() == {*of_kinds, *posts, *own_ones}
    assert entries["messages"]["version"] == "0"


@pytest.mark.parametrize(
    ("path", "changes", "status", "field"),
    [
        (LOYALTY, {"content": at_risk(True)}, 422, "content.kind"),
        (LOYALTY, {"content": loyalty(6) | {"brand": {}}}, 422, "content"),
        (LOYALTY, {"content": {"kind": "lunch"}}, 422, "content.kind"),
        (LOYALTY, {"content": loyalty(6) | {"period_days": 0}}, 422, "content.loyalty.period_days"),
        (LOYALTY, {"content": loyalty(6), "reason": "x"}, 422, "reason"),
        (LOYALTY, {"content": loyalty(8), "valid_from": "2026-03-03"}, 422, "valid_from"),
        (LOYALTY, {"content": loyalty(6), "valid_from": "2400-03-03"}, 422, "valid_from"),
        ("/group/rules/messages", {"content": at_risk(True)}, 422, "content.quiet_hours"),
        ("/group/rules/lunch", {"content": loyalty(6), "version": "0"}, 404, "code"),
        (f"{LOYALTY}/withdraw", {"valid_from": "2026-05-01"}, 404, "valid_from"),
        (f"{LOYALTY}/put-back", {"of_revision": 99}, 404, "of_revision"),
    ],
)
async def test_refused_change_names_its_field(
    management: InProcess, path: str, changes: dict[str, Any], status: int, field: str
) -> None:
    refused = await decide(management, path, **changes)
    assert refused.status_code == status, refused.text
    assert [each["field"] for each in refused.json()["errors"]] == [field]


async def test_store_has_no_loyalty_rules_of_its_own(management: InProcess) -> None:
    path = "/stores/S01/rules/loyalty"
    refused = await decide(management, path, "service_manager", version="0", content=loyalty(6))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (404, "code")
    assert (await management.get(path, "service_manager")).status_code == 404


@pytest.mark.parametrize(
    ("path", "role", "store", "status"),
    [
        (LOYALTY, "service_manager", "S01", 403),
        (LOYALTY, "operator", "S01", 403),
        (OWN_MESSAGES.format("S01"), "group_manager", "S01", 403),
        (OWN_MESSAGES.format("S01"), "service_advisor", "S01", 403),
        (OWN_MESSAGES.format("S02"), "service_manager", "S01", 403),
        (OWN_MESSAGES.format(GROUP), "service_manager", GROUP, 404),
    ],
)
async def test_only_own_manager_decides(
    management: InProcess, path: str, role: Role, store: str, status: int
) -> None:
    refused = await decide(management, path, role, store=store, version="1", content=at_risk(False))
    assert refused.status_code == status, refused.text


async def test_technician_reads_no_rules(management: InProcess) -> None:
    assert (await management.get(LOYALTY, "technician")).status_code == 403


async def test_transaction_sees_rules_of_its_scope_only(
    management: InProcess, empty_servers: Platform
) -> None:
    connection = await asyncpg.connect(empty_servers.database_url("management"))
    try:
        for scope in ("S01", GROUP, "S04"):
            await connection.execute("SELECT set_config('app.stores', $1, false)", scope)
            for table in ("record", "record_change"):
                rows = await connection.fetch(f"SELECT DISTINCT store_id FROM {table}")
                assert [row["store_id"] for row in rows] == ([] if scope == "S04" else [scope])
        for change in ("UPDATE record_change SET revision = 9", "DELETE FROM record_change"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
    finally:
        await connection.close()


async def test_reason_is_stored_encrypted(management: InProcess, empty_servers: Platform) -> None:
    connection = await asyncpg.connect(empty_servers.admin_url)
    try:
        reasons = await connection.fetch("SELECT reason FROM management.record_change")
    finally:
        await connection.close()
    assert reasons
    assert not [row for row in reasons if REASON.encode() in row["reason"]]


async def test_versions_larger_than_an_event_are_refused(management: InProcess) -> None:
    tiers = loyalty(6)["tiers"]
    content = loyalty(6) | {"brands": {f"brand-{number}": tiers for number in range(2500)}}
    responses = [
        await decide(
            management,
            LOYALTY,
            content=content | {"period_days": 100 + number},
            valid_from=f"2026-06-{number:02d}",
        )
        for number in range(1, 6)
    ]
    assert [response.status_code for response in responses] == [200, 200, 200, 200, 422]
    assert responses[-1].json()["errors"][0]["field"] == "content"
    for number in range(1, 5):
        await decide(management, f"{LOYALTY}/withdraw", valid_from=f"2026-06-{number:02d}")


async def test_version_of_tomorrow_holds_after_midnight(
    management: InProcess, clock: SimulatedClock
) -> None:
    await decide(management, LOYALTY, content=loyalty(3), valid_from="2026-03-05")
    clock.set(clock.now() + timedelta(hours=16))
    held = (await management.get(LOYALTY, "service_manager")).json()
    assert (held["today"], held["holds"]["valid_from"]) == (TODAY, TODAY)
    clock.set(clock.now() + timedelta(minutes=30))
    held = (await management.get(LOYALTY, "service_manager")).json()
    assert (held["today"], held["holds"]["valid_from"]) == ("2026-03-05", "2026-03-05")


async def test_service_without_subscriptions_is_ready(management: InProcess) -> None:
    assert (await management.get("/health/ready", "operator")).is_success
    status = (await management.get("/status", "operator")).json()
    assert (status["lag"], status["applied"]) == (0, 0)
