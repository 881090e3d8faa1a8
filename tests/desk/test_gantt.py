"""Positions on the Gantt chart (R11, R12)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.desk.components.gantt import Span, Stretch, off_duty, span_of, stretch_of
from shared.clients.workshop.models import PlannedJobView

OPENS = datetime(2026, 3, 4, 0, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=10)
DAY = Span(OPENS, CLOSES)

minutes = st.integers(-2 * 24 * 60, 2 * 24 * 60)
stretches = st.tuples(minutes, st.integers(1, 600)).map(
    lambda each: Stretch(_after(each[0]), _after(each[0] + each[1]))
)


def _after(count: int) -> datetime:
    return OPENS + timedelta(minutes=count)


def _job(stretch: Stretch) -> PlannedJobView:
    times: dict[str, Any] = {
        "started_at": None,
        "finished_at": None,
        "planned_start_at": stretch.begin,
        "planned_finish_at": stretch.end,
    }
    return PlannedJobView.model_construct(**times)


@given(minutes, minutes)
def test_chart_positions_follow_time_within_bounds(one: int, other: int) -> None:
    first, second = sorted((one, other))
    assert 0 <= DAY.place(_after(first)) <= DAY.place(_after(second)) <= 100


@given(st.lists(stretches, max_size=6))
def test_chart_spans_opening_hours_and_work_of_day(
    work: list[Stretch],
) -> None:
    placed = [stretch_of(_job(each), OPENS) for each in work]
    assert placed == work
    span = span_of(Stretch(OPENS, CLOSES), work)
    assert span.begin <= OPENS
    assert span.end >= CLOSES
    assert span.end - span.begin < timedelta(hours=36)
    assert span.minutes % 60 == 0
    for each in work:
        if OPENS <= each.begin <= CLOSES:
            assert span.shows(each.begin, each.end)
            assert span.begin <= each.begin


@given(st.lists(stretches, max_size=6))
def test_chart_shades_times_without_duty(windows: list[Stretch]) -> None:
    shaded = list(off_duty(windows, DAY))
    for (_, end), (begin, _) in pairwise(shaded):
        assert end <= begin
    for count in range(0, 600, 7):
        moment = _after(count)
        on_duty = any(window.begin <= moment < window.end for window in windows)
        assert on_duty != any(begin <= moment < end for begin, end in shaded)
