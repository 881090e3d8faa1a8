"""Attendance (考勤): one's own week with one button, and for the manager the store's day."""

from collections.abc import Awaitable, Sequence
from datetime import date
from functools import partial
from typing import get_args

from nicegui import events, ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.day_choice import chosen_day, day_choice
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    facts,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import (
    Form,
    dialog_actions,
    dialog_foot,
    moment_field,
    moment_of,
    send_now,
    submit,
)
from services.desk.components.leave import (
    ask_leave,
    awaiting_decision,
    count_awaiting_decision,
    leave_to_decide,
    own_leave,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.problems import error_text, unavailable_text
from services.desk.context import PageContext
from services.desk.page import Page
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.access import roles_of
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import (
    CorrectAttendanceRequest,
    CorrectedDayView,
    CorrectionView,
    ImportAttendanceResponse,
    LeaveDetail,
    OwnAttendance,
    PresenceGiven,
    PresenceView,
    RowErrorColumn,
    RowErrorRule,
    WorkingDayStatus,
    WorkingDayView,
)

REQUIREMENTS = ("R13", "R18")

PAGE = Page(
    path="/stores/{store_id}/attendance",
    title="Attendance",
    icon="punch_clock",
    waiting=count_awaiting_decision,
    roles=roles_of(ManagementApi.own_attendance) | roles_of(ManagementApi.list_attendance),
    requirements=REQUIREMENTS,
)

STATUSES: Sequence[WorkingDayStatus] = get_args(WorkingDayStatus)
ROW_RULES: Sequence[RowErrorRule] = get_args(RowErrorRule)
COLUMNS: Sequence[RowErrorColumn] = get_args(RowErrorColumn)

_TONES = {
    "present": "good",
    "left": "calm",
    "absent": "bad",
    "on_leave": "quiet",
    "off": "quiet",
    "no_shift": "quiet",
    "expected": "calm",
}
_FIRST: Sequence[WorkingDayStatus] = (
    "absent",
    "present",
    "left",
    "expected",
    "on_leave",
    "off",
    "no_shift",
)
_LARGEST_FILE = 1_000_000
_ONE_MINUTE_S = 60
_PICK = '(event) => runMethod(event.currentTarget.dataset.picks, "pickFiles", [])'
_SPARE_PRESENCES = 1
_OWN_FRESH_S = 10.0

Found = tuple[OwnAttendance | None, list[WorkingDayView], list[LeaveDetail]]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one's own week; below it, for managers, the working days of the store's staff."""
    day = chosen_day(ctx)
    signs, manages = ctx.may(ManagementApi.sign_in), ctx.may(ManagementApi.list_attendance)

    async def fetch() -> Found:
        own = await _own_attendance(ctx) if signs else None
        listed = (
            await ctx.shared(
                f"attendance {day}",
                lambda: ctx.services.management.list_attendance(ctx.store.id, first_day=day),
            )
            if manages
            else []
        )
        return own, listed, await ask_leave(ctx) if ctx.may(ManagementApi.list_leave) else []

    def render(found: Found, renderer: PartialRenderer) -> None:
        own, listed, leave = found
        if own:
            renderer.section("own", partial(_own, ctx), own)
            mine = [each for each in leave if each.person_id == ctx.person.subject]
            renderer.section("leave", partial(own_leave, ctx), mine)
        if ctx.may(ManagementApi.approve_leave):
            waiting = awaiting_decision(ctx, leave)
            renderer.section("decide", partial(leave_to_decide, ctx), waiting)
        if manages:
            with renderer.frame("store", box, "staff-of-day"):
                renderer.section("head", partial(_store_head, ctx, day), _counted(listed))
                _store(ctx, listed, renderer)

    await live(ctx, fetch, render)


async def _own_attendance(ctx: PageContext) -> OwnAttendance:
    """Return one's own week, asked again after a change here, otherwise seldom: no other person
    signs in or out for one.
    """
    return await ctx.shared(
        f"attendance of {ctx.person.subject}",
        lambda: ctx.services.management.own_attendance(ctx.store.id),
        _OWN_FRESH_S,
    )


def _own(ctx: PageContext, own: OwnAttendance) -> None:
    t, zone = ctx.t, ctx.store.timezone
    api, attempt = ctx.services.management, new_attempt()
    command = api.sign_out if own.signed_in_since else api.sign_in

    async def sign() -> None:
        await send_now(ctx, lambda: command(ctx.store.id, idempotency_key=attempt))

    with panel(t("My attendance"), "own-attendance"):
        with box("sign-line"):
            button(
                t("Sign out of work") if own.signed_in_since else t("Sign in to work"),
                sign,
                name="sign",
                kind="main",
            )
            since = own.signed_in_since and formats.clock(own.signed_in_since, zone)
            told = t("Signed in since {time}", time=since) if since else t("Not signed in")
            test_id("signed-in", text(told, "card-note"))
        with box("week"):
            for day in own.days:
                _own_day(ctx, day, is_today=day.day == own.today)


def _own_day(ctx: PageContext, day: WorkingDayView, *, is_today: bool) -> None:
    with test_id(f"day-{day.day}", box("week-day today" if is_today else "week-day")):
        with box("week-head"):
            text(f"{ctx.t.code('weekday', str(day.day.isoweekday()))} {day.day:%m-%d}")
            _status(ctx, day)
        text(_presences(ctx, day.presences) or _planned(ctx, day), "number")
        _marks(ctx, day)


def _store_head(
    ctx: PageContext, day: date, counts: Sequence[tuple[WorkingDayStatus, int]]
) -> None:
    text(ctx.t("Staff of the day"), "section-title")
    with box("toolbar"):
        day_choice(ctx, day)
        for status, count in counts:
            badge(f"{ctx.t.code('attendance', status)} {count}", _TONES[status])
        if ctx.may(ManagementApi.import_attendance):
            button(
                ctx.t("Upload machine file…"),
                partial(_file_dialog, ctx),
                name="upload-attendance",
            )


def _counted(days: Sequence[WorkingDayView]) -> list[tuple[WorkingDayStatus, int]]:
    counts = [(status, sum(day.status == status for day in days)) for status in STATUSES]
    return [(status, count) for status, count in counts if count]


def _store(ctx: PageContext, days: Sequence[WorkingDayView], renderer: PartialRenderer) -> None:
    t = ctx.t
    if not days:
        renderer.section("none", empty, t("Nobody has a post in this store on that day."))
        return
    headings = [t("Person"), t("Status"), t("Shift"), t("Signed in and out"), t("Attended"), "", ""]
    with renderer.frame("staff", table, headings):
        for day in sorted(days, key=_urgency):
            renderer.section(f"{day.person_id} {day.day}", partial(_staff_row, ctx), day)


def _urgency(day: WorkingDayView) -> tuple[bool, int]:
    """Return what a manager has to look at first: missed sign-outs, then who is absent."""
    return not day.auto_closed, _FIRST.index(day.status)


def _staff_row(ctx: PageContext, day: WorkingDayView) -> None:
    with test_id(f"attendance-{day.person_id}", row()):
        cell(ctx.colleague(day.person_id))
        with cell_box():
            _status(ctx, day)
        for value in (
            _planned(ctx, day),
            _presences(ctx, day.presences),
            ctx.t("{hours} hours", hours=f"{day.attended_s / 3600:,.1f}") if day.attended_s else "",
        ):
            with cell_box("number"):
                if value:
                    text(value)
        with cell_box():
            _marks(ctx, day)
        with cell_box("cell-actions"):
            if ctx.may(ManagementApi.correct_attendance):
                button(
                    ctx.t("Correct…"),
                    partial(_correct_dialog, ctx, day),
                    name=f"correct-{day.person_id}",
                    kind="small",
                )


def _status(ctx: PageContext, day: WorkingDayView) -> None:
    badge(ctx.t.code("attendance", day.status), _TONES[day.status])


def _marks(ctx: PageContext, day: WorkingDayView) -> None:
    """Show what stands out of a working day."""
    t = ctx.t
    with box("card-tags"):
        if day.auto_closed:
            badge(t("Missed sign-out"), "bad")
        for seconds, label, tone in (
            (day.late_s, t("Late"), "warn"),
            (day.early_leave_s if day.status == "left" else 0, t("Left early"), "warn"),
            (day.overtime_s, t("Overtime"), "busy"),
        ):
            if seconds >= _ONE_MINUTE_S:
                badge(f"{label} {seconds / _ONE_MINUTE_S:,.0f} {t('minutes')}", tone)
        if day.source != "signed":
            badge(t.code("attendance_source", day.source), "quiet")


def _planned(ctx: PageContext, day: WorkingDayView) -> str:
    if day.shift_start is None:
        return ""
    return formats.span(day.shift_start, day.shift_finish, ctx.store.timezone)


def _presences(ctx: PageContext, presences: Sequence[PresenceView]) -> str:
    return ctx.t.listed(
        "–".join(
            formats.clock(moment, ctx.store.timezone) if moment else ""
            for moment in (each.signed_in_at, each.signed_out_at)
        )
        for each in presences
    )


async def _correct_dialog(ctx: PageContext, day: WorkingDayView) -> None:
    """Ask for the right times of a working day, and why; show earlier corrections."""
    t, api = ctx.t, ctx.services.management
    with dialog(f"{ctx.colleague(day.person_id)} · {day.day}", wide=True) as opened:
        if day.shift_start:
            facts([(t("Shift"), _planned(ctx, day))])
        earlier = box("corrections")
        form = Form(ctx, day.version)
        fields = [
            _presence_fields(form, number, each)
            for number, each in enumerate([*day.presences, *[None] * _SPARE_PRESENCES])
        ]
        text(t("Empty lines do not count; without any time, the person was away."), "hint")
        reason = form.field("reason", ui.input(t("Reason")))

        def correct() -> Awaitable[WorkingDayView]:
            presences = [
                PresenceGiven(
                    signed_in_at=moment_of(form, begin),
                    signed_out_at=moment_of(form, end) if end.value else None,
                )
                for begin, end in fields
                if begin.value
            ]
            return api.correct_attendance(
                ctx.store.id,
                day.person_id,
                day.day,
                CorrectAttendanceRequest(
                    version=form.version, presences=presences, reason=reason.value
                ),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("reason"):
                await submit(form, opened, correct)

        dialog_actions(form, opened, t("Correct"), send)
    found = await form.send(lambda: api.get_attendance(ctx.store.id, day.person_id, day.day))
    with earlier:
        _corrections(ctx, found)


def _presence_fields(
    form: Form, number: int, presence: PresenceView | None
) -> tuple[ui.input, ui.input]:
    t, name = form.ctx.t, f"presences.{number}"
    with box("fields"):
        begin = moment_field(
            form,
            f"{name}.signed_in_at",
            t("Signed in"),
            presence.signed_in_at if presence else None,
        )
        end = moment_field(
            form,
            f"{name}.signed_out_at",
            t("Signed out"),
            presence.signed_out_at if presence else None,
        )
    return begin, end


def _corrections(ctx: PageContext, found: CorrectedDayView | None) -> None:
    corrections: Sequence[CorrectionView] = found.corrections if found else ()
    for each in corrections:
        with test_id("correction", box("state-line")):
            change = (_presences(ctx, each.before), _presences(ctx, each.after))
            text(" → ".join(part or formats.NOTHING for part in change), "number")
            at = formats.day_and_clock(each.corrected_at, ctx.store.timezone, ctx.now())
            text(f"{ctx.colleague(each.corrected_by)} · {at} · {each.reason or ''}", "card-note")


def _file_dialog(ctx: PageContext) -> None:
    """Choose the file of an attendance machine, and show the errors of its rows."""
    t = ctx.t
    with dialog(t("File of the attendance machine"), wide=True) as opened:
        text(
            t("CSV in UTF-8 or GBK with the columns person_id, date, time and, if known, in_out."),
            "hint",
        )
        form = Form(ctx)
        result = test_id("file-result", box("file-result"))

        async def read(event: events.UploadEventArguments) -> None:
            content = await event.file.read()
            result.clear()
            form.say("")
            try:
                found = await ctx.services.management.import_attendance(
                    ctx.store.id, content, idempotency_key=form.attempt
                )
            except ApiError as error:
                form.say(error_text(t, error))
            except ServiceUnavailableError as unavailable:
                form.say(unavailable_text(t, unavailable))
            else:
                form.attempt = new_attempt()
                with result:
                    _file_result(ctx, found)
                await ctx.changed()
            made.reset()

        made = ui.upload(
            on_upload=read,
            on_rejected=lambda: form.say(t("The file is larger than 1 MB.")),
            max_file_size=_LARGEST_FILE,
            auto_upload=True,
        ).props('accept=".csv,.txt,text/csv"')
        test_id("attendance-file", made.classes("picker"))
        with dialog_foot(form):
            button(t("Close"), opened.close, name="dialog-cancel")
            pick = ui.button(t("Choose file"), icon="upload_file", color=None)
            pick.props("no-caps unelevated").classes("button button-main")
            pick.props["data-picks"] = made.id
            pick.on("click", js_handler=_PICK)


def _file_result(ctx: PageContext, found: ImportAttendanceResponse) -> None:
    t = ctx.t
    if not found.errors:
        badge(t("Taken over"), "good")
        facts(
            [
                (t("Rows"), str(found.rows)),
                (t("Days changed"), str(found.changed)),
                (t("Days unchanged"), str(found.unchanged)),
                (t("Days kept as recorded"), str(found.kept)),
            ]
        )
        return
    badge(t("Nothing was changed"), "bad")
    text(t("{count} errors", count=found.error_count), "card-note")
    with table([t("Row"), t("Column"), t("Value"), t("Error"), t("For example")]):
        for error in found.errors:
            with test_id(f"row-{error.row}", row()):
                cell(str(error.row), "number")
                cell(t.code("attendance_column", error.column))
                cell(error.value)
                cell(t.code("attendance_row", error.rule))
                cell(error.expected)
