"""Free workshop time (空闲工时) by skill and half hour."""

from collections import Counter
from collections.abc import Iterable, Mapping

SLOT_MINUTES = 30


def free_minutes(
    skills: Mapping[str, Iterable[str]],
    working: Mapping[str, Iterable[tuple[int, int]]],
    taken: Mapping[str, Iterable[tuple[int, int]]],
    begin: int,
    end: int,
) -> dict[tuple[str, int], int]:
    """Return the minutes in which technicians work and are not booked, by (skill, slot start).

    ``skills`` are the skills of each technician, ``working`` and ``taken`` half-open spans in
    minutes since the epoch. A technician of several skills counts in each. Slots without free
    time are left out.
    """
    free: Counter[tuple[str, int]] = Counter()
    first = begin - begin % SLOT_MINUTES
    for technician_id, skill_codes in skills.items():
        spans = list(working[technician_id])
        booked = list(taken.get(technician_id, ()))
        for slot in range(first, end, SLOT_MINUTES):
            start, finish = max(slot, begin), slot + SLOT_MINUTES
            minutes = _overlap(spans, start, finish) - sum(
                _overlap([(max(a, c), min(b, d)) for c, d in booked], start, finish)
                for a, b in spans
            )
            if minutes > 0:
                free.update({(skill_code, slot): minutes for skill_code in skill_codes})
    return dict(free)


def _overlap(spans: Iterable[tuple[int, int]], start: int, finish: int) -> int:
    return sum(max(0, min(b, finish) - max(a, start)) for a, b in spans)
