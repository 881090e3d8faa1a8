"""Working days: shifts, sign-ins and sign-outs, corrections, and the files of machines."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.management.domain import attendance
from services.management.domain.attendance import Presence, WorkingDay
from services.management.domain.attendance_file import Punch, arrange, read_file
from services.management.domain.person import Person
from services.management.domain.record import Version
from services.management.domain.timetable import Schedule, Timetable
from shared.contracts.management import (
    AttendanceRules,
    ShiftRules,
    StoreProfile,
    WorkingCalendarRules,
)
from shared.contracts.violations import RuleViolation
from shared.table_files import rows_of_csv

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY, FIRST = date(2026, 3, 4), date(2026, 1, 1)
ONE_DAY = timedelta(days=1)
WHO = "S01-technician-1"


def dated(content: Any) -> tuple[Version, ...]:
    return (Version(FIRST, content),)


def at(text: str, day: date = DAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=SHANGHAI).astimezone(UTC)


def shift(code: str, start: str, finish: str, *breaks: tuple[str, str]) -> dict[str, Any]:
    return {
        "shift": code,
        "zh": "班",
        "en": "Shift",
        "weekdays": [1, 2, 3, 4, 5, 6],
        "start": start,
        "finish": finish,
        "breaks": [{"start": begin, "finish": end} for begin, end in breaks],
    }


STORE = StoreProfile.model_validate(
    {
        "zh": "店",
        "en": "Store",
        "city": {"zh": "上海", "en": "Shanghai"},
        "brand": {"zh": "启岳", "en": "Qiyue"},
        "opening": "08:00",
        "closing": "18:00",
        "labor_rate_cents": {"mechanical": 1},
        "tax_rate_bp": 1300,
        "payment_days": 30,
    }
)
SHIFTS = ShiftRules.model_validate(
    {
        "shifts": [
            shift("early", "08:00", "17:00", ("12:00", "13:00")),
            shift("night", "22:00", "06:00", ("01:00", "02:00")),
        ]
    }
)
TIMETABLE = Timetable(
    "S01",
    profiles=dated(STORE),
    group_shifts=dated(SHIFTS),
    calendar=dated(WorkingCalendarRules(closed=("2026-03-06",))),
)


def person(shift: str | None = "early", **more: Any) -> tuple[Version, ...]:
    posts = [{"role": "technician", "in_store": "S01"}]
    return dated(
        Person.model_validate({"zh": "李", "en": "Li", "posts": posts, "shift": shift, **more})
    )


def schedule(shift: str | None = "early", day: date = DAY, **more: Any) -> Schedule:
    return TIMETABLE.schedule(person(shift, **more), day)


def working_day(*presences: Presence, **more: Any) -> WorkingDay:
    return WorkingDay(store_id="S01", person_id=WHO, day=DAY, presences=presences, **more)


def presence(begin: str, end: str | None) -> Presence:
    return Presence(at(begin), at(end) if end else None)


def figures(*presences: Presence, planned: Schedule | None = None) -> attendance.Figures:
    return attendance.figures(presences, planned or schedule(), at("23:00"))


def test_full_shift_is_attended_without_break() -> None:
    found = figures(presence("07:55", "17:00"))
    assert found.scheduled_s == 8 * 3600
    assert found.attended_s == 8 * 3600 + 300
    assert (found.late_s, found.early_leave_s, found.overtime_s) == (0, 0, 0)


def test_lateness_early_leave_and_overtime_are_counted() -> None:
    assert figures(presence("08:10", "16:00")).late_s == 600
    assert figures(presence("08:10", "16:00")).early_leave_s == 3600
    assert figures(presence("08:00", "19:00")).overtime_s == 7200
    assert figures(presence("12:30", "17:00")).late_s == 4 * 3600


def test_day_off_and_closed_day_are_overtime() -> None:
    sunday, closed = date(2026, 3, 8), date(2026, 3, 6)
    for day in (sunday, closed):
        worked = Presence(at("09:00", day), at("11:00", day))
        assert figures(worked, planned=schedule(day=day)).overtime_s == 7200
    without_shifts = figures(presence("09:00", "11:00"), planned=schedule(None))
    assert (without_shifts.attended_s, without_shifts.overtime_s) == (7200, 0)


def test_person_without_shifts_has_no_day_off() -> None:
    assert attendance.status((), schedule(None), at("10:00")) == "no_shift"
    assert attendance.status((), schedule(day=date(2026, 3, 8)), at("10:00")) == "off"


def test_leave_takes_the_shift_away() -> None:
    leave = [{"first_day": "2026-03-03", "last_day": "2026-03-05"}]
    planned = schedule(leave=leave)
    assert attendance.status((), planned, at("10:00")) == "on_leave"
    assert figures(planned=planned).on_leave
    assert figures(planned=planned).scheduled_s == 0


@pytest.mark.parametrize(
    ("moment", "status"), [("07:59", "expected"), ("08:00", "absent"), ("23:00", "absent")]
)
def test_missing_person_is_absent_from_shift_start(moment: str, status: str) -> None:
    assert attendance.status((), schedule(), at(moment)) == status


@pytest.mark.parametrize(
    ("shift", "moment", "day"),
    [
        ("early", at("03:59"), DAY - ONE_DAY),
        ("early", at("04:00"), DAY),
        ("early", at("23:59"), DAY),
        ("night", at("21:50"), DAY),
        ("night", at("00:10"), DAY - ONE_DAY),
        ("night", at("06:05"), DAY - ONE_DAY),
        ("night", at("18:00"), DAY),
        ("night", at("09:00", date(2026, 3, 8)), date(2026, 3, 7)),
        ("night", at("10:00", date(2026, 3, 8)), date(2026, 3, 8)),
        (None, at("04:00"), DAY),
    ],
)
def test_night_shift_counts_to_its_first_day(
    shift: str | None, moment: datetime, day: date
) -> None:
    assert TIMETABLE.day_of(person(shift), moment) == day


def test_second_sign_in_names_the_first() -> None:
    signed = attendance.sign_in(working_day(), (), at("08:00"), SHANGHAI)
    with pytest.raises(RuleViolation) as refused:
        attendance.sign_in(signed, (), at("08:05"), SHANGHAI)
    assert refused.value.rule == "already_signed_in"
    assert refused.value.values["time"] == "2026-03-04 08:00"
    with pytest.raises(RuleViolation, match="Signed in since"):
        attendance.sign_in(working_day(), [signed], at("08:05"), SHANGHAI)


def test_sign_out_without_sign_in_is_refused() -> None:
    with pytest.raises(RuleViolation, match="Not signed in"):
        attendance.sign_out([], at("17:00"), SHANGHAI)
    with pytest.raises(RuleViolation) as refused:
        attendance.sign_out([working_day(presence("08:00", "12:00"))], at("12:01"), SHANGHAI)
    assert refused.value.values["time"] == "2026-03-04 12:00"


def test_missed_sign_out_ends_with_the_shift() -> None:
    day = working_day(presence("08:00", None))
    assert attendance.missed_at(day, schedule()) == at("17:30")
    closed = attendance.close_missed(day, schedule())
    assert (closed.ended_at, closed.auto_closed) == (at("17:00"), True)
    later = attendance.sign_out([closed], at("20:00"), SHANGHAI)
    assert (later.ended_at, later.auto_closed) == (at("20:00"), False)
    _, [event] = attendance.record(later, schedule(), at("20:00"))
    assert (event.overtime_s, event.business_date, event.posts) == (
        10800,
        "2026-03-04",
        ("technician",),
    )


@given(st.integers(30, 960))
def test_sign_in_after_the_shift_may_stay(minutes: int) -> None:
    ruled = replace(
        TIMETABLE, own_attendance=dated(AttendanceRules(missed_sign_out_minutes=minutes))
    )
    day = working_day(presence("20:00", None))
    missed = attendance.missed_at(day, ruled.schedule(person(), DAY))
    assert missed == at("20:00") + timedelta(minutes=minutes)


@given(st.integers(0, 12))
def test_day_without_shift_begins_by_rule(hour: int) -> None:
    rules = AttendanceRules(day_begins=f"{hour:02d}:00")
    ruled = replace(TIMETABLE, group_attendance=dated(rules))
    begin = ruled.schedule(person(None), DAY).begins_at
    assert begin == at(f"{hour:02d}:00")
    assert ruled.day_of(person(None), begin) == DAY
    assert ruled.day_of(person(None), begin - timedelta(seconds=1)) == DAY - timedelta(days=1)


@pytest.mark.parametrize(
    ("presences", "rule"),
    [
        ([presence("08:00", "23:30")], "time_in_future"),
        ([presence("12:00", "08:00")], "signed_out_before_in"),
        ([presence("08:00", "12:00"), presence("11:00", "13:00")], "presences_overlap"),
        ([presence("08:00", None), presence("11:00", "13:00")], "presences_overlap"),
        ([presence("08:00", None)], "sign_out_needed"),
        ([Presence(at("08:00", DAY - ONE_DAY), at("09:00"))], "another_working_day"),
    ],
)
def test_impossible_correction_is_refused(presences: list[Presence], rule: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        attendance.correct(working_day(), presences, schedule(), at("23:00"))
    assert refused.value.rule == rule


moments = st.integers(-3 * 3600, 20 * 3600).map(lambda s: at("08:00") + timedelta(seconds=s))


@given(st.lists(moments, max_size=8, unique=True), st.sampled_from(["early", "night", None]))
def test_figures_never_exceed_what_was_possible(times: list[datetime], shift: str | None) -> None:
    ordered = sorted(times)[: len(times) // 2 * 2]
    presences = [Presence(*pair) for pair in zip(ordered[::2], ordered[1::2], strict=True)]
    found = attendance.figures(presences, schedule(shift), at("08:00") + ONE_DAY)
    span = (ordered[-1] - ordered[0]).total_seconds() if ordered else 0
    assert 0 <= found.overtime_s <= found.attended_s <= span
    assert min(found.late_s, found.early_leave_s) >= 0
    assert found.late_s + found.early_leave_s <= found.scheduled_s


def csv(*rows: str, head: str = "person_id,date,time") -> bytes:
    return "\n".join([head, *rows]).encode()


def arranged(content: bytes, shift: str = "early") -> tuple[Any, Sequence[Any]]:
    punches, errors = read_file(rows_of_csv(content), TIMETABLE, at("23:00"))
    days, more = arrange(punches, {WHO: person(shift)}, TIMETABLE)
    return days, [*errors, *more]


def test_plain_punches_alternate_within_a_day() -> None:
    content = csv(f"{WHO},2026-03-04,08:00", f"{WHO},2026/3/4,17:00:05", f"{WHO},20260304,08:00:30")
    days, errors = arranged(content)
    assert not errors
    assert days == {(WHO, DAY): (Presence(at("08:00"), at("17:00:05")),)}


def test_chinese_head_in_gbk_is_read() -> None:
    rows = [f"{WHO},2026-03-03,22:01,签到", f"{WHO},2026-03-04,06:02,签退"]
    content = "\r\n".join(["工号,日期,时间,状态", *rows]).encode("gbk")
    days, errors = arranged(content, "night")
    assert not errors
    assert days == {(WHO, DAY - ONE_DAY): (Presence(at("22:01", DAY - ONE_DAY), at("06:02")),)}


def test_each_wrong_row_is_named() -> None:
    content = csv(
        f"{WHO},2026-02-30,08:00,in",
        f"{WHO},2026-03-04,25:00,in",
        f"{WHO},2026-03-04,08:00,maybe",
        f"{WHO},2026-03-05,08:00,in",
        "S02-technician-1,2026-03-04,08:00,in",
        f"{WHO},2026-03-04,08:00,in",
        f"{WHO},2026-03-04,09:00,in",
        f"{WHO},2026-03-04,10:00,out",
        f"{WHO},2026-03-04,11:00,out",
        head="person_id,date,time,in_out",
    )
    _, errors = arranged(content)
    assert [(each.row, each.column, each.rule) for each in errors] == [
        (2, "date", "not_a_date"),
        (3, "time", "not_a_time"),
        (4, "in_out", "not_in_or_out"),
        (5, "date", "time_in_future"),
        (6, "person_id", "not_on_staff"),
        (8, "in_out", "signed_in_twice"),
        (10, "in_out", "not_signed_in"),
    ]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "column_missing"),
        (b"\xff\xff\xff", "unreadable"),
        (b"person_id,date\n", "column_missing"),
        (csv(), "no_rows"),
    ],
)
def test_file_without_punches_is_refused(content: bytes, rule: str) -> None:
    _, errors = arranged(content)
    assert errors[0].rule == rule


def punches(*directions: bool | None) -> st.SearchStrategy[list[Punch]]:
    is_in = st.sampled_from(directions)
    return st.lists(
        st.builds(Punch, row=st.just(2), person_id=st.just(WHO), at=moments, is_in=is_in),
        max_size=10,
    )


@given(punches(True, False) | punches(None), st.randoms())
def test_order_of_punches_is_irrelevant(given_punches: list[Punch], random: Any) -> None:
    shuffled = list(given_punches)
    random.shuffle(shuffled)
    staff = {WHO: person()}
    days, errors = arrange(given_punches, staff, TIMETABLE)
    assert arrange(shuffled, staff, TIMETABLE)[0] == days
    if not errors:
        for presences in days.values():
            for each in presences:
                assert each.signed_out_at is None or each.signed_in_at <= each.signed_out_at


def test_same_file_again_changes_nothing() -> None:
    day = working_day()
    presences = (presence("08:00", None),)
    taken = attendance.take_over(day, presences, schedule(), at("23:00"))
    assert (taken.ended_at, taken.auto_closed) == (at("17:00"), True)
    assert attendance.take_over(taken, presences, schedule(), at("23:00")) == taken
    corrected = working_day(source="corrected")
    assert attendance.take_over(corrected, presences, schedule(), at("23:00")) is corrected
