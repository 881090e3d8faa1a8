"""Conversations: whom a message is for, opt-outs, answers (R9)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.conversation import (
    Addressee,
    Conversation,
    KnownSender,
    addressee,
    answer,
    kind_of,
    link_sender,
    receive,
)
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 5, 2, tzinfo=UTC)
LINE = "S01"

moments = st.none() | st.integers(0, 100).map(lambda hours: NOW - timedelta(hours=hours))
senders = st.builds(
    KnownSender,
    st.sampled_from(["S01", "S02", "S03"]),
    st.sampled_from(["c-1", "c-2", "c-3"]),
    st.sampled_from(["own", "family"]),
    moments,
)


def sender(store: str, customer: str, holder: str = "own", hours: int | None = None) -> KnownSender:
    at = None if hours is None else NOW - timedelta(hours=hours)
    return KnownSender(store, customer, holder, at)  # type: ignore[arg-type]


def conversation(customer_ref: str | None = "c-1") -> Conversation:
    return Conversation(
        conversation_id="t-1",
        store_id=LINE,
        channel="sms",
        sender_ref="r",
        customer_ref=customer_ref,
        agent_id=None,
        began_at=NOW,
        latest_at=NOW,
        latest_id="",
    )


@given(st.lists(senders, max_size=6))
def test_newest_message_says_whom_it_answers(known: list[KnownSender]) -> None:
    meant = addressee(known, LINE)
    told = [each.written_at for each in known if each.written_at is not None]
    if told:
        assert (meant.store_id, meant.customer_ref, max(told)) in {
            (each.store_id, each.customer_ref, each.written_at) for each in known
        }
    else:
        assert meant.store_id in {LINE, *(each.store_id for each in known)}
    if meant.customer_ref is not None:
        assert (meant.store_id, meant.customer_ref) in {
            (each.store_id, each.customer_ref) for each in known
        }


@pytest.mark.parametrize(
    ("known", "meant"),
    [
        ([], Addressee("S01", None)),
        ([sender("S02", "c-1")], Addressee("S02", "c-1")),
        ([sender("S02", "c-1"), sender("S03", "c-2")], Addressee("S01", None)),
        ([sender("S01", "c-1"), sender("S03", "c-2")], Addressee("S01", "c-1")),
        ([sender("S02", "c-1"), sender("S02", "c-2", "family")], Addressee("S02", "c-1")),
        ([sender("S02", "c-1"), sender("S02", "c-2")], Addressee("S02", None)),
        ([sender("S02", "c-1", hours=5), sender("S03", "c-2", hours=2)], Addressee("S03", "c-2")),
    ],
)
def test_message_reaches_the_right_store(known: list[KnownSender], meant: Addressee) -> None:
    assert addressee(known, LINE) == meant


@pytest.mark.parametrize("text", ["TD", " td ", "退订", "ＴＤ", "T", "Stop.", "【退订】"])
def test_opt_out_is_recognized(text: str) -> None:
    assert kind_of("text", text) == "opt_out"


@pytest.mark.parametrize("text", ["退订单可以吗", "TD500", "好的", "stop by at 5?", ""])
def test_other_words_are_no_opt_out(text: str) -> None:
    assert kind_of("text", text) == "text"


def test_wait_begins_with_first_unanswered_message() -> None:
    first, _ = receive(conversation(), "m-1", "text", NOW)
    second, events = receive(first, "m-2", "attachment", NOW + timedelta(minutes=5))
    assert (second.waiting_since, second.latest_id) == (NOW, "m-2")
    assert [event.received_kind for event in events] == ["attachment"]
    answered, (said,) = answer(
        second, "message", "a-1", message_id="m-3", now=NOW + timedelta(minutes=9)
    )
    assert (answered.waiting_since, answered.answer_s, said.answer_s) == (None, 540, 540)
    assert (answered.agent_id, answered.latest_id) == ("a-1", "m-3")


def test_opt_out_waits_for_no_answer() -> None:
    changed, _ = receive(conversation(), "m-1", "opt_out", NOW)
    assert changed.waiting_since is None


@pytest.mark.parametrize(
    ("customer_ref", "kind", "rule"),
    [
        (None, "message", "sender_unknown"),
        ("c-1", "call", "conversation_answered"),
    ],
)
def test_wrong_answer_is_refused(customer_ref: str | None, kind: str, rule: str) -> None:
    received, _ = receive(conversation(customer_ref), "m-1", "opt_out", NOW)
    with pytest.raises(RuleViolation) as refused:
        answer(received, kind, "a-1", message_id="m-2", now=NOW)  # type: ignore[arg-type]
    assert refused.value.rule == rule


def test_known_sender_is_linked_once() -> None:
    linked = link_sender(conversation(None), "c-2")
    assert linked.customer_ref == "c-2"
    with pytest.raises(RuleViolation):
        link_sender(linked, "c-3")
