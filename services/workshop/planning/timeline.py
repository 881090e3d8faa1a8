"""Arithmetic of working time: calendars with pauses, and occupied intervals."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final

from services.workshop.planning.model import Interval

NEVER: Final = 1 << 40
"""A time later than any calendar."""


def merged(windows: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the same time as disjoint windows in order; touching ones become one."""
    result: list[Interval] = []
    for window in sorted(w for w in windows if w.start < w.finish):
        if result and window.start <= result[-1].finish:
            result[-1] = Interval(result[-1].start, max(result[-1].finish, window.finish))
        else:
            result.append(window)
    return tuple(result)


def common(first: Sequence[Interval], second: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return the time that two sequences of disjoint ordered windows share."""
    result: list[Interval] = []
    i = j = 0
    while i < len(first) and j < len(second):
        start = max(first[i].start, second[j].start)
        finish = min(first[i].finish, second[j].finish)
        if start < finish:
            result.append(Interval(start, finish))
        if first[i].finish < second[j].finish:
            i += 1
        else:
            j += 1
    return tuple(result)


class Calendar:
    """Working time that pauses between windows."""

    __slots__ = ("_before", "_finishes", "_reached", "_starts", "windows")

    def __init__(self, windows: Iterable[Interval]) -> None:
        self.windows = merged(windows)
        self._starts = [window.start for window in self.windows]
        self._finishes = [window.finish for window in self.windows]
        self._reached = list(accumulate(w.finish - w.start for w in self.windows))
        self._before = [0, *self._reached]

    def worked(self, moment: int) -> int:
        """Return the working minutes before ``moment``."""
        i = bisect_right(self._finishes, moment)
        if i == len(self._starts):
            return self._before[i]
        return self._before[i] + max(0, moment - self._starts[i])

    def begin(self, moment: int) -> int:
        """Return the first working minute at or after ``moment``, or NEVER."""
        i = bisect_right(self._finishes, moment)
        return max(moment, self._starts[i]) if i < len(self._starts) else NEVER

    def reach(self, worked: int) -> int:
        """Return the earliest moment before which ``worked`` minutes (at least 1) lie, or NEVER."""
        i = bisect_left(self._reached, worked)
        return self._starts[i] + worked - self._before[i] if i < len(self._starts) else NEVER

    def span(self, earliest: int, minutes: int) -> tuple[int, int]:
        """Return start and finish of ``minutes`` of work from ``earliest``, or NEVER twice."""
        i = bisect_right(self._finishes, earliest)
        if i == len(self._starts):
            return NEVER, NEVER
        start = self._starts[i]
        if earliest > start:
            start = earliest
        if start + minutes <= self._finishes[i]:
            return start, start + minutes
        finish = self.reach(self._before[i] + start - self._starts[i] + minutes)
        return (start, finish) if finish < NEVER else (NEVER, NEVER)


@lru_cache(maxsize=512)
def calendar(windows: tuple[Interval, ...]) -> Calendar:
    """Return the calendar of these windows; the same windows give the same calendar object."""
    return Calendar(windows)


class Busy:
    """Disjoint intervals in which a technician, bay or vehicle is taken, in order."""

    __slots__ = ("finishes", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.finishes: list[int] = []

    def forget(self) -> None:
        """Free all time."""
        self.starts.clear()
        self.finishes.clear()

    def take(self, start: int, finish: int) -> None:
        """Add an interval and merge it with those that it touches."""
        first = bisect_left(self.finishes, start)
        last = bisect_right(self.starts, finish)
        if first < last:
            start = min(start, self.starts[first])
            finish = max(finish, self.finishes[last - 1])
            del self.starts[first:last], self.finishes[first:last]
        insort(self.starts, start)
        insort(self.finishes, finish)


def first_slot(
    calendar: Calendar, minutes: int, earliest: int, busy: Iterable[Busy], by: int = NEVER
) -> tuple[int, int]:
    """Return the first start and finish of uninterrupted use from ``earliest``, or NEVER twice.

    Use that would finish after ``by`` does not count.
    """
    clear = earliest
    while clear + minutes <= by:
        start, finish = calendar.span(clear, minutes)
        if finish > by:
            break
        clear = start
        for taken in busy:
            finishes = taken.finishes
            i = bisect_right(finishes, start)
            if i < len(finishes) and taken.starts[i] < finish and finishes[i] > clear:
                clear = finishes[i]
        if clear == start:
            return start, finish
    return NEVER, NEVER
