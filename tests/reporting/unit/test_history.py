"""Sequence of an order's events."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies._internal.random import ArtificialRandom

from services.reporting.domain.history import LoggedEvent, in_order, of_the_work
from tests.support.event_examples import EXAMPLES

START = datetime(2026, 3, 4, tzinfo=UTC)
TOPICS = ("order", "job", "customer")


def event(
    number: int, minute: int, topic: str, sequence: int, causation: int | None
) -> LoggedEvent:
    return LoggedEvent(
        event_id=f"{number:03d}",
        type="type",
        time=START + timedelta(minutes=minute),
        sequence=sequence,
        topic=topic,
        key="key",
        causation_id=None if causation is None else f"{causation:03d}",
        data={},
    )


def test_history_for_workshop_roles_hides_money_events() -> None:
    def named(name: str, publisher: str = "reception") -> LoggedEvent:
        line = {"code": "MNT-001", "amount_cents": 1, "quantity": 2}
        told = {
            "lines": [line],
            "estimate_cents": 1,
            "advisor_id": "a",
            "on_account_approved_by": "m",
        }
        kind = f"aftersales.{publisher}.{name}.v1"
        return replace(event(1, 0, "order", 1, None), type=kind, data=told)

    hidden = (
        "InvoiceIssued",
        "PaymentReceived",
        "FeedbackSubmitted",
        "EstimatePresented",
        "Unheard",
    )
    kept = named("OrderOpened"), named("JobStarted", "workshop")
    known = of_the_work([*map(named, hidden), *kept])
    assert [each.type for each in known] == [each.type for each in kept]
    expected = {"lines": [{"code": "MNT-001", "quantity": 2}], "advisor_id": "a"}
    assert [each.data for each in known] == [expected] * 2


def names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(names_in, value.values()))
    return set().union(*map(names_in, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("kind", EXAMPLES)
def test_history_for_workshop_roles_contains_no_money(kind: str) -> None:
    told = replace(event(1, 0, "order", 1, None), type=kind, data=EXAMPLES[kind])
    for known in of_the_work([told]):
        money = [
            name
            for name in names_in(known.data)
            if re.search("cents|credit_|discount|voucher|invoice|payment|mark", name)
        ]
        assert money == []


@st.composite
def histories(draw: st.DrawFn) -> list[LoggedEvent]:
    """Return events that each follow from an earlier one, with times of clocks that disagree."""
    sequences = dict.fromkeys(TOPICS, 0)
    events = []
    for number in range(draw(st.integers(0, 25))):
        topic = draw(st.sampled_from(TOPICS))
        sequences[topic] += 1
        causation = draw(st.none() | st.integers(0, number - 1)) if number else None
        minute = number + draw(st.integers(-3, 3))
        events.append(event(number, minute, topic, sequences[topic], causation))
    return events


@given(histories(), st.randoms())
def test_history_keeps_stream_and_causation_order(
    events: list[LoggedEvent], shuffler: ArtificialRandom
) -> None:
    shuffled = list(events)
    shuffler.shuffle(shuffled)
    ordered = in_order(shuffled)
    place = {each.event_id: number for number, each in enumerate(ordered)}
    assert sorted(place) == sorted(each.event_id for each in events)
    assert ordered == in_order(events)
    for topic in TOPICS:
        sequences = [each.sequence for each in ordered if each.topic == topic]
        assert sequences == sorted(sequences)
    for each in events:
        if each.causation_id is not None:
            assert place[each.causation_id] < place[each.event_id]


@given(st.lists(st.integers(0, 100), unique=True))
def test_history_without_causation_is_in_time_order(minutes: list[int]) -> None:
    events = [
        event(number, minute, TOPICS[number % 3], minute, None)
        for number, minute in enumerate(minutes)
    ]
    assert [each.time for each in in_order(events)] == sorted(each.time for each in events)


def test_circular_causation_does_not_hang() -> None:
    circle = [event(0, 0, "order", 1, 1), event(1, 1, "job", 1, 0)]
    assert len(in_order(circle)) == 2
