"""Working time agrees with counting it minute by minute."""

from hypothesis import given
from hypothesis import strategies as st

from services.workshop.planning.model import Window
from services.workshop.planning.timeline import NEVER, Busy, Calendar, common

windows = st.lists(
    st.tuples(st.integers(0, 120), st.integers(1, 30)).map(lambda w: Window(w[0], w[0] + w[1])),
    max_size=6,
)


def minutes(calendar: Calendar) -> list[int]:
    return [m for m in range(200) if any(w.start <= m < w.finish for w in calendar.windows)]


@given(windows, st.integers(0, 160), st.integers(1, 60))
def test_finish_counts_working_minutes(given_windows: list[Window], start: int, work: int) -> None:
    calendar = Calendar(given_windows)
    ahead = [m for m in minutes(calendar) if m >= start]
    span = (ahead[0], ahead[work - 1] + 1) if len(ahead) >= work else (NEVER, NEVER)
    assert calendar.span(start, work) == span
    assert calendar.begin(start) == (ahead[0] if ahead else NEVER)
    assert calendar.worked(start) == len([m for m in minutes(calendar) if m < start])


@given(windows, windows)
def test_common_time(first: list[Window], second: list[Window]) -> None:
    a, b = Calendar(first), Calendar(second)
    both = Calendar(common(a.windows, b.windows))
    assert minutes(both) == sorted(set(minutes(a)) & set(minutes(b)))


@given(windows, st.integers(0, 150), st.integers(1, 30))
def test_busy_time_is_found(taken: list[Window], start: int, length: int) -> None:
    busy = Busy()
    for window in taken:
        busy.take(window.start, window.finish)
    meets = any(w.start < start + length and start < w.finish for w in taken)
    clear = busy.clear(start, start + length)
    assert (clear > start) == meets
    assert busy.minutes() == len({m for w in taken for m in range(w.start, w.finish)})
