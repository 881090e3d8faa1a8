"""Working time, compared with a count minute by minute."""

from hypothesis import given
from hypothesis import strategies as st

from services.workshop.planning.model import Interval
from services.workshop.planning.timeline import NEVER, Busy, Calendar, common, first_slot

windows = st.lists(
    st.tuples(st.integers(0, 120), st.integers(1, 30)).map(lambda w: Interval(w[0], w[0] + w[1])),
    max_size=6,
)


def minutes(calendar: Calendar) -> list[int]:
    return [m for m in range(200) if any(w.start <= m < w.finish for w in calendar.windows)]


@given(windows, st.integers(0, 160), st.integers(1, 60))
def test_finish_counts_working_minutes(
    given_windows: list[Interval], start: int, work: int
) -> None:
    calendar = Calendar(given_windows)
    ahead = [m for m in minutes(calendar) if m >= start]
    span = (ahead[0], ahead[work - 1] + 1) if len(ahead) >= work else (NEVER, NEVER)
    assert calendar.span(start, work) == span
    assert calendar.begin(start) == (ahead[0] if ahead else NEVER)
    assert calendar.worked(start) == len([m for m in minutes(calendar) if m < start])


@given(windows, windows)
def test_common_working_time_is_the_intersection(
    first: list[Interval], second: list[Interval]
) -> None:
    a, b = Calendar(first), Calendar(second)
    both = Calendar(common(a.windows, b.windows))
    assert minutes(both) == sorted(set(minutes(a)) & set(minutes(b)))


@given(windows, windows, windows, st.integers(0, 150), st.integers(1, 30))
def test_first_slot_is_earliest_free_span(
    open_: list[Interval], taken: list[Interval], too: list[Interval], earliest: int, length: int
) -> None:
    calendar, busy = Calendar(open_), (Busy(), Busy())
    for each, intervals in zip(busy, (taken, too), strict=True):
        for window in intervals:
            each.take(window.start, window.finish)
    spans = (calendar.span(moment, length) for moment in range(earliest, 400))
    free = (
        (start, finish)
        for start, finish in spans
        if not any(w.start < finish and start < w.finish for w in (*taken, *too))
    )
    assert first_slot(calendar, length, earliest, busy) == next(free, (NEVER, NEVER))
