"""Forms that keep the input; each error stands beside its field."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement
from nicegui.events import GenericEventArguments
from pydantic import ValidationError

from services.desk import formats
from services.desk.client import invalid_request, new_attempt
from services.desk.components.elements import Handler, box, button, test_id, text
from services.desk.components.problems import error_text, field_error_text, unavailable_text
from services.desk.context import PageContext
from services.desk.i18n import Translator
from services.desk.session import SignedOutError
from shared.calls import ApiError, ServiceUnavailableError

T = TypeVar("T")
_CONFLICT = "version_conflict"
_SHOW_PROBLEM = (
    "setTimeout(() => {"
    'const found = document.querySelector(".record-form .conflict:not(:empty), '
    '.record-form .q-field--error, .record-form .warned");'
    'found?.scrollIntoView({block: "center"});'
    'found?.querySelector("input, textarea")?.focus({preventScroll: true});'
    "}, 200)"
)
_GO_ON = '(event) => runMethod(event.target.dataset.next, "focus", [])'

Field = ValidationElement[Any]
FieldT = TypeVar("FieldT", bound=Field)


class Part(Protocol):
    """Part of a form that has fields of its own, such as rows."""

    def find(self, path: str) -> Field | None:
        """Return the field at a path inside the part."""


class Form:
    """Fields by the name that the service gives them, and one attempt until it succeeds.

    ``error`` is the service's response to the last try if it refused. ``version`` is that of the
    entry that the form changes: when another user changed it first, the input stays, the page
    around it shows the present state, and the next try is made for that.
    """

    def __init__(self, ctx: PageContext, version: str = "") -> None:
        self.ctx = ctx
        self.version = version
        self.attempt = new_attempt()
        self.error: ApiError | None = None
        self._fields: dict[str, Field] = {}
        self._parts: dict[str, Part] = {}
        self._marked: list[Field] = []
        self._shown: list[tuple[ui.element, Callable[[], None]]] = []
        self._place = box("form-says")
        with self._place:
            self._message = text("", "form-message")
        self._message.set_visibility(False)

    def field(self, name: str, element: FieldT) -> FieldT:
        """Add ``element`` as the field ``name``."""
        self._fields[name] = element
        return test_id(name, styled(element))

    def part(self, name: str, part: Part) -> None:
        """Add all fields of ``part``, whose paths begin with ``name``."""
        self._parts[name] = part

    def require(self, *names: str) -> bool:
        """Return whether the named fields are filled in; mark those that are not."""
        self._unmark()
        missing = [name for name in names if self._fields[name].value in (None, "", [])]
        for name in missing:
            self._mark(self._fields[name], self.ctx.t("Please fill this in."))
        return not missing

    async def send(self, action: Callable[[], Awaitable[T]]) -> T | None:
        """Return the response of ``action``; None when it failed, with the reasons shown."""
        self.say("")
        self._unmark()
        self.error = None
        try:
            response = await _checked(action)
        except ApiError as error:
            self.error = error
            self._explain(error)
            if self.conflict:
                self.version = error.values["version"]
                await self.ctx.changed()
                for place, draw in self._shown:
                    place.clear()
                    with place:
                        draw()
        except ServiceUnavailableError as unavailable:
            self.say(unavailable_text(self.ctx.t, unavailable))
        except SignedOutError:
            ui.navigate.to("/sign-in")
        else:
            self.attempt = new_attempt()
            return response
        return None

    def show(self, draw: Callable[[], None]) -> None:
        """Show the entry that the person decides on here, and its present state after a
        conflict.
        """
        self._shown.append((box("shown"), draw))
        with self._shown[-1][0]:
            draw()

    @property
    def conflict(self) -> bool:
        """Whether another user had changed the entry that the form changes."""
        return self.error is not None and self.error.rule == _CONFLICT

    def warn(self, path: str, sentence: str) -> None:
        """Show beside its field what may be a mistake in accepted input, until it changes."""
        element = self._named(path)
        if element is None:
            self.say(sentence)
            return
        element.props["hint"] = sentence
        element.classes("warned")

        def clear() -> None:
            element.props.pop("hint", None)
            element.classes(remove="warned")

        element.on_value_change(clear)

    def speak_here(self) -> None:
        """Place the message about the form as a whole here, where it moves nothing."""
        self._place.move(ui.context.slot.parent)

    def say(self, message: str) -> None:
        """Show one sentence, or none."""
        self._message.set_text(message)
        self._message.set_visibility(bool(message))

    def show_problem(self) -> None:
        """Scroll to the first field with an error, and say by the button that there are such."""
        if self._marked and not self._message.text:
            self.say(self.ctx.t("Please correct the marked fields."))
        ui.run_javascript(_SHOW_PROBLEM)

    def _mark(self, element: Field, sentence: str) -> None:
        element.error = sentence
        self._marked.append(element)

    def _unmark(self) -> None:
        """Remove the errors of the last try."""
        for element in self._marked:
            element.error = None
        self._marked.clear()

    def _named(self, path: str) -> Field | None:
        """Return the field that a path such as ``customer.plate`` or ``parts.0.quantity`` names."""
        if path in self._fields:
            return self._fields[path]
        for name, part in self._parts.items():
            if path.startswith(f"{name}."):
                return part.find(path.removeprefix(f"{name}."))
        known = (part for part in reversed(path.split(".")) if part in self._fields)
        return self._fields.get(next(known, ""))

    def _explain(self, error: ApiError) -> None:
        t, elsewhere, first = self.ctx.t, [], who_was_first(self.ctx, error)
        for field_error in error.field_errors:
            element = self._named(field_error.field)
            sentence = f"{field_error_text(t, field_error, error)} {first}".rstrip()
            if element is None:
                elsewhere.append(sentence)
            else:
                self._mark(element, sentence)
        if elsewhere or not error.field_errors:
            self.say(" ".join(elsewhere) or error_text(t, error))


def styled(element: FieldT) -> FieldT:
    """Give a field its look; its error lasts until the value changes."""
    element.classes("field").props("outlined dense bottom-slots")
    element.on_value_change(lambda: setattr(element, "error", None))
    return element


def choices(t: Translator, kind: str, codes: Iterable[str]) -> dict[str, str]:
    """Add a choice of coded values, in words."""
    return {code: t.code(kind, code) for code in codes}


def several(options: dict[str, str], label: str, value: Sequence[str] = ()) -> ui.select:
    """Add a choice of several, found by typing; the typed text is cleared when an entry is
    chosen.
    """
    made = ui.select(options, label=label, multiple=True, with_input=True, value=list(value))
    made.props("use-chips input-debounce=100")
    made.on_value_change(lambda: made.run_method("updateInputValue", ""))
    return made


Find = Callable[[str], Awaitable[Mapping[str, str]]]
"""Function that returns the labels of the entries that a typed text finds, by their codes."""


class FoundChoice(ui.select):
    """Choice of several, or of one, among more entries than a page can hold: found by typing.

    Entries once found stay in their places, so that a click takes the entry that was under it. A
    whole code that is scanned, or typed and confirmed, is taken at once.
    """

    def __init__(
        self,
        t: Translator,
        label: str,
        find: Find,
        label_of: Callable[[str], str],
        value: Sequence[str] = (),
        *,
        most: int | None = None,
    ) -> None:
        self._known = {code: label_of(code) for code in value}
        super().__init__(
            self._known, label=label, multiple=True, with_input=True, value=list(value)
        )
        self._find = find
        self._label_of = label_of
        self._most = most
        self.props("use-chips input-debounce=100")
        self.on_value_change(self._make_room)
        self.on("focus", self._offer_first)
        self.on("input-value", self._offer, throttle=0.15, leading_events=False)
        self.on("keydown.enter", self._take, js_handler="(event) => emit(event.target.value)")
        with self.add_slot("no-option"):
            text(t("Nothing found."), "hint no-option")

    def choose(self, codes: Iterable[str]) -> None:
        """Add entries to those that are chosen, in their order."""
        chosen = list(dict.fromkeys([*self.value, *codes]))
        self._extend({code: self._label_of(code) for code in chosen})
        self.set_value(chosen)

    def _make_room(self) -> None:
        """Clear what was typed; of more entries than may be chosen, keep those chosen last."""
        self.run_method("updateInputValue", "")
        if self._most and len(self.value) > self._most:
            self.set_value(self.value[-self._most :])

    async def _offer_first(self) -> None:
        self._extend(await self._find(""))

    async def _offer(self, event: GenericEventArguments) -> None:
        if typed := str(event.args or "").strip():
            self._extend(await self._find(typed))

    async def _take(self, event: GenericEventArguments) -> None:
        typed = str(event.args or "").strip()
        found = await self._find(typed) if typed else {}
        self.choose(code for code in found if code.lower() == typed.lower())

    def _extend(self, found: Mapping[str, str]) -> None:
        if not found.keys() <= self._known.keys():
            self._known = {**self._known, **found}
            self.set_options(self._known)


def moment_field(form: Form, name: str, label: str, at: datetime | None) -> ui.input:
    """Add a field for a day and a time on the store's clocks."""
    value = at and formats.local(at, form.ctx.store.timezone)
    return form.field(name, ui.input(label, value=value or "").props("type=datetime-local"))


def moment_of(form: Form, field: ui.input) -> datetime:
    """Return the value of a :func:`moment_field` that is filled in."""
    return datetime.fromisoformat(field.value or "").replace(tzinfo=form.ctx.store.timezone)


def enter_goes_on(*fields: ui.element) -> None:
    """Move to the next field on Enter; the browser does it, as fast as a scanner types."""
    for here, there in pairwise(fields):
        here.props["data-next"] = there.id
        here.on("keydown.enter.exact.prevent", js_handler=_GO_ON)


async def send_now(
    ctx: PageContext, command: Callable[[], Awaitable[object]], *, then_open: str = ""
) -> bool:
    """Send a command that a single button stands for; show the reason when it fails.

    Afterwards this page shows the change, or another is opened; after a conflict with another user,
    it shows the present state.
    """
    try:
        await command()
    except ApiError as error:
        first = who_was_first(ctx, error)
        said = f"{error_text(ctx.t, error)} {first}".rstrip()
        ui.notify(said, type="negative", position="top")
        if error.rule == _CONFLICT:
            await ctx.changed()
        return False
    except ServiceUnavailableError as unavailable:
        ui.notify(unavailable_text(ctx.t, unavailable), type="negative", position="top")
        return False
    if then_open:
        ctx.app_context.response_cache.drop(ctx.store.id)
        ui.navigate.to(then_open)
    else:
        await ctx.changed()
    return True


async def _checked(command: Callable[[], Awaitable[T]]) -> T:
    """Send a command; input that no body can hold is refused as the service would refuse it."""
    try:
        return await command()
    except ValidationError as error:
        raise invalid_request(error) from error


def who_was_first(ctx: PageContext, error: ApiError) -> str:
    """Return who made the conflicting change, if the conflict names a person; changes by time name
    none.
    """
    by, at = (error.values.get(name) for name in ("by", "at"))
    if at is None or (by is None and error.rule != _CONFLICT):
        return ""
    name = ctx.colleague(by) if by else ctx.t("The system")
    time = formats.clock(datetime.fromisoformat(at), ctx.store.timezone)
    return ctx.t("{name} already changed this at {time}.", name=name, time=time)


async def submit(form: Form, opened: ui.dialog, command: Callable[[], Awaitable[T]]) -> T | None:
    """Send the command of a dialog and close it; return the response, or None when it failed."""
    response = await form.send(command)
    if response is not None:
        await form.ctx.changed()
        opened.close()
    return response


@contextmanager
def dialog_foot(form: Form) -> Iterator[None]:
    """Add the foot of a dialog: buttons, and beside them the message of its form."""
    with box("dialog-actions"):
        form.speak_here()
        yield


def dialog_actions(form: Form, opened: ui.dialog, label: str, send: Handler) -> None:
    """Add the usual foot of a dialog."""
    with dialog_foot(form):
        button(form.ctx.t("Cancel"), opened.close, name="dialog-cancel")
        button(label, send, name="dialog-send", kind="main")
