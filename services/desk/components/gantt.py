"""The workshop's day by technician (派工甘特图): work, promises, breaks and the present time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nicegui import ui

from services.desk.components.elements import box, mark, text
from services.desk.components.live import EverySecond

Job = Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """The time that the chart shows, from edge to edge."""

    begin: datetime
    end: datetime

    def place(self, moment: datetime) -> float:
        """Where ``moment`` is, in per cent of the width."""
        return 100 * min(1.0, max(0.0, (moment - self.begin) / (self.end - self.begin)))

    def stretch(self, begin: datetime, end: datetime) -> str:
        """Style of a block from ``begin`` to ``end``."""
        left = self.place(begin)
        return f"left:{left:.3f}%;width:{max(0.35, self.place(end) - left):.3f}%"

    def hours(self) -> Iterable[datetime]:
        """Each full hour inside."""
        hour = self.begin
        while hour < self.end:
            yield hour
            hour += timedelta(hours=1)


@dataclass(frozen=True)
class Face:
    """How jobs are labelled, and what a click does."""

    title: Callable[[Job], str]
    subtitle: Callable[[Job], str]
    tooltip: Callable[[Job], str]
    chosen: Callable[[Job], None]
    local_hour: Callable[[datetime], str]


def span_of(plan: Mapping[str, Any], jobs: Sequence[Job]) -> Span:
    """Opening hours in full hours, wider where work lies outside of them."""
    begin = min([_at(plan["opens_at"]), *(_begin(job) for job in jobs)])
    end = max([_at(plan["closes_at"]), *(_end(job, begin) for job in jobs)])
    whole = begin.replace(minute=0, second=0, microsecond=0)
    return Span(whole, whole + timedelta(hours=-((whole - end) // timedelta(hours=1))))


def gantt(
    plan: Mapping[str, Any],
    skills: Callable[[Mapping[str, Any]], str],
    face: Face,
    now: datetime,
    every_second: EverySecond,
) -> None:
    """Draw the day; the line of the present time moves by itself."""
    jobs = [job for job in plan["jobs"] if job["status"] != "cancelled"]
    span = span_of(plan, jobs)
    with box("gantt-scroll"), box("gantt"):
        _scale(span, face)
        for technician in plan["technicians"]:
            own = [job for job in jobs if technician["technician_id"] in job["technician_ids"]]
            _line(technician, skills(technician), own, span, face, now)
        _now_line(span, now, every_second)


def _scale(span: Span, face: Face) -> None:
    with box("gantt-row gantt-scale"):
        box("gantt-name")
        with box("gantt-track"):
            for hour in span.hours():
                text(face.local_hour(hour), "gantt-hour").style(f"left:{span.place(hour):.3f}%")


def _line(
    technician: Mapping[str, Any],
    skills: str,
    jobs: Sequence[Job],
    span: Span,
    face: Face,
    now: datetime,
) -> None:
    with mark(f"row-{technician['technician_id']}", box("gantt-row")):
        with box("gantt-name"):
            text(technician["name"], "gantt-person")
            text(skills, "gantt-skills")
        with box("gantt-track"):
            for hour in span.hours():
                box("gantt-grid").style(f"left:{span.place(hour):.3f}%")
            for begin, end in _off_duty(technician["windows"], span):
                box("gantt-off").style(span.stretch(begin, end))
            for job in jobs:
                _bar(job, span, face, now)


def _bar(job: Job, span: Span, face: Face, now: datetime) -> None:
    begin, end, promised = _begin(job), _end(job, now), _at(job["promised_at"])
    late = " late" if end > promised else ""
    with box(f"bar status-{job['status']}{late}").style(span.stretch(begin, end)) as bar:
        text(face.title(job), "bar-title")
        text(face.subtitle(job), "bar-subtitle")
        with ui.tooltip().props("delay=300"):
            text(face.tooltip(job), "tooltip")
    mark(f"bar-{job['job_id']}", bar).on("click", lambda: face.chosen(job))
    if span.begin < promised < span.end:
        box(f"promise{late}").style(f"left:{span.place(promised):.3f}%")


def _now_line(span: Span, now: datetime, every_second: EverySecond) -> None:
    with box("gantt-now-layer"):
        line = box("gantt-now")

    def move(moment: datetime) -> None:
        inside = span.begin <= moment <= span.end
        line.set_visibility(inside)
        line.style(f"left:{span.place(moment):.2f}%")

    move(now)
    every_second(move)


def _off_duty(
    windows: Sequence[Mapping[str, str]], span: Span
) -> Iterable[tuple[datetime, datetime]]:
    free_from = span.begin
    for window in sorted(windows, key=lambda each: each["starts_at"]):
        if _at(window["starts_at"]) > free_from:
            yield free_from, _at(window["starts_at"])
        free_from = max(free_from, _at(window["ends_at"]))
    if free_from < span.end:
        yield free_from, span.end


def _begin(job: Job) -> datetime:
    return _at(job["started_at"] or job["planned_start_at"])


def _end(job: Job, now: datetime) -> datetime:
    """The actual finish; for work in hand the planned one, or now when that has passed."""
    if job["finished_at"]:
        return _at(job["finished_at"])
    planned = max(_at(job["planned_finish_at"]), _begin(job))
    return max(planned, now) if job["started_at"] else planned


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
