"""Campaigns from the segment to the effect, on real servers (R28)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.crm import (
    CampaignEnded,
    CampaignInvitationAnswered,
    CampaignInvited,
    CampaignStarted,
)
from shared.contracts.reception import (
    AppointmentBooked,
    CreditNoteIssued,
    EstimateLine,
    InvoiceIssued,
    VoucherIssued,
    VoucherRedeemed,
    VoucherReinstated,
)
from shared.security import Role
from tests.support.event_examples import EXAMPLES
from tests.support.fake_servers import Gateway, gateway
from tests.support.finished_visits import delivery, invoice
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.locks import assert_not_locked, calls_locked
from tests.support.persons import person

TEN = datetime(2026, 3, 4, 2, tzinfo=UTC)
CARE: Role = "customer_care_manager"
AGENT: Role = "customer_care_agent"
PLAN = {
    "title": "春季保养",
    "origin": "store",
    "reason": "service_season",
    "begins_on": "2026-03-04",
    "ends_on": "2026-03-20",
    "control_bp": 5_000,
}


@pytest_asyncio.fixture(scope="module")
async def sms() -> AsyncIterator[Gateway]:
    async with gateway() as server:
        yield server


@pytest_asyncio.fixture(scope="module")
async def crm(
    servers: Platform, outside: Publisher, sms: Gateway, clock: SimulatedClock
) -> AsyncIterator[InProcess]:
    clock.set(TEN)
    async with in_process(servers, "crm", create_app, **sms.settings("sms")) as running:
        await running.wait_until_idle()
        yield running


async def customers(crm: InProcess, model: str, numbers: range) -> list[str]:
    """Register customers of one model, all of whom but the last consent to marketing."""
    refs = []
    for number in numbers:
        details = person(number, model=model)
        response = await crm.post("/stores/S01/customers", "service_advisor", details)
        refs.append(str(response.json()["customer_ref"]))
    for ref in refs[:-1]:
        assert (await consent(crm, ref, is_given=True)) == 200
    return refs


async def consent(crm: InProcess, ref: str, *, is_given: bool) -> int:
    path = f"/stores/S01/customers/{ref}/consents/marketing"
    return (await crm.post(path, AGENT, {"is_given": is_given}, method="PUT")).status_code


async def begin(crm: InProcess, model: str, **changes: Any) -> str:
    body = PLAN | {"segment": {"models": [model]}} | changes
    planned = await crm.post("/stores/S01/campaigns", CARE, body)
    assert planned.status_code == 201, planned.text
    campaign_id = str(planned.json()["campaign_id"])
    started = await crm.post(f"/stores/S01/campaigns/{campaign_id}/start", CARE, {})
    assert started.status_code == 200, started.text
    await crm.wait_until_idle()
    return campaign_id


async def of_campaign(crm: InProcess, campaign_id: str, *states: str) -> list[Any]:
    path = f"/stores/S01/campaigns/{campaign_id}/invitations"
    return list((await crm.get(path, AGENT, state=list(states))).json())


def voucher_of(
    campaign_id: str, voucher_id: str, at: datetime, *, reinstated: bool
) -> list[VoucherIssued | VoucherRedeemed | VoucherReinstated]:
    """Return the events of a voucher of a campaign that is redeemed for 5,000 cents."""
    issued = VoucherIssued(
        store_id="S01",
        voucher_id=voucher_id,
        kind="voucher",
        value_cents=5_000,
        op_code=None,
        customer_ref=None,
        source="campaign",
        campaign_id=campaign_id,
        expires_at=at + timedelta(days=90),
        issued_by="S01-customer-care-manager-1",
        issued_at=at,
    )
    redeemed = VoucherRedeemed(
        store_id="S01",
        voucher_id=voucher_id,
        order_id="o-e1",
        amount_cents=5_000,
        redemption_cost_cents=5_000,
        redeemed_at=at,
    )
    taken_back = VoucherReinstated(
        store_id="S01",
        voucher_id=voucher_id,
        order_id="o-e1",
        credit_note_id="n-1",
        amount_cents=5_000,
        redemption_cost_cents=5_000,
        expires_at=at + timedelta(days=90),
        reinstated_at=at,
    )
    return [issued, redeemed, *[taken_back] * reinstated]


LIMITS = [{"op_code": "MNT-001", "floor_cents": 50_000, "ceiling_cents": 70_000}]


def operation(cents: int) -> tuple[EstimateLine, ...]:
    """Return lines of a limited operation that the customer pays, and the manufacturer."""
    line = EstimateLine(kind="labor", code="MNT-001", quantity=1, amount_cents=cents)
    return line, line.model_copy(update={"pay_type": "warranty", "amount_cents": 100_000})


def credit_of(issued: InvoiceIssued, cents: int) -> CreditNoteIssued:
    example = CreditNoteIssued.model_validate(EXAMPLES["aftersales.reception.CreditNoteIssued.v1"])
    return example.model_copy(
        update={
            "order_id": issued.order_id,
            "invoice_id": issued.invoice_id,
            "lines": operation(cents),
        }
    )


async def breaches(crm: InProcess, campaign_id: str) -> Any:
    return (await crm.get(f"/stores/S01/campaigns/{campaign_id}/price-breaches", AGENT)).json()


async def events_of(servers: Platform, campaign_id: str) -> list[Any]:
    topics = ["aftersales.crm.customer.v1", "aftersales.crm.store.v1"]
    kinds = (CampaignStarted, CampaignInvited, CampaignInvitationAnswered, CampaignEnded)
    return [
        received.event
        for received in await published(servers, topics)
        if isinstance(received.event, kinds) and received.event.campaign_id == campaign_id
    ]


async def test_campaign_invites_and_measures_its_effect(
    crm: InProcess, servers: Platform, outside: Publisher, sms: Gateway, clock: SimulatedClock
) -> None:
    clock.set(TEN)
    refs = await customers(crm, "E1", range(1, 8))
    segment = {"segment": {"models": ["E1"]}, "control_bp": 5_000}
    preview = (await crm.post("/stores/S01/campaigns/preview", CARE, segment)).json()
    assert (preview["customers"], preview["without_consent"]) == (6, 1)
    assert (preview["invited"], preview["control"], preview["is_small"]) == (3, 3, True)

    campaign_id = await begin(
        crm, "E1", rebate_target_cents=160_000, origin="manufacturer", price_limits=LIMITS
    )
    invited = await of_campaign(crm, campaign_id, "invited")
    control = await of_campaign(crm, campaign_id, "control")
    drawn = {each["customer_ref"] for each in (*invited, *control)}
    assert (len(invited), len(control), drawn) == (3, 3, set(refs[:-1]))
    assert sum("春季保养" in str(request) for request in sms.requests) == 3

    first, second, third = invited
    booked = AppointmentBooked(
        store_id="S01",
        appointment_id="a-e1",
        vehicle_ref="v",
        appointment_at=TEN + timedelta(days=1),
        op_codes=(),
        customer_ref=first["customer_ref"],
    )
    day = clock.now()
    issued = invoice("o-e1", 80_000, day).model_copy(update={"lines": operation(80_000)})
    await outside.publish(
        booked,
        issued,
        delivery("o-e1", second["customer_ref"], day),
        at=day,
    )
    path = f"/stores/S01/campaign-invitations/{third['invitation_id']}/answer"
    async with calls_locked(servers, third["customer_ref"]) as held:
        answering = asyncio.create_task(crm.post(path, AGENT, {"answer": "declined"}))
        await assert_not_locked(held, "campaign_invitation", third["invitation_id"])
    assert (await answering).status_code == 200
    again = await crm.post(path, AGENT, {"answer": "declined"})
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "invitation_answered")
    held_back = f"/stores/S01/campaign-invitations/{control[0]['invitation_id']}/answer"
    assert (await crm.post(held_back, AGENT, {"answer": "booked"})).status_code == 409
    cost = {"kind": "gifts", "amount_cents": 30_000, "spent_on": "2026-03-05"}
    costs = f"/stores/S01/campaigns/{campaign_id}/costs"
    assert (await crm.post(costs, CARE, cost)).status_code == 201
    assert (await crm.post(costs, AGENT, cost)).status_code == 403
    await crm.wait_until_idle()

    found = await breaches(crm, campaign_id)
    assert (found["compared"], found["found"]) == (1, 1)
    (breach,) = found["breaches"]
    assert (breach["order_id"], breach["op_code"]) == ("o-e1", "MNT-001")
    assert (breach["bound"], breach["limit_cents"]) == ("ceiling", 70_000)
    assert breach["invoiced_cents"] == 80_000
    of_customer = f"/stores/S01/customers/{second['customer_ref']}"
    card = (await crm.get(f"{of_customer}/card", "service_advisor")).json()
    assert [(each["title"], each["answer"]) for each in card["campaigns"]] == [("春季保养", "came")]
    timeline = (await crm.get(f"{of_customer}/timeline", "service_advisor")).json()
    assert {
        (each["code"], each["entry_id"], each["order_id"])
        for each in timeline["entries"]
        if each["kind"] == "campaign"
    } == {("invited", campaign_id, None), ("came", campaign_id, "o-e1")}

    for voucher_id, reinstated in (("vc-1", False), ("vc-2", True)):
        await outside.publish(
            *voucher_of(campaign_id, voucher_id, day, reinstated=reinstated), at=day
        )
    await crm.wait_until_idle()
    clock.set(TEN + timedelta(days=17))
    await crm.wait_until_idle()
    detail = (await crm.get(f"/stores/S01/campaigns/{campaign_id}", CARE)).json()
    effect = detail["effect"]
    assert (detail["status"], detail["cost_cents"], detail["rebate_rate"]) == ("ended", 35_000, 0.5)
    assert (detail["vouchers_issued"], detail["vouchers_redeemed"]) == (2, 1)
    assert (effect["invited"]["visits"], effect["control"]["visits"]) == (1, 0)
    assert (effect["more_visitors"], effect["more_cents"], effect["is_small"]) == (1, 80_000, True)
    assert effect["cost_per_visitor_cents"] == 35_000
    found = await events_of(servers, campaign_id)
    answers = sorted(each.answer for each in found if isinstance(each, CampaignInvitationAnswered))
    assert answers == ["booked", "came", "declined"]
    (ended,) = (each for each in found if isinstance(each, CampaignEnded))
    assert (ended.invited.spent_cents, ended.campaign_cost_cents) == (80_000, 35_000)


async def test_consent_withdrawn_after_selection_stops_invitation(
    crm: InProcess, sms: Gateway, clock: SimulatedClock
) -> None:
    night = TEN + timedelta(days=20, hours=11)
    clock.set(night)
    refs = await customers(crm, "E2", range(11, 15))
    campaign_id = await begin(
        crm, "E2", begins_on="2026-03-24", ends_on="2026-03-30", control_bp=0, waves=3
    )
    first, *waiting = await of_campaign(crm, campaign_id, "invited", "waiting")
    before = len(sms.requests)
    assert first["state"] == "invited"
    for ref in (first["customer_ref"], waiting[0]["customer_ref"]):
        assert await consent(crm, ref, is_given=False) == 200
    clock.set(night + timedelta(days=2, hours=13))
    await crm.wait_until_idle()
    assert len(sms.requests) == before + 1
    states = {each["customer_ref"]: each for each in await of_campaign(crm, campaign_id, "skipped")}
    assert states.keys() == {waiting[0]["customer_ref"]}
    assert states[waiting[0]["customer_ref"]]["skip_cause"] == "consent_withdrawn"
    messages = await crm.get("/stores/S01/messages", AGENT, customer_ref=first["customer_ref"])
    assert [each["status"] for each in messages.json()] == ["suppressed"]
    assert refs[-1] not in {each["customer_ref"] for each in (first, *waiting)}


async def test_calls_go_to_work_list_until_ended(crm: InProcess, clock: SimulatedClock) -> None:
    clock.set(TEN + timedelta(days=26))
    refs = await customers(crm, "E3", range(21, 24))
    clock.set(TEN + timedelta(days=30))
    await crm.wait_until_idle()
    for call in (await crm.get("/stores/S01/due-calls", AGENT)).json():
        if call["customer_ref"] in refs:
            sheet = {"reached": True, "channel": "phone", "record": "您好"}
            path = f"/stores/S01/follow-ups/{call['follow_up_id']}/calls"
            assert (await crm.post(path, AGENT, sheet)).status_code == 200
    clock.set(TEN + timedelta(days=40))
    campaign_id = await begin(
        crm, "E3", begins_on="2026-04-13", ends_on="2026-04-20", control_bp=0, invite_by="call"
    )
    calls = (await crm.get("/stores/S01/due-calls", AGENT)).json()
    called = {each["about"]: each for each in calls if each["reason"] == "campaign"}
    invited = await of_campaign(crm, campaign_id, "invited")
    assert called.keys() == {each["invitation_id"] for each in invited}
    assert len(called) == 2
    detail = await crm.get(f"/stores/S01/campaign-invitations/{min(called)}", AGENT)
    assert detail.json()["title"] == "春季保养"
    ended = await crm.post(f"/stores/S01/campaigns/{campaign_id}/end", CARE, {})
    assert (ended.status_code, ended.json()["status"]) == (200, "ended")
    await crm.wait_until_idle()
    calls = (await crm.get("/stores/S01/due-calls", AGENT)).json()
    assert [each for each in calls if each["reason"] == "campaign"] == []
    answers = {each["answer"] for each in await of_campaign(crm, campaign_id, "invited")}
    assert answers == {"no_answer"}
    again = await crm.post(f"/stores/S01/campaigns/{campaign_id}/end", CARE, {})
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "campaign_status")


async def test_credit_note_brings_price_inside_limits(
    crm: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    clock.set(TEN + timedelta(days=50))
    (ref, _) = await customers(crm, "E4", range(31, 33))
    campaign_id = await begin(
        crm,
        "E4",
        begins_on="2026-04-23",
        ends_on="2026-04-24",
        control_bp=0,
        origin="manufacturer",
        price_limits=LIMITS,
    )
    now = clock.now()
    issued = invoice("o-e4", 40_000, now).model_copy(update={"lines": operation(80_000)})
    await outside.publish(issued, delivery("o-e4", ref, now), at=now)
    await crm.wait_until_idle()
    assert (await breaches(crm, campaign_id))["found"] == 1
    await outside.publish(credit_of(issued, 20_000), at=now)
    await crm.wait_until_idle()
    found = await breaches(crm, campaign_id)
    assert (found["compared"], found["found"], found["breaches"]) == (1, 0, [])


async def test_draft_is_edited_until_it_is_started(crm: InProcess, clock: SimulatedClock) -> None:
    clock.set(TEN + timedelta(days=50))
    period = {"begins_on": "2026-04-24", "ends_on": "2026-04-30", "segment": {"models": ["E9"]}}
    planned = (await crm.post("/stores/S01/campaigns", CARE, PLAN | period)).json()
    path = f"/stores/S01/campaigns/{planned['campaign_id']}"
    body = PLAN | period | {"title": "冬季检测", "waves": 2, "version": planned["version"]}
    edited = await crm.post(f"{path}/plan", CARE, body, method="PUT")
    assert (edited.status_code, edited.json()["title"]) == (200, "冬季检测")
    assert (await crm.get(path, CARE)).json()["waves"] == 2
    stale = await crm.post(f"{path}/plan", CARE, body | {"title": "其他"}, method="PUT")
    (conflict,) = stale.json()["errors"]
    assert (stale.status_code, conflict["rule"]) == (409, "version_conflict")
    assert stale.json()["values"]["by"] == "test-customer_care_manager"
    late = await crm.post(f"{path}/start", CARE, {"version": planned["version"]})
    assert (late.status_code, late.json()["errors"][0]["rule"]) == (409, "version_conflict")
    seen = edited.json()["version"]
    wrong = await crm.post(
        f"{path}/plan", CARE, body | {"waves": 12, "version": seen}, method="PUT"
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "waves")
    assert (await crm.post(f"{path}/plan", AGENT, body, method="PUT")).status_code == 403
    started = await crm.post(f"{path}/start", CARE, {"version": seen})
    assert started.status_code == 200, started.text
    refused = await crm.post(
        f"{path}/plan", CARE, body | {"version": started.json()["version"]}, method="PUT"
    )
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (409, "campaign_status")


async def test_draft_is_discarded(crm: InProcess, clock: SimulatedClock) -> None:
    clock.set(TEN + timedelta(days=50))
    body = PLAN | {"begins_on": "2026-04-24", "ends_on": "2026-04-30", "segment": {}}
    planned = (await crm.post("/stores/S01/campaigns", CARE, body)).json()
    path = f"/stores/S01/campaigns/{planned['campaign_id']}"
    discarded = await crm.post(f"{path}/end", CARE, {})
    assert (discarded.status_code, discarded.json()["status"]) == (200, "cancelled")
    again = body | {"version": discarded.json()["version"]}
    edited = await crm.post(f"{path}/plan", CARE, again, method="PUT")
    assert (edited.status_code, edited.json()["errors"][0]["rule"]) == (409, "campaign_status")


@pytest.mark.parametrize("role", ["service_advisor", "technician"])
async def test_other_roles_plan_no_campaign(crm: InProcess, role: Any) -> None:
    body = PLAN | {"segment": {}}
    assert (await crm.post("/stores/S01/campaigns", role, body)).status_code == 403
