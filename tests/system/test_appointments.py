"""Appointments where the workshop has room, on the running platform (R1)."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx

from shared.clock import SimulatedClock
from tests.support.api import ADVISOR, MANAGER, Api
from tests.support.polling import PATIENCE_S

AGENT = "S01-agent-1"
SCARCE = "HVE-003"
"""Operation of 1.2 hours on the store's one high-voltage bay."""
SHORT = "HVE-001"
"""Operation of 0.8 hours, so that two of them begin within an hour."""


async def offers(api: Api, *op_codes: str, **more: Any) -> dict[str, Any]:
    body = {"op_codes": list(op_codes), **more}
    found: dict[str, Any] = await api.done("reception", "/appointments/offers", AGENT, body)
    return found


def booking(plate: str, appointment_at: str, *op_codes: str, **more: Any) -> dict[str, Any]:
    return {"plate": plate, "appointment_at": appointment_at, "op_codes": list(op_codes), **more}


async def book(
    api: Api, plate: str, appointment_at: str, *op_codes: str, **more: Any
) -> dict[str, Any]:
    body = booking(plate, appointment_at, *op_codes, **more)
    booked: dict[str, Any] = await api.done("reception", "/appointments", AGENT, body)
    return booked


async def try_to_book(api: Api, plate: str, appointment_at: str, *op_codes: str) -> httpx.Response:
    return await api.post(
        "reception", "/appointments", AGENT, booking(plate, appointment_at, *op_codes)
    )


async def appointment(api: Api, appointment_id: str, day: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = await api.get("reception", f"/appointments?day={day}", AGENT)
    return next(each for each in found if each["appointment_id"] == appointment_id)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def workshop_quotes(api: Api) -> None:
    """Wait until the workshop has begun to plan, so that it answers in time."""
    async with asyncio.timeout(60):
        body = {"op_codes": ["MNT-001"]}
        while (await api.done("reception", "/quotes", AGENT, body))["provisional"]:
            await asyncio.sleep(0.2)


async def waiting_timers(api: Api, number: int) -> dict[str, Any]:
    """Return reception's status once so many of its timers wait for another system."""
    url = f"{api.platform.url('reception')}/status"
    headers = {"Authorization": f"Bearer {api.token('platform-operator-1')}"}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            status: dict[str, Any] = (await api.client.get(url, headers=headers)).json()
            if status["waiting_timers"] == number:
                return status
            await asyncio.sleep(0.1)


async def test_off_peak_slots_are_offered_first_with_promise(api: Api) -> None:
    await workshop_quotes(api)
    response = await offers(api, "MNT-001", day_from="2026-03-05", days=1)
    found = response["offers"]
    assert len(found) == 4
    assert [each["booked_share"] for each in found] == sorted(
        each["booked_share"] for each in found
    )
    for each in found:
        assert moment(each["appointment_at"]) < moment(each["promised_at"])
        assert each["provisional"] is False
    half_hours = [each for each in response["load"] if each["skill_code"] == "maintenance"]
    assert all(0 <= each["free_minutes"] <= each["working_minutes"] for each in half_hours)

    first = found[0]["appointment_at"]
    wanted = [{"part_number": "FLT-OIL", "quantity": 1}]
    booked = await book(api, "沪E10001", first, "MNT-001", parts=wanted)
    assert (booked["provisional"], booked["parts"]) == (False, wanted)
    later = await offers(api, "MNT-001", day_from="2026-03-05", days=1)
    assert later["offers"][0]["appointment_at"] != first
    at_first = [each["free_minutes"] for each in later["load"] if each["starts_at"] == first]
    assert sum(at_first) < sum(
        each["free_minutes"] for each in response["load"] if each["starts_at"] == first
    )


async def test_last_slot_goes_to_one_of_two_bookings(api: Api, clock: SimulatedClock) -> None:
    appointment_at = "2026-03-06T01:00:00Z"
    responses = [
        await try_to_book(api, f"沪E2000{number}", appointment_at, SCARCE) for number in range(5)
    ]
    taken = [
        response.json()["appointment_id"] for response in responses if response.status_code == 201
    ]
    assert taken
    full = responses[-1]
    assert (full.status_code, full.json()["errors"][0]["rule"]) == (409, "slot_taken")
    assert full.json()["values"]["offers"]

    await api.done(
        "reception", f"/appointments/{taken[0]}/cancellation", AGENT, {"reason": "customer_request"}
    )
    await api.wait_until_idle()
    both = await asyncio.gather(
        *(try_to_book(api, f"沪E2100{number}", appointment_at, SCARCE) for number in range(2))
    )
    assert sorted(response.status_code for response in both) == [201, 409]
    loser = next(response for response in both if response.status_code == 409)
    next_offer = loser.json()["values"]["offers"][0]
    assert next_offer["appointment_at"] != appointment_at
    assert loser.json()["values"]["by"] == AGENT
    assert loser.json()["values"]["at"] == clock.now().isoformat()
    again = await try_to_book(api, "沪E21009", next_offer["appointment_at"], SCARCE)
    assert again.status_code == 201


async def test_rescheduled_appointment_frees_its_old_slot(api: Api) -> None:
    old, new = "2026-03-10T01:00:00Z", "2026-03-11T01:00:00Z"
    responses = [await try_to_book(api, f"沪E3000{number}", old, SCARCE) for number in range(3)]
    first = responses[0].json()["appointment_id"]
    assert responses[-1].status_code == 409

    await api.done("reception", f"/appointments/{first}/reschedule", AGENT, {"appointment_at": new})
    await api.wait_until_idle()
    moved = await appointment(api, first, "2026-03-11")
    assert (moved["status"], moved["provisional"]) == ("booked", False)
    assert (await try_to_book(api, "沪E30009", old, SCARCE)).status_code == 201

    full = await api.post(
        "reception", f"/appointments/{first}/reschedule", AGENT, {"appointment_at": old}
    )
    assert (full.status_code, full.json()["errors"][0]["rule"]) == (409, "slot_taken")
    assert (await appointment(api, first, "2026-03-11"))["appointment_at"] == moved[
        "appointment_at"
    ]
    past = await api.post(
        "reception",
        f"/appointments/{first}/reschedule",
        AGENT,
        {"appointment_at": "2026-03-01T01:00:00Z"},
    )
    assert past.json()["errors"][0]["rule"] == "in_the_past"


async def test_appointment_without_workshop_is_provisional_until_confirmed(
    api: Api, clock: SimulatedClock
) -> None:
    appointment_at = "2026-03-12T01:00:00Z"
    full = "2026-03-06T01:00:00Z"
    clock.set(clock.now() + timedelta(minutes=5))
    await api.wait_until_idle()
    api.platform.process("workshop").kill()
    await asyncio.sleep(0.5)
    offered = await offers(api, "MNT-001", day_from="2026-03-04", days=2)
    assert offered["offers"]
    assert all(each["provisional"] for each in offered["offers"])
    waits = await book(api, "沪E40001", appointment_at, "MNT-001")
    too_many = await book(api, "沪E40002", full, SCARCE)
    assert (waits["provisional"], waits["promised_at"]) == (True, None)
    status = await waiting_timers(api, 2)
    assert (status["lag"], status["outbox"], status["due_timers"]) == (0, 0, 2)

    await api.platform.restart("workshop")
    await api.platform.ready("workshop")
    await workshop_quotes(api)
    await api.wait_until_idle()
    confirmed = await appointment(api, waits["appointment_id"], "2026-03-12")
    assert (confirmed["provisional"], confirmed["reschedule_required"]) == (False, False)
    assert confirmed["promised_at"]
    reschedule_required = await appointment(api, too_many["appointment_id"], "2026-03-06")
    assert (reschedule_required["provisional"], reschedule_required["reschedule_required"]) == (
        True,
        True,
    )


async def test_no_show_after_grace_frees_slot(api: Api, clock: SimulatedClock) -> None:
    appointment_at = moment("2026-03-04T02:00:00Z")
    responses = [
        await try_to_book(api, f"沪E5000{number}", appointment_at.isoformat(), SHORT)
        for number in range(3)
    ]
    booked = [response.json()["appointment_id"] for response in responses if response.is_success]
    assert responses[-1].status_code == 409
    clock.set(appointment_at + timedelta(minutes=5))
    arrived = await api.done(
        "reception",
        "/arrivals",
        ADVISOR,
        {"plate": "沪E50000", "appointment_id": booked[0]},
    )
    walk_in = await api.done("reception", "/arrivals", ADVISOR, {"plate": "沪E50009"})
    clock.set(appointment_at + timedelta(minutes=31))
    await api.wait_until_idle()
    states = [(await appointment(api, each, "2026-03-04"))["status"] for each in booked]
    assert states[0] == "arrived"
    assert set(states[1:]) == {"no_show"}
    late = await api.post(
        "reception", "/arrivals", ADVISOR, {"plate": "沪E50001", "appointment_id": booked[1]}
    )
    assert (late.status_code, late.json()["errors"][0]["rule"]) == (409, "invalid_status")
    assert arrived["appointment_id"] == booked[0]
    assert walk_in["appointment_id"] is None
    kpis = await api.get("reporting", "/daily-kpis?day=2026-03-04", MANAGER)
    due = [
        each["status"] for each in await api.get("reception", "/appointments?day=2026-03-04", AGENT)
    ]
    came, no_shows = due.count("arrived"), due.count("no_show")
    assert kpis["show_rate"] == came / (came + no_shows)
