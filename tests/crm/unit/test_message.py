"""Messages to customers as pure decisions (R9)."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.message import (
    CHANNELS,
    ENDED_BY_DEPARTURE,
    IDEMPOTENT_CHANNELS,
    Call,
    Channel,
    Contact,
    Declinable,
    Defer,
    Message,
    MessageType,
    QuietHours,
    Send,
    SendResult,
    choose,
    claim,
    complete_call,
    hand_to_agent,
    next_step,
    record_send_result,
    suppress,
)
from services.crm.domain.service_visit import ServiceVisit, require_own_order
from shared.contracts.management import CustomerCareRules
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
READY = Message("m", "S01", "ready", {}, NOW, customer_ref="c", order_id="o")

minutes = st.times().map(lambda at: at.replace(second=0, microsecond=0))
quiet_hours = st.builds(QuietHours, minutes, minutes)
moments = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001
    datetime(2027, 1, 1),  # noqa: DTZ001
    timezones=st.just(SHANGHAI),
)
channel_sets = st.sets(st.sampled_from(CHANNELS))
contacts = st.builds(
    Contact,
    channel_sets.map(lambda channels: dict.fromkeys(channels, "somewhere")),
    st.none() | st.sampled_from(CHANNELS),
    st.sets(st.sampled_from(get_args(Declinable))),
)


@given(quiet_hours, moments)
def test_deferred_message_is_due_when_quiet_hours_end(quiet: QuietHours, local: datetime) -> None:
    held = quiet.end_after(local)
    if held is None:
        return
    assert local < held <= local + timedelta(days=1)
    assert held.time() == quiet.ends
    assert quiet.end_after(held) is None
    assert quiet.end_after(held - timedelta(microseconds=1)) == held


@given(moments)
def test_quiet_hours_cover_nights_only(local: datetime) -> None:
    night = QuietHours(time(20), time(8))
    assert (night.end_after(local) is None) == (8 <= local.hour < 20)
    assert QuietHours(time(9), time(9)).end_after(local) is None


def test_quiet_hours_before_midnight_end_next_day() -> None:
    night = QuietHours(time(20), time(8))
    morning = datetime.combine(date(2026, 3, 5), time(8), SHANGHAI)
    for local in (morning - timedelta(hours=12), morning - timedelta(hours=1)):
        assert night.end_after(local) == morning


@given(contacts, channel_sets)
def test_chosen_channel_is_available_and_not_declined(
    contact: Contact, channels: set[Channel]
) -> None:
    chosen = choose(READY, contact, channels)
    possible = {
        channel
        for channel in channels
        if channel in contact.addresses and channel not in contact.declined
    }
    if contact.preferred in possible:
        assert chosen == contact.preferred
    else:
        assert chosen == next((channel for channel in CHANNELS if channel in possible), None)


@given(contacts, channel_sets, st.sampled_from(CHANNELS))
def test_uncertain_message_keeps_its_channel(
    contact: Contact, channels: set[Channel], channel: Channel
) -> None:
    message = replace(READY, channel=channel, uncertain=True)
    assert choose(message, contact, channels) in (channel, None)


@dataclass
class FakeServers:
    """Receipts of a customer: repeatable channels recognize a message by its id, mail does not."""

    told: list[Channel] = field(default_factory=list)

    def take(self, channel: Channel) -> None:
        if channel not in IDEMPOTENT_CHANNELS or channel not in self.told:
            self.told.append(channel)


send_results = st.sampled_from(get_args(SendResult))


@given(
    contacts,
    channel_sets,
    st.lists(st.tuples(send_results, st.booleans()), min_size=40),
    st.lists(st.integers(1, 1_440), min_size=1, max_size=10),
)
def test_customer_is_notified_once_for_any_send_results(
    contact: Contact,
    channels: set[Channel],
    send_results: list[tuple[SendResult, bool]],
    retry_minutes: list[int],
) -> None:
    rules = CustomerCareRules(retry_minutes=tuple(retry_minutes))
    outside = FakeServers()
    *_, (last, now) = _steps(READY, contact, channels, send_results, rules, outside)
    assert len(outside.told) <= 1
    assert now - NOW <= timedelta(minutes=sum(retry_minutes)) * len(CHANNELS)
    if isinstance(last, Call) and outside.told:
        assert last.reason == "unanswered"


def _steps(
    message: Message,
    contact: Contact,
    channels: set[Channel],
    send_results: list[tuple[SendResult, bool]],
    rules: CustomerCareRules,
    outside: FakeServers,
) -> Iterator[tuple[object, datetime]]:
    """Play a message to its end; of unacknowledged sends, some have arrived and some have not."""
    now = NOW
    for send_result, arrived in send_results:
        step = next_step(
            message, contact, channels, quiet_until=None, waiting_customer=False, now=now
        )
        yield step, now
        if isinstance(step, Defer):
            now = step.until
        elif isinstance(step, Send):
            message = claim(message, step.channel, contact)
            if send_result == "accepted" or (send_result == "unanswered" and arrived):
                outside.take(step.channel)
            message, events = record_send_result(message, send_result, rules, now)
            assert bool(events) == (send_result == "accepted")
            if message.state == "sent":
                return
        else:
            return
    raise AssertionError("a message went on forever")


@given(contacts, channel_sets, st.booleans(), st.sampled_from(get_args(MessageType)))
def test_quiet_hours_defer_all_except_waiters_ready_message(
    contact: Contact, channels: set[Channel], waiting: bool, message_type: MessageType
) -> None:
    morning = NOW + timedelta(hours=5)
    step = next_step(
        replace(READY, message_type=message_type),
        contact,
        channels,
        quiet_until=morning,
        waiting_customer=waiting,
        now=NOW,
    )
    if choose(READY, contact, channels) is None:
        assert step == ("suppress" if "phone" in contact.declined else Call("no_channel"))
    elif waiting and message_type == "ready":
        assert isinstance(step, Send)
    else:
        assert step == Defer(morning)


def test_expired_message_is_dropped_unless_sent() -> None:
    over = replace(READY, expires_at=NOW)
    contact = Contact({"sms": "13900000001"})
    step = next_step(over, contact, {"sms"}, quiet_until=None, waiting_customer=True, now=NOW)
    assert (step, over.status(NOW)) == ("drop", "obsolete")
    assert over.status(NOW - timedelta(seconds=1)) == "waiting"
    sent, _ = record_send_result(claim(over, "sms", contact), "accepted", CustomerCareRules(), NOW)
    assert sent.status(NOW) == "sent"


@given(
    st.none() | st.just(NOW),
    st.none() | st.just(NOW + timedelta(hours=1)),
    st.sampled_from(get_args(MessageType)),
)
def test_message_is_void_when_visit_ends(
    ready_at: datetime | None, ended_at: datetime | None, message_type: MessageType
) -> None:
    over = ServiceVisit("S01", "o", ready_at=ready_at, ended_at=ended_at).void_since(message_type)
    if message_type not in ENDED_BY_DEPARTURE:
        assert over is None
    elif message_type == "ready":
        assert over == ended_at
    else:
        assert over == (ready_at or ended_at)


def test_completed_call_task_cannot_be_repeated() -> None:
    task = hand_to_agent(READY, "customer_care_agent", "no_channel")
    done, (event,) = complete_call(task, "other", reached=True, most_calls=3, now=NOW)
    assert (done.state, done.agent_id, event.channel) == ("called", "other", "phone")
    with pytest.raises(RuleViolation, match="requires no call"):
        complete_call(done, "other", reached=True, most_calls=3, now=NOW)


def test_call_task_repeats_until_attempts_are_used() -> None:
    task = hand_to_agent(READY, "customer_care_agent", "no_channel")
    for calls in range(1, 3):
        task, events = complete_call(task, "other", reached=False, most_calls=3, now=NOW)
        assert (task.state, task.calls, events) == ("call_required", calls, [])
    ended, _ = complete_call(task, "other", reached=False, most_calls=3, now=NOW)
    assert ended.state == "not_reached"
    with pytest.raises(RuleViolation, match="requires no call"):
        complete_call(ended, "other", reached=True, most_calls=3, now=NOW)


def test_expired_or_suppressed_message_has_no_call() -> None:
    over = replace(hand_to_agent(READY, "customer_care_agent", "no_channel"), expires_at=NOW)
    for message in (over, suppress(READY), READY):
        with pytest.raises(RuleViolation):
            complete_call(message, "customer_care_agent", reached=True, most_calls=3, now=NOW)


def test_unclaimed_message_accepts_no_send_result() -> None:
    with pytest.raises(ValueError, match="never claimed"):
        record_send_result(READY, "accepted", CustomerCareRules(), NOW)


def test_only_service_names_unheard_order() -> None:
    require_own_order(None, "o", "c", by_service=True)
    with pytest.raises(RuleViolation) as refused:
        require_own_order(None, "o", "c", by_service=False)
    assert refused.value.rule == "unknown_order"


@pytest.mark.parametrize("by_service", [True, False])
def test_message_about_anothers_order_is_refused(by_service: bool) -> None:
    require_own_order(ServiceVisit("S01", "o"), "o", "c", by_service=by_service)
    visit = ServiceVisit("S01", "o", customer_ref="another")
    with pytest.raises(RuleViolation) as refused:
        require_own_order(visit, "o", "c", by_service=by_service)
    assert refused.value.rule == "order_of_another_customer"
