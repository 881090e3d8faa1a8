"""People sign in and out, and a manager corrects, on real Kafka and PostgreSQL (R13, R18)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from deploy.audit import run_audit
from deploy.embedded.platform import Platform
from services.management.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.management import AttendanceRecorded, PersonDefined
from shared.group import GROUP_ZONE
from shared.ids import new_id
from shared.security import Role
from tests.support.decisions import decide
from tests.support.harness import InProcess, in_process, published
from tests.support.polling import until

ATTENDANCE = "/stores/S01/attendance"
DAY, ANOTHER_DAY = "2026-03-04", "2026-03-03"
REASON = "忘记签退，本人补签"


@pytest.fixture(scope="module")
async def management(servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(servers, "management", create_app) as running:
        yield running


async def sign(management: InProcess, direction: str, number: int) -> httpx.Response:
    return await management.post(
        f"{ATTENDANCE}/sign-{direction}", "technician", None, subject=f"S01-technician-{number}"
    )


async def own_week(management: InProcess, number: int) -> Any:
    token = management.token("technician", subject=f"S01-technician-{number}")
    headers = {"Authorization": f"Bearer {token}"}
    return (await management.client.get(f"{ATTENDANCE}/mine", headers=headers)).json()


async def send_file(management: InProcess, content: str, encoding: str = "utf-8") -> Any:
    response = await management.client.post(
        f"{ATTENDANCE}/imports",
        content=content.encode(encoding),
        headers={
            "Authorization": f"Bearer {management.token('service_manager')}",
            "Idempotency-Key": str(new_id()),
        },
    )
    assert response.is_success, response.text
    return response.json()


async def recorded(servers: Platform, management: InProcess) -> list[AttendanceRecorded]:
    await management.wait_until_idle()
    return [
        received.event
        for received in await published(servers, [AttendanceRecorded.topic])
        if isinstance(received.event, AttendanceRecorded)
    ]


async def test_signed_day_is_announced_at_its_end(
    management: InProcess, servers: Platform, clock: SimulatedClock
) -> None:
    first = await sign(management, "in", 1)
    assert first.is_success, first.text
    begin = first.json()["presences"][0]["signed_in_at"]
    again = await sign(management, "in", 1)
    assert again.status_code == 409
    assert again.json()["type"] == "/problems/already_signed_in"
    assert again.json()["values"]["at"].startswith(begin.removesuffix("Z"))
    assert (await own_week(management, 1))["signed_in_since"] == begin
    assert not await recorded(servers, management)
    clock.set(clock.now() + timedelta(hours=1))
    out = (await sign(management, "out", 1)).json()
    assert (out["status"], out["attended_s"]) == ("left", 3600)
    assert (await sign(management, "out", 1)).json()["type"] == "/problems/already_signed_out"
    [event] = await recorded(servers, management)
    assert (event.person_id, event.business_date) == ("S01-technician-1", DAY)
    assert (event.attended_s, event.posts) == (3600, ("technician",))


@pytest.mark.parametrize(
    ("subject", "problem"),
    [("S02-technician-1", "store_not_allowed"), ("program-1", "not_on_staff")],
)
async def test_only_staff_of_the_store_sign_in(
    management: InProcess, subject: str, problem: str
) -> None:
    refused = await management.post(f"{ATTENDANCE}/sign-in", "technician", None, subject=subject)
    assert refused.status_code == 403
    assert refused.json()["type"] == f"/problems/{problem}"


async def test_manager_sees_the_whole_store(management: InProcess) -> None:
    days = (await management.get(ATTENDANCE, "service_manager", first_day=DAY)).json()
    by_person = {each["person_id"]: each for each in days}
    assert by_person["S01-technician-1"]["status"] == "left"
    assert by_person["S01-technician-3"]["status"] == "absent"
    assert by_person["S01-advisor-1"]["status"] == "no_shift"
    assert not any(each["person_id"].startswith("S02") for each in days)
    assert (await management.get(ATTENDANCE, "technician")).status_code == 403


async def test_missed_sign_out_is_closed_then_corrected(
    management: InProcess, servers: Platform, clock: SimulatedClock
) -> None:
    await sign(management, "in", 3)
    clock.set(clock.now() + timedelta(hours=12))
    [event] = [each for each in await recorded(servers, management) if each.person_id[-1] == "3"]
    assert event.auto_closed
    path = f"{ATTENDANCE}/S01-technician-3/{DAY}"
    found = (await management.get(path, "service_manager")).json()
    assert found["presences"][0]["signed_out_at"] == found["shift_finish"]
    presences = [
        {"signed_in_at": f"{DAY}T08:00:00+08:00", "signed_out_at": f"{DAY}T18:30:00+08:00"}
    ]
    body = {"presences": presences, "reason": REASON}
    corrected = await management.post(f"{path}/correct", "service_manager", body)
    assert corrected.is_success, corrected.text
    assert (corrected.json()["overtime_s"], corrected.json()["auto_closed"]) == (5400, False)
    stale = await management.post(
        f"{path}/correct", "service_manager", body | {"version": found["version"]}
    )
    assert stale.json()["type"] == "/problems/version_conflict"
    [correction] = (await management.get(path, "service_manager")).json()["corrections"]
    assert (correction["reason"], correction["corrected_by"]) == (REASON, "test-service_manager")
    assert correction["before"] == found["presences"]
    *_, last = [each for each in await recorded(servers, management) if each.person_id[-1] == "3"]
    assert (last.overtime_s, last.auto_closed) == (5400, False)
    assert REASON not in last.model_dump_json()
    assert (await management.post(f"{path}/correct", "technician", body)).status_code == 403


async def test_file_is_applied_whole_and_once(management: InProcess, servers: Platform) -> None:
    head = "工号,日期,时间\n"
    right = f"S01-technician-5,{ANOTHER_DAY},08:20\nS01-technician-5,{ANOTHER_DAY},17:00\n"
    wrong = await send_file(management, f"{head}{right}S01-technician-5,昨天,08:00\n")
    assert (wrong["changed"], wrong["error_count"]) == (0, 1)
    [error] = wrong["errors"]
    assert (error["row"], error["column"], error["value"]) == (4, "date", "昨天")
    before = await recorded(servers, management)
    taken = await send_file(management, head + right, "gbk")
    assert (taken["changed"], taken["errors"]) == (1, [])
    again = await send_file(management, head + right)
    assert (again["changed"], again["unchanged"]) == (0, 1)
    after = await recorded(servers, management)
    assert len(after) == len(before) + 1
    assert (after[-1].late_s, after[-1].business_date) == (1200, ANOTHER_DAY)


async def test_audit_agrees_with_working_days(management: InProcess, servers: Platform) -> None:
    await management.wait_until_idle()
    audit = await run_audit(servers.admin_url, servers.kafka.client, servers.settings)
    [check] = [each for each in audit.checks if each.name == "working days are those announced"]
    assert check.compared == 3
    assert not check.differences


async def command(
    management: InProcess, path: str, role: Role, subject: str, **body: Any
) -> httpx.Response:
    return await management.client.post(
        path,
        json=body,
        headers={
            "Authorization": f"Bearer {management.token(role, subject=subject)}",
            "Idempotency-Key": str(new_id()),
        },
    )


async def test_approved_leave_stands_in_record(
    management: InProcess, servers: Platform, clock: SimulatedClock
) -> None:
    path, who = "/stores/S01/leave-requests", "S01-technician-6"
    day = clock.now().astimezone(GROUP_ZONE).date() + timedelta(days=10)
    body = {
        "first_day": day.isoformat(),
        "last_day": (day + timedelta(days=2)).isoformat(),
        "kind": "sick",
        "reason": "腰椎手术",
    }

    async def states_of_person() -> list[PersonDefined]:
        await management.wait_until_idle()
        found = [each.event for each in await published(servers, [PersonDefined.topic])]
        return [each for each in found if isinstance(each, PersonDefined) and each.record_id == who]

    asked = await command(management, path, "technician", who, **body)
    assert asked.status_code == 201, asked.text
    assert "腰椎手术" not in asked.text
    overlapping = await command(management, path, "technician", who, **body)
    assert overlapping.json()["errors"][0]["field"] == "first_day"
    one = f"{path}/{asked.json()['leave_request_id']}"
    refused = await command(management, f"{one}/approve", "technician", who, version="1")
    assert refused.status_code == 403
    before = len(await states_of_person())
    approved = await command(
        management, f"{one}/approve", "service_manager", "S01-manager-1", version="1"
    )
    assert approved.json()["status"] == "approved", approved.text
    stale = await command(
        management,
        f"{one}/decline",
        "service_manager",
        "S01-manager-1",
        version="1",
        reason="忙季",
    )
    assert stale.json()["type"] == "/problems/version_conflict"
    [*_, state] = await states_of_person()
    content = state.versions[-1].content
    assert content
    assert [each.first_day for each in content.leave] == [day.isoformat()]
    listed = await management.get(path, "service_manager", status="approved")
    assert [(each["person_id"], each["reason"]) for each in listed.json()] == [(who, "腰椎手术")]
    withdrawn = await command(management, f"{one}/withdraw", "technician", who, version="2")
    assert withdrawn.json()["status"] == "withdrawn", withdrawn.text
    announced = await states_of_person()
    assert len(announced) == before + 2
    last = announced[-1].versions[-1].content
    assert last
    assert last.leave == ()


async def moved(management: InProcess, who: str, store: str, day: str) -> None:
    record = (await management.get(f"/group/staff/{who}", "group_manager")).json()
    response = await decide(
        management,
        f"/group/staff/{who}",
        version=record["version"],
        content=record["holds"]["content"]
        | {"posts": [{"role": "technician", "in_store": store, "full_time": True}]},
        valid_from=day,
    )
    assert response.is_success, response.text


async def test_moved_person_signs_out_where_they_began(
    management: InProcess, servers: Platform, clock: SimulatedClock
) -> None:
    who, there = "S01-technician-4", "/stores/S02/attendance"

    async def signed(path: str) -> Any:
        response = await command(management, path, "technician", who)
        return response.json() | {"status_code": response.status_code}

    assert (await signed(f"{ATTENDANCE}/sign-in"))["status_code"] == 200
    today = (await own_week(management, 4))["today"]
    await moved(management, who, "S02", today)
    await until(lambda: is_admitted(management, who, there))
    token = management.token("technician", subject=who, stores=[])
    headers = {"Authorization": f"Bearer {token}"}
    mine = (await management.client.get(f"{there}/mine", headers=headers)).json()
    assert mine["signed_in_since"]
    clock.set(clock.now() + timedelta(minutes=30))
    out = await signed(f"{ATTENDANCE}/sign-out")
    assert (out["status_code"], out["status"], out["attended_s"]) == (200, "left", 1800)
    assert (await signed(f"{ATTENDANCE}/sign-in"))["type"] == "/problems/store_not_allowed"

    assert (await signed(f"{there}/sign-in"))["status"] == "present"
    await moved(management, who, "S01", today)
    await until(lambda: is_admitted(management, who, ATTENDANCE))
    clock.set(clock.now() + timedelta(minutes=30))
    assert (await signed(f"{ATTENDANCE}/sign-in"))["status"] == "present"
    ended = [each for each in await recorded(servers, management) if each.person_id == who]
    assert {(each.store_id, each.attended_s) for each in ended} == {("S01", 1800), ("S02", 1800)}


async def is_admitted(management: InProcess, who: str, path: str) -> bool:
    token = management.token("technician", subject=who, stores=[])
    headers = {"Authorization": f"Bearer {token}"}
    return (await management.client.get(f"{path}/mine", headers=headers)).is_success


async def test_store_of_first_day_decides_on_leave(management: InProcess) -> None:
    path, there, who = (
        "/stores/S01/leave-requests",
        "/stores/S02/leave-requests",
        "S01-technician-5",
    )

    async def asked(first_day: str, last_day: str) -> str:
        days = {"first_day": first_day, "last_day": last_day}
        response = await command(
            management, path, "technician", who, **days, kind="annual", reason="探亲"
        )
        assert response.status_code == 201, response.text
        return str(response.json()["leave_request_id"])

    async def decided(at: str, **body: str) -> httpx.Response:
        token = management.token("service_manager", stores=[at.split("/")[2]])
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())}
        return await management.client.post(at, json={"version": "1"} | body, headers=headers)

    async def listed(at: str, *, role: Role = "service_manager", subject: str = "") -> list[str]:
        token = management.token(role, stores=[at.split("/")[2]], subject=subject)
        response = await management.client.get(
            at, params={"status": "requested"}, headers={"Authorization": f"Bearer {token}"}
        )
        assert response.is_success, response.text
        return [each["leave_request_id"] for each in response.json() if each["person_id"] == who]

    later, sooner = await asked("2026-03-16", "2026-03-18"), await asked("2026-03-06", "2026-03-06")
    across, last = await asked("2026-03-09", "2026-03-11"), await asked("2026-03-20", "2026-03-20")
    await moved(management, who, "S02", "2026-03-10")
    assert await listed(path) == [across, sooner]
    assert await listed(there) == [last, later]
    assert await listed(path, role="technician", subject=who) == [last, later, across, sooner]

    for one, reason in ((later, {}), (across, {}), (later, {"reason": "忙季"})):
        verb = "decline" if reason else "approve"
        refused = await decided(f"{path}/{one}/{verb}", **reason)
        assert refused.json()["type"] == "/problems/leave_elsewhere", refused.text
    approved = await decided(f"{there}/{later}/approve")
    assert approved.json()["status"] == "approved", approved.text
    declined = await decided(f"{there}/{last}/decline", reason="忙季")
    assert declined.json()["status"] == "declined", declined.text
    token = management.token("service_manager", stores=["S02"])
    headers = {"Authorization": f"Bearer {token}"}
    detail = (await management.client.get(f"{there}/{last}", headers=headers)).json()
    assert (detail["reason"], detail["answer"]) == ("探亲", "忙季")
    assert (await management.client.get(f"{there}/{sooner}", headers=headers)).status_code == 404

    await moved(management, who, "S02", (await own_week(management, 5))["today"])
    await until(lambda: is_admitted(management, who, "/stores/S02/attendance"))
    assert set(await listed(there, role="technician", subject=who)) == {across, sooner}
    for at, one in ((path, sooner), (there, across)):
        withdrawn = await command(
            management, f"{at}/{one}/withdraw", "technician", who, version="1"
        )
        assert withdrawn.json()["status"] == "withdrawn", withdrawn.text
