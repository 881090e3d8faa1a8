"""Checks of shifts."""

import pytest

from services.management.domain.schedules import check_shifts
from shared.contracts.management import Break, ShiftPattern, ShiftRules
from shared.contracts.violations import RuleViolation


@pytest.mark.parametrize(
    ("field", "start", "breaks", "finish"),
    [
        ("finish", "08:00", [], "08:00"),
        ("breaks.0.start", "08:00", [("07:00", "09:00")], "17:00"),
        ("breaks.0.finish", "08:00", [("12:00", "11:00")], "17:00"),
        ("breaks.1.start", "08:00", [("10:00", "12:00"), ("11:00", "13:00")], "17:00"),
        ("finish", "08:00", [("12:00", "18:00")], "17:00"),
    ],
)
def test_overlapping_shift_times_are_rejected_by_name(
    field: str, start: str, breaks: list[tuple[str, str]], finish: str
) -> None:
    shift = ShiftPattern(
        shift="early",
        zh="早班",
        en="Early",
        weekdays=(1,),
        start=start,
        finish=finish,
        breaks=tuple(Break(start=begin, finish=end) for begin, end in breaks),
    )
    with pytest.raises(RuleViolation) as fault:
        check_shifts(ShiftRules(shifts=(shift,)))
    assert (fault.value.rule, fault.value.field) == ("times_overlap", f"content.shifts.0.{field}")
