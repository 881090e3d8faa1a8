"""The workshop's day as a chart (派工甘特图): work by row, promises and the present time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from nicegui import ui
from nicegui.events import GenericEventArguments
from pydantic import TypeAdapter

from services.desk import formats
from services.desk.components.elements import box, test_id, text
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from shared.clients.workshop.models import PlannedJobView

_HALF_HOUR = timedelta(minutes=30)
_AROUND = timedelta(hours=12)
_SHOW_NOW = """(now => {
    const chart = now.closest(".gantt-scroll");
    chart.scrollLeft = now.offsetLeft - chart.clientWidth / 3;
})(document.querySelector(".gantt-now"))"""


@dataclass(frozen=True)
class Stretch:
    """A stretch of time, named where it needs a name."""

    begin: datetime
    end: datetime
    name: str = ""


@dataclass(frozen=True)
class Bar:
    """Job in its row: time, color and description.

    Until ``buffer_until``, if anything, the row is an overrun buffer behind it.
    """

    job_id: str
    status: str
    time: Stretch
    buffer_until: datetime | None
    promised: datetime
    tone: str
    title: str
    subtitle: str
    tooltip: Sequence[str]
    movable: bool
    pinned: bool


@dataclass(frozen=True)
class Line:
    """Row of a technician or a bay: the working windows, and the jobs."""

    key: str
    name: str
    note: str
    windows: Sequence[Stretch]
    absences: Sequence[Stretch]
    bars: Sequence[Bar]
    openable: bool = False


@dataclass(frozen=True)
class Heat:
    """Free technician minutes (空闲工时) of one skill by the begin of the half hour, if any."""

    name: str
    minutes: Mapping[datetime, int]


@dataclass(frozen=True)
class Drop:
    """Drag of a bar from row ``source`` to ``row``, ``minutes`` later (earlier if negative).

    ``onto`` is the job on which it was dropped, if any.
    """

    job_id: str
    source: str
    row: str
    minutes: int
    onto: str | None


_DROP = TypeAdapter(Drop)


@dataclass(frozen=True)
class ChartHandlers:
    """Handlers of a click on a bar and on a row's name, by their keys, and of a drag."""

    bar: Callable[[str], None]
    row: Callable[[str], None]
    dropped: Callable[[Drop], None]


@dataclass(frozen=True)
class Span:
    """Time that the chart shows, from edge to edge."""

    begin: datetime
    end: datetime

    def place(self, moment: datetime) -> float:
        """Return the position of ``moment``, in per cent of the width."""
        return 100 * min(1.0, max(0.0, (moment - self.begin) / (self.end - self.begin)))

    def stretch(self, block: ui.element, begin: datetime, end: datetime) -> ui.element:
        """Place ``block`` from ``begin`` to ``end``."""
        left = self.place(begin)
        return block.style(f"left:{left:.3f}%;width:{max(0.35, self.place(end) - left):.3f}%")

    def shows(self, begin: datetime, end: datetime) -> bool:
        """Return whether any of it is inside."""
        return begin < self.end and self.begin < end

    def hours(self) -> Iterable[datetime]:
        """Yield each full hour inside."""
        hour = self.begin
        while hour < self.end:
            yield hour
            hour += timedelta(hours=1)

    def half_hours_from(self, now: datetime) -> Iterable[datetime]:
        """Yield each half hour inside that is not over."""
        halves = (hour + half for hour in self.hours() for half in (timedelta(0), _HALF_HOUR))
        return (half for half in halves if half + _HALF_HOUR > now)

    @property
    def minutes(self) -> int:
        return (self.end - self.begin) // timedelta(minutes=1)


def span_of(opening: Stretch, work: Iterable[Stretch]) -> Span:
    """Return the opening hours in full hours, wider where work of the day lies outside of them."""
    edges = [edge for stretch in work for edge in (stretch.begin, stretch.end)]
    near = [edge for edge in edges if opening.begin - _AROUND < edge < opening.end + _AROUND]
    begin, end = min([opening.begin, *near]), max([opening.end, *near])
    whole = begin.replace(minute=0, second=0, microsecond=0)
    return Span(whole, whole + timedelta(hours=-((whole - end) // timedelta(hours=1))))


def gantt(
    renderer: PartialRenderer,
    span: Span,
    zone: ZoneInfo,
    lines: Sequence[Line],
    free: Sequence[Heat],
    handlers: ChartHandlers,
    now: datetime,
) -> None:
    """Draw the day, scrolled to the present time; its line moves by itself."""
    with renderer.frame("gantt", partial(_chart, handlers), span, zone):
        for heat in free:
            to_come = [(begin, heat.minutes.get(begin, 0)) for begin in span.half_hours_from(now)]
            renderer.section(f"free {heat.name}", partial(_heat, span, heat.name), to_come)
        for line in lines:
            ground = replace(line, bars=())
            with renderer.frame(line.key, partial(_line, span, handlers), ground):
                for bar in line.bars:
                    if span.shows(bar.time.begin, bar.time.end):
                        renderer.section(bar.job_id, partial(_bar, span, handlers), bar)
        renderer.section("now", partial(_now_line, span, now, renderer.every_second))


@contextmanager
def _chart(handlers: ChartHandlers, span: Span, zone: ZoneInfo) -> Iterator[None]:
    with box("gantt-scroll"), box("gantt") as chart:
        chart.props["data-minutes"] = span.minutes
        chart.props["data-zone"] = f"{zone}"
        chart.on("bardrop", lambda event: handlers.dropped(_drop(event)), ["detail"])
        _scale(span, zone)
        yield


def _drop(event: GenericEventArguments) -> Drop:
    return _DROP.validate_python(event.args["detail"])


def _scale(span: Span, zone: ZoneInfo) -> None:
    with box("gantt-row gantt-scale"):
        box("gantt-name")
        with box("gantt-track"):
            for hour in span.hours():
                text(formats.clock(hour, zone), "gantt-hour").style(f"left:{span.place(hour):.3f}%")


def _heat(span: Span, name: str, half_hours: Sequence[tuple[datetime, int]]) -> None:
    most = max([1, *(minutes for _, minutes in half_hours)])
    with box("gantt-row gantt-free"):
        with box("gantt-name"):
            text(name, "gantt-skills")
        with box("gantt-track"):
            for begin, minutes in half_hours:
                free = box("free-cell" if minutes else "free-cell none")
                with span.stretch(free, begin, begin + _HALF_HOUR):
                    text(_people(minutes))
                free.style(f"--free:{minutes / most:.2f}")


def _people(minutes: int) -> str:
    """Return the number of free people in a half hour, to one decimal."""
    people = minutes / (_HALF_HOUR / timedelta(minutes=1))
    return f"{people:.1f}".removesuffix(".0")


@contextmanager
def _line(span: Span, handlers: ChartHandlers, line: Line) -> Iterator[None]:
    """Add a row without its bars, which go into its track."""
    with test_id(f"row-{line.key}", box("gantt-row")) as made:
        made.props["data-row"] = line.key
        with box("gantt-name") as name:
            text(line.name, "gantt-person")
            text(line.note, "gantt-skills")
        if line.openable:
            _openable(test_id(f"name-{line.key}", name), lambda: handlers.row(line.key))
        with box("gantt-track"):
            for hour in span.hours():
                box("gantt-grid").style(f"left:{span.place(hour):.3f}%")
            for begin, end in off_duty(line.windows, span):
                span.stretch(box("gantt-off"), begin, end)
            for absence in line.absences:
                if span.shows(absence.begin, absence.end):
                    with span.stretch(box("gantt-absent"), absence.begin, absence.end):
                        text(absence.name)
            yield


def _bar(span: Span, handlers: ChartHandlers, bar: Bar) -> None:
    begin, end = bar.time.begin, bar.time.end
    classes = f"bar status-{bar.status} {bar.tone}{' movable' if bar.movable else ''}"
    with span.stretch(box(classes), begin, end) as made:
        with box("bar-title"):
            if bar.pinned:
                ui.icon("push_pin")
            text(bar.title)
        text(bar.subtitle, "bar-subtitle")
        with ui.tooltip().props("delay=300"):
            for sentence in bar.tooltip:
                text(sentence, "tooltip")
    made.props["data-job"] = bar.job_id
    made.props["data-begin"] = round(begin.timestamp())
    _openable(test_id(f"bar-{bar.job_id}", made), lambda: handlers.bar(bar.job_id))
    if bar.buffer_until and end < bar.buffer_until and span.shows(end, bar.buffer_until):
        span.stretch(box("gantt-buffer"), end, bar.buffer_until)
    if span.begin < bar.promised < span.end:
        box(f"promise {bar.tone}").style(f"left:{span.place(bar.promised):.3f}%")


def _openable(element: ui.element, handler: Callable[[], None]) -> None:
    """Let the pointer and the keyboard open ``element``."""
    element.props("tabindex=0 role=button").classes("openable")
    element.on("click", handler).on("keydown.enter", handler)


def _now_line(span: Span, now: datetime, every_second: EverySecond) -> None:
    with box("gantt-now-layer"):
        line = box("gantt-now")

    def move(moment: datetime) -> None:
        inside = span.begin <= moment <= span.end
        line.set_visibility(inside)
        line.style(f"left:{span.place(moment):.2f}%")

    move(now)
    every_second(move)
    ui.run_javascript(_SHOW_NOW)


def off_duty(windows: Sequence[Stretch], span: Span) -> Iterable[tuple[datetime, datetime]]:
    """Yield the intervals of ``span`` that lie in no window."""
    free_from = span.begin
    for window in sorted(windows, key=lambda each: each.begin):
        if window.begin > free_from:
            yield free_from, min(window.begin, span.end)
        free_from = max(free_from, window.end)
    if free_from < span.end:
        yield free_from, span.end


def stretch_of(job: PlannedJobView, now: datetime) -> Stretch | None:
    """Return the actual time of a job, otherwise the planned one; None while it has neither.

    Work in progress ends as planned, or now when that has passed.
    """
    begin = job.started_at or job.planned_start_at
    if begin is None:
        return None
    if job.finished_at:
        return Stretch(begin, job.finished_at)
    planned = max(job.planned_finish_at or begin, begin)
    return Stretch(begin, max(planned, now) if job.started_at else planned)
