"""No step of a delivery is skipped (R7)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain import delivery
from services.reception.domain.order import Credit
from shared.contracts.refusal import Refused
from tests.reception.unit.test_order import NOW, STEPS, billed, opened, paid, ready, refused

SIGNED = (*STEPS, "customer_signed")


def all_done(order):
    for step in STEPS:
        order = delivery.record_step(order, step, STEPS, "a1", NOW)
    return order


def test_nothing_is_delivered_before_it_is_ready():
    with refused("wrong_stage"):
        delivery.deliver(opened(), STEPS, "a1", NOW)


@given(st.sets(st.sampled_from(STEPS)), st.sets(st.sampled_from(STEPS)))
def test_a_delivery_needs_every_step_done_or_waived_by_two(done, waived):
    order = paid()
    for step in STEPS:
        if step in done:
            order = delivery.record_step(order, step, STEPS, "a1", NOW)
        elif step in waived:
            order = delivery.request_waiver(order, step, "other", STEPS, "a1", NOW)
            order = delivery.approve_waiver(order, step, "m1", NOW)
    missing = set(STEPS) - done - waived
    if missing:
        with pytest.raises(Refused) as refusal:
            delivery.deliver(order, STEPS, "a1", NOW)
        assert set(refusal.value.values["missing"]) == missing
        return
    _, (event,) = delivery.deliver(order, STEPS, "a1", NOW)
    assert [step.step for step in event.steps] == [step for step in STEPS if step in done]
    assert {waiver.step: waiver.approved_by for waiver in event.waivers} == dict.fromkeys(
        waived - done, "m1"
    )


def test_a_step_is_done_once_and_must_be_on_the_checklist():
    order = delivery.record_step(ready(), STEPS[0], STEPS, "a1", NOW)
    with refused("step_already_done"):
        delivery.record_step(order, STEPS[0], STEPS, "a2", NOW)
    with refused("unknown_code"):
        delivery.record_step(order, "sing_a_song", STEPS, "a1", NOW)


def test_nobody_waives_alone():
    order = delivery.request_waiver(ready(), STEPS[0], "other", STEPS, "m1", NOW)
    with refused("second_person_required"):
        delivery.approve_waiver(order, STEPS[0], "m1", NOW)
    with refused("nothing_to_approve"):
        delivery.approve_waiver(order, STEPS[1], "m2", NOW)


def test_a_step_that_is_done_after_all_is_not_waived():
    order = delivery.request_waiver(ready(), STEPS[0], "other", STEPS, "a1", NOW)
    order = delivery.record_step(order, STEPS[0], STEPS, "a1", NOW)
    assert not order.waivers


def test_only_the_signature_itself_does_the_step_of_signing():
    order = all_done(paid())
    with refused("signature_needed"):
        delivery.record_step(order, "customer_signed", SIGNED, "a1", NOW)
    with refused("delivery_steps_missing"):
        delivery.deliver(order, SIGNED, "a1", NOW)
    signed = delivery.sign(order, SIGNED, "a1", NOW)
    assert delivery.deliver(signed, SIGNED, "a1", NOW)[1][0].signed


def test_an_unpaid_vehicle_stays_unless_somebody_else_grants_credit():
    with refused("not_billed"):
        delivery.deliver(all_done(ready()), STEPS, "a1", NOW)
    unpaid = all_done(billed())
    with refused("unpaid"):
        delivery.deliver(unpaid, STEPS, "a1", NOW)
    granted = replace(unpaid, credit=Credit(reason="other", granted_by="m1", granted_at=NOW))
    with refused("second_person_required"):
        delivery.deliver(granted, STEPS, "m1", NOW)
    order, (event,) = delivery.deliver(granted, STEPS, "a1", NOW)
    assert (order.stage, event.credit_granted_by) == ("delivered", "m1")
