"""Duplicate guard, for any order and repetition of records."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.inbox import Key, apply_in_sequence


@dataclass(frozen=True)
class Item:
    stream: Key
    sequence: int
    digest: bytes = b"genuine"
    store_id: str = "S01"
    partition: int = 0
    offset: int = 0


STREAMS: list[Key] = [("topic", "a", "S01"), ("topic", "b", "S01"), ("other", "a", "S01")]


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[int, list[list[Item]]]:
    """Return batches in which every stream is delivered completely, with repetitions, in any
    order.
    """
    length = draw(st.integers(1, 6))
    needed = [Item(stream, n) for stream in STREAMS for n in range(1, length + 1)]
    repeated = draw(st.lists(st.sampled_from(needed), max_size=12))
    records = draw(st.permutations(needed + repeated))
    cuts = sorted(draw(st.lists(st.integers(0, len(records)), max_size=4)))
    edges = [0, *cuts, len(records)]
    return length, [records[a:b] for a, b in pairwise(edges)]


@given(deliveries())
def test_every_event_is_applied_once_in_sequence(case: tuple[int, list[list[Item]]]) -> None:
    length, batches = case
    positions = dict.fromkeys(STREAMS, 0)
    parked: list[Item] = []
    effects: dict[Key, list[int]] = {stream: [] for stream in STREAMS}

    def apply_one(item: Item) -> bool:
        effects[item.stream].append(item.sequence)
        return True

    for batch in batches:
        result = apply_in_sequence([*batch, *parked], positions, apply_one)
        positions.update(result.positions)
        parked = result.parked

    assert effects == {stream: list(range(1, length + 1)) for stream in STREAMS}
    assert parked == []


@given(st.integers(1, 8), st.data())
def test_unreadable_event_blocks_later_events_of_key(length: int, data: st.DataObject) -> None:
    unreadable = data.draw(st.integers(1, length))
    stream = STREAMS[0]
    taken: list[int] = []

    def apply_one(item: Item) -> bool:
        if item.sequence == unreadable:
            return False
        taken.append(item.sequence)
        return True

    result = apply_in_sequence(
        [Item(stream, n) for n in range(1, length + 1)], {stream: 0}, apply_one
    )

    assert taken == list(range(1, unreadable))
    assert [item.sequence for item in result.parked] == list(range(unreadable + 1, length + 1))
    assert result.positions.get(stream, 0) == unreadable - 1


def test_compacted_stream_continues_over_gaps() -> None:
    stream = STREAMS[0]
    taken: list[int] = []
    records = [Item(stream, n) for n in (7, 4, 9)]

    def apply_one(item: Item) -> bool:
        taken.append(item.sequence)
        return True

    result = apply_in_sequence(records, {stream: 3}, apply_one, {"topic"})
    assert (taken, result.parked, result.positions) == ([4, 7, 9], [], {stream: 9})


def test_repeated_event_is_discarded() -> None:
    stream = STREAMS[0]
    result = apply_in_sequence([Item(stream, 3), Item(stream, 4)], {stream: 4}, lambda _: True)
    assert (result.applied, len(result.passed), result.positions) == (0, 2, {})


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.data())
def test_every_record_has_exactly_one_outcome(sequences: list[int], data: st.DataObject) -> None:
    stream = STREAMS[0]
    contents = st.sampled_from([b"genuine", b"forged", b"broken"])
    records = [Item(stream, n, data.draw(contents)) for n in sequences]
    position = data.draw(st.integers(0, 2))
    violation: list[Item] = []

    def apply_one(item: Item) -> bool:
        if item.digest == b"broken":
            violation.append(item)
        return item.digest != b"broken"

    result = apply_in_sequence(records, {stream: position}, apply_one)

    taken = [item for items in result.taken.values() for item in items]
    fates = [*taken, *result.passed, *result.parked, *result.conflicts, *violation]
    assert len(fates) + result.repeated == len(records)
    assert {item.sequence for item in taken}.isdisjoint(item.sequence for item in result.parked)
    for item in result.conflicts:
        rivals = [each for each in (*taken, *result.parked) if each.sequence == item.sequence]
        assert rivals
        assert all(rival.digest != item.digest for rival in rivals)
