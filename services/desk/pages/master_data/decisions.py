"""Decisions on versions of a record: to withdraw a future one, to end it, to put an older content
back. Each asks for its reason and says what follows before it is sent. Where another person was
first, it shows what they changed, and is sent only once the person has confirmed it.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from nicegui import ui

from services.desk.components.elements import box, button, dialog, test_id, text
from services.desk.components.forms import Form, dialog_foot, submit, who_was_first
from services.desk.components.problems import with_known
from services.desk.pages.master_data.changes import change_entry
from services.desk.pages.master_data.record import MasterRecord
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.management.models import (
    ChangeRequest,
    ChangeView,
    PutBackRequest,
    RecordResponse,
    RecordView,
)

Command = Callable[[ChangeRequest, str], Awaitable[RecordResponse]]
"""Function that sends a decision with its day and reason, under an idempotency key."""


def day_field(form: Form, today: date, day: str = "") -> ui.input:
    """Add the field for the day from which a decision holds, today or later."""
    return form.field("valid_from", day_input(form.ctx.t("Valid from"), today, day))


def day_input(label: str, today: date, day: str = "") -> ui.input:
    """Add an input for a day, today or later."""
    made = ui.input(label, value=day).props("type=date stack-label")
    made.props["min"] = today.isoformat()
    return made


class Acceptance:
    """Acceptance of what may be a mistake: a person saves the same content a second time."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._warned: Any = None

    def of(self, content: Any) -> bool:
        """Return whether the person was warned of this content."""
        return self._warned is not None and content == self._warned

    def warn(self, content: Any) -> None:
        """Say what may be a mistake, where the last try was refused for that."""
        form, t = self._form, self._form.ctx.t
        warnings = form.error.values.get("warnings", ()) if form.error else ()
        for each in warnings:
            said = t.known(f"rule.{each['rule']}") or each["detail"]
            form.warn(each["field"], with_known(t, said, each["known"]))
        if warnings:
            self._warned = content
            form.say(t("Not saved yet: what is marked may be a mistake. Save again to accept it."))


def withdraw_dialog(record: MasterRecord, view: RecordView, valid_from: str) -> None:
    """Ask why a version never begins."""
    t = record.ctx.t
    said = t("The version of {day} will never begin; the one before it goes on.", day=valid_from)
    _dialog(record, view, t("Withdraw version"), said, record.withdraw, day=valid_from)


def end_dialog(record: MasterRecord, view: RecordView) -> None:
    """Ask from when and why it holds no longer; instead of own rules, the group's hold again."""
    t = record.ctx.t
    if record.is_rules:
        said = t("From this day on, the rules of the group hold here. Nothing is deleted.")
        _dialog(record, view, t("End own rules"), said, record.end)
    else:
        said = t("From this day on, it is used no longer. Nothing is deleted.")
        _dialog(record, view, t("End"), said, record.end)


def put_back_dialog(record: MasterRecord, view: RecordView, change: ChangeView) -> None:
    """Ask from when and why the content of an earlier change holds again."""
    t, number = record.ctx.t, change.revision

    def put_back(asked: ChangeRequest, key: str) -> Awaitable[RecordResponse]:
        body = PutBackRequest(**asked.model_dump(), of_revision=number)
        return record.put_back(body, key)

    said = t("From this day on, the content of #{revision} holds again.", revision=number)
    _dialog(record, view, t("Put back"), said, put_back, begins=f"{view.today}")


def _dialog(
    record: MasterRecord,
    view: RecordView,
    title: str,
    said: str,
    command: Command,
    day: str = "",
    begins: str = "",
) -> None:
    """Ask for the reason, and for the day, first ``begins``, unless it is given."""
    t = record.ctx.t
    with dialog(f"{title} · {record.title(view)}") as opened:
        text(said, "hint")
        form = Form(record.ctx, view.version)
        chosen = None if day else day_field(form, view.today, begins)
        reason = form.field("reason", ui.textarea(t("Reason")).props("autogrow rows=2"))

        def send_command() -> Awaitable[RecordResponse]:
            valid_from = chosen.value if chosen else day
            asked = ChangeRequest.model_validate(
                {"version": form.version, "valid_from": valid_from, "reason": reason.value}
            )
            return command(asked, form.attempt)

        changed = test_id("conflict", box("conflict"))

        async def send() -> None:
            if not form.require(*(["valid_from"] if chosen else []), "reason"):
                return
            await submit(form, opened, send_command)
            if form.conflict and form.error:
                main.set_visibility(False)
                await _show_others(record, int(view.version), form.error, changed)
                with changed:
                    button(t("Confirm all the same"), send, name="confirm-record", kind="main")

        with dialog_foot(form):
            button(t("Cancel"), opened.close, name="dialog-cancel")
            main = button(title, send, name="dialog-send", kind="main")


async def _show_others(record: MasterRecord, seen: int, error: ApiError, place: ui.element) -> None:
    """Show what others have changed since the person saw the version ``seen``."""
    changes: Sequence[ChangeView] = ()
    with suppress(ApiError, ServiceUnavailableError):
        changes = await record.history()
    place.clear()
    with place:
        text(who_was_first(record.ctx, error), "section-title")
        for change in changes:
            if change.revision > seen:
                change_entry(record.ctx, change)
