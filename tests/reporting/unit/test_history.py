"""The order of an order's events."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.history import LoggedEvent, in_order

START = datetime(2026, 3, 4, tzinfo=UTC)
TOPICS = ("order", "job", "customer")


def event(number: int, minute: int, topic: str, sequence: int, cause: int | None) -> LoggedEvent:
    return LoggedEvent(
        event_id=f"{number:03d}",
        type="type",
        time=START + timedelta(minutes=minute),
        sequence=sequence,
        topic=topic,
        key="key",
        causation_id=None if cause is None else f"{cause:03d}",
        data={},
    )


@st.composite
def histories(draw) -> list[LoggedEvent]:
    """Events that each follow from an earlier one, told by clocks that do not agree."""
    sequences = dict.fromkeys(TOPICS, 0)
    events = []
    for number in range(draw(st.integers(0, 25))):
        topic = draw(st.sampled_from(TOPICS))
        sequences[topic] += 1
        cause = draw(st.none() | st.integers(0, number - 1)) if number else None
        minute = number + draw(st.integers(-3, 3))
        events.append(event(number, minute, topic, sequences[topic], cause))
    return events


@given(histories(), st.randoms())
def test_streams_and_causes_keep_their_order(events: list[LoggedEvent], shuffler) -> None:
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
def test_clocks_that_agree_give_the_order_of_time(minutes: list[int]) -> None:
    events = [
        event(number, minute, TOPICS[number % 3], minute, None)
        for number, minute in enumerate(minutes)
    ]
    assert [each.time for each in in_order(events)] == sorted(each.time for each in events)


def test_causes_in_a_circle_do_not_hang() -> None:
    circle = [event(0, 0, "order", 1, 1), event(1, 1, "job", 1, 0)]
    assert len(in_order(circle)) == 2
