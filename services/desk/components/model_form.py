"""Forms made from a model of a contract: a field for each value, rows for lists, a switch for what
may be left out.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from types import NoneType, UnionType
from typing import Any, Literal, Protocol, Union, get_args, get_origin

from nicegui import ui
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from services.desk import formats
from services.desk.components.elements import box, button, test_id, text
from services.desk.components.forms import Field, FieldT, choices, several, styled
from services.desk.i18n import Translator
from services.desk.model_words import (
    CHOICES,
    DAYS,
    KEYS,
    TIMES,
    VALUES,
    is_money,
    is_share,
    name_of,
    unit_of,
)
from shared.calls import ApiError
from shared.problems import FieldError

_INVALID = 422
_KEY = "[key]"
"""End of the path of an entry's key, as pydantic names it."""

_SEPARATORS = re.compile(r"[,，、;；\s]+")
_BETWEEN_TEXTS = re.compile(r"[,，、;；\n]+")
_NUMBER = re.compile(r"[+-]?\d{1,9}")


class Editor(Protocol):
    """Fields of one value of a model."""

    def read(self) -> Any:
        """Return the value as it was typed.

        Raises:
            ApiError: two rows have the same key.
        """

    def find(self, path: str) -> Field | None:
        """Return the field at a path inside the value."""

    def name(self, path: str) -> None:
        """Name each field by its path, which changes with the order of rows."""


@dataclass(frozen=True)
class ModelForm:
    """How values become fields.

    ``complete`` forms leave nothing out. ``by_hand`` has the editors of fields for which the model
    alone is not good enough, ``hints`` the offers for keys of dictionaries, ``offers`` the codes
    for a field with their words; an empty code stands for nothing. ``names`` say what a typed code
    means, below the field. The fields of ``order`` stand
    first and one after another; of the others, single values stand before those with parts.
    """

    t: Translator
    complete: bool
    by_hand: Mapping[str, Callable[[Any], Editor]] = field(default_factory=dict)
    hints: Mapping[str, Sequence[str]] = field(default_factory=dict)
    offers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    order: Sequence[str] = ()

    def of_model(self, model: type[BaseModel], value: Mapping[str, Any]) -> "ModelEditor":
        """Add the fields of a model."""
        return ModelEditor(self, model, value)

    def of(self, name: str, kind: Any, value: Any) -> Editor:
        """Add the fields of a value of the type ``kind``, which stands in the field ``name``."""
        if name in self.by_hand:
            return self.by_hand[name](value)
        kind, optional = _required(kind)
        if get_origin(kind) is Literal and len(get_args(kind)) == 1:
            return _Constant(get_args(kind)[0])
        if get_origin(kind) is dict:
            return _ByKey(self, name, get_args(kind)[1], value or {})
        if _is_model(kind):
            return self._part(name, kind, value, optional=optional)
        if get_origin(kind) is tuple:
            return self._several(name, kind, value, optional=optional)
        made, value_of = self._element(name, kind, value, optional=optional)
        return self._single(made, value_of, optional=optional)

    def _part(self, name: str, model: type[BaseModel], value: Any, *, optional: bool) -> Editor:
        """Add the fields of a model inside another one."""
        if optional and not self.complete:
            return _Optional(self, name, model, value)
        with box("form-group"):
            _title(self.t, name)
            return ModelEditor(self, model, value or {})

    def _several(self, name: str, kind: Any, value: Any, *, optional: bool) -> Editor:
        """Add rows of a model, or one field for a list of single values."""
        if _is_model(get_args(kind)[0]):
            return _Rows(self, name, get_args(kind)[0], value or ())
        if _is_numbers(kind):
            return self._single(*self._numbers(name, value, optional=optional), optional=optional)
        return self._single(*self._texts(name, value), optional=optional)

    def _single(self, made: Field, value_of: Callable[[Any], Any], *, optional: bool) -> Editor:
        if optional and not self.complete and not isinstance(made, ui.select):
            made.props["placeholder"], made.props["stack-label"] = self.t("As in the group"), True
        return _Scalar(made, value_of)

    def _element(
        self, name: str, kind: type, value: Any, *, optional: bool
    ) -> tuple[Field, Callable[[Any], Any]]:
        """Add the field of one value; also return how what is typed becomes the value."""
        label = name_of(self.t, name)
        if name in CHOICES or name in self.offers:
            return self._choice(name, label, value)
        if kind is bool:
            return self._yes_or_no(label, value, optional=optional and not self.complete)
        if kind in (int, float):
            return self._number(name, label, kind, value)
        made = ui.input(label, value=value or "")
        if name in TIMES:
            made.props("type=time stack-label")
        if name in DAYS:
            made.props("type=date stack-label")
        return made, _nothing_if_empty if optional else _as_typed

    def _yes_or_no(
        self, label: str, value: bool | None, *, optional: bool
    ) -> tuple[Field, Callable[[Any], Any]]:
        t = self.t
        offers = {"yes": t("Yes"), "no": t("No")}
        if optional:
            offers["group"] = t("As in the group")
        chosen = {True: "yes", False: "no", None: "group" if optional else None}[value]
        return ui.select(offers, label=label, value=chosen), {"yes": True, "no": False}.get

    def _number(
        self, name: str, label: str, kind: type, value: float | None
    ) -> tuple[Field, Callable[[Any], Any]]:
        unit = unit_of(self.t, name)
        if kind is float:
            return ui.number(label, value=value, suffix=unit), _as_typed
        if is_money(name):
            yuan = None if value is None else value / 100
            return ui.number(label, value=yuan, format="%.2f", prefix="¥", suffix=unit), _cents
        if is_share(name):
            percent = None if value is None else value / 100
            return ui.number(label, value=percent, suffix="%"), _basis_points
        return ui.number(label, value=value, suffix=unit), _whole

    def _choice(self, name: str, label: str, value: Any) -> tuple[Field, Callable[[Any], Any]]:
        """Add the choice of a code."""
        if name not in self.offers:
            word, codes = CHOICES[name]
            return ui.select(choices(self.t, word, codes), label=label, value=value), _as_typed
        offers = self.offers[name]
        given = value or ("" if "" in offers else next(iter(offers)))
        offered = {given: given, **offers}
        return ui.select(offered, label=label, value=given), _nothing_if_empty

    def _texts(self, name: str, value: Sequence[Any] | None) -> tuple[Field, Callable[[Any], Any]]:
        """Add one field for a list of codes, or of texts that are typed one after another."""
        label = name_of(self.t, name)
        if name in CHOICES:
            word, codes = CHOICES[name]
            return several(choices(self.t, word, codes), label, value or ()), list
        typed = ui.textarea(label, value=", ".join(map(str, value or ())))
        _explained(typed, self.t, self.names.get(name, {}))
        return typed.props("autogrow rows=1"), _texts_in

    def _numbers(
        self, name: str, value: Sequence[int] | None, *, optional: bool
    ) -> tuple[Field, Callable[[Any], Any]]:
        """Add one field for a list of numbers, which are typed one after another."""
        typed = ui.input(name_of(self.t, name), value=", ".join(map(str, value or ())))
        typed.props["suffix"] = unit_of(self.t, name)
        return typed, lambda given: _numbers_in(given) or (None if optional else [])


class ModelEditor:
    """Fields of a model: single values side by side, the others below."""

    def __init__(self, form: ModelForm, model: type[BaseModel], value: Mapping[str, Any]) -> None:
        self._editors: dict[str, Editor] = {}
        ordered = [name for name in form.order if name in model.model_fields]
        with box("model"):
            for has_parts, names in groupby(
                ordered, lambda name: _has_parts(form, name, model.model_fields[name].annotation)
            ):
                with box("model-parts" if has_parts else "fields"):
                    for name in names:
                        self._add(form, name, model.model_fields[name], value)
            fields, below = box("fields"), box("model-parts")
        for name, info in model.model_fields.items():
            if name not in self._editors:
                with below if _has_parts(form, name, info.annotation) else fields:
                    self._add(form, name, info, value)

    def _add(self, form: ModelForm, name: str, info: FieldInfo, value: Mapping[str, Any]) -> None:
        given = value.get(name, _default(info))
        self._editors[name] = form.of(name, info.annotation, given)

    def read(self) -> dict[str, Any]:
        return {name: editor.read() for name, editor in self._editors.items()}

    def find(self, path: str) -> Field | None:
        name, _, rest = path.partition(".")
        editor = self._editors.get(name)
        return editor.find(rest) if editor else None

    def name(self, path: str) -> None:
        for name, editor in self._editors.items():
            editor.name(f"{path}.{name}")


class _Constant:
    """Value that every model of its class has."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def read(self) -> Any:
        return self._value

    def find(self, path: str) -> Field | None:  # noqa: ARG002
        return None

    def name(self, path: str) -> None:
        pass


class _Scalar:
    """One field."""

    def __init__(self, element: Field, value_of: Callable[[Any], Any]) -> None:
        self._element = styled(element)
        self._value_of = value_of

    def read(self) -> Any:
        return self._value_of(self._element.value)

    def find(self, path: str) -> Field | None:  # noqa: ARG002
        return self._element

    def name(self, path: str) -> None:
        test_id(path, self._element).update()


class _Optional:
    """Model that may be left out, by a switch."""

    def __init__(self, form: ModelForm, name: str, model: type[BaseModel], value: Any) -> None:
        with box("form-group"):
            self._switch = ui.switch(name_of(form.t, name), value=value is not None)
            with box("model-parts") as fields:
                self._model = ModelEditor(form, model, value or {})
        fields.bind_visibility_from(self._switch, "value")

    def read(self) -> Any:
        return self._model.read() if self._switch.value else None

    def find(self, path: str) -> Field | None:
        return self._model.find(path)

    def name(self, path: str) -> None:
        test_id(f"{path}.given", self._switch).update()
        self._model.name(path)


@dataclass(frozen=True)
class _Row:
    surface: ui.element
    editor: Editor


class _Rows:
    """Rows in their order, which may be added, moved up and removed."""

    def __init__(self, form: ModelForm, name: str, kind: Any, values: Sequence[Any]) -> None:
        self._form, self._kind = form, kind
        self._path = name
        self._rows: list[_Row] = []
        with box("form-group"):
            _title(form.t, name)
            self._place = box("form-rows")
            self._add_button = button(
                form.t("Add row"), self._add_empty, name=f"{name}.add", kind="small"
            )
        for value in values:
            self._add(value)

    def read(self) -> list[Any]:
        return [row.editor.read() for row in self._rows]

    def find(self, path: str) -> Field | None:
        place, _, rest = path.partition(".")
        if not place.isdecimal() or int(place) >= len(self._rows):
            return None
        return self._rows[int(place)].editor.find(rest)

    def name(self, path: str) -> None:
        self._path = path
        test_id(f"{path}.add", self._add_button).update()
        for place, row in enumerate(self._rows):
            test_id(f"{path}.{place}", row.surface).update()
            row.editor.name(f"{path}.{place}")

    def _add_empty(self) -> None:
        self._add({})
        self.name(self._path)

    def _add(self, value: Any) -> None:
        t = self._form.t
        with self._place, box("form-row") as surface:
            row = _Row(surface, self._form.of("", self._kind, value))
            with box("row-actions"):
                up = button("↑", partial(self._move_up, row), name="up", kind="small")
                up.props["aria-label"] = up.props["title"] = t("Move up")
                out = button("×", partial(self._remove, row), name="remove", kind="small")
                out.props["aria-label"] = out.props["title"] = t("Remove row")
        self._rows.append(row)

    def _remove(self, row: _Row) -> None:
        self._rows.remove(row)
        row.surface.delete()
        self.name(self._path)

    def _move_up(self, row: _Row) -> None:
        place = self._rows.index(row)
        if place:
            self._rows.insert(place - 1, self._rows.pop(place))
            row.surface.move(target_index=place - 1)
            self.name(self._path)


@dataclass(frozen=True)
class _Entry:
    surface: ui.element
    key: Field
    editor: Editor

    @property
    def typed(self) -> str:
        return (self.key.value or "").strip()


class _ByKey:
    """Entries of a dictionary, each with its key."""

    def __init__(self, form: ModelForm, name: str, kind: Any, values: Mapping[str, Any]) -> None:
        self._form, self._kind, self._field = form, kind, name
        self._path = name
        self._entries: list[_Entry] = []
        with box("form-group"):
            _title(form.t, name)
            self._place = box("form-entries")
            self._add_button = button(
                form.t("Add entry"), self._add_empty, name=f"{name}.add", kind="small"
            )
        for key, value in values.items():
            self._add(key, value)

    def read(self) -> dict[str, Any]:
        keys = [entry.typed for entry in self._entries]
        for key in keys:
            if keys.count(key) > 1:
                twice = FieldError(
                    field=f"{self._path}.{key}.{_KEY}", rule="key_twice", message=key
                )
                raise ApiError(_INVALID, rule="key_twice", field_errors=[twice])
        return {key: entry.editor.read() for key, entry in zip(keys, self._entries, strict=True)}

    def find(self, path: str) -> Field | None:
        for entry in reversed(self._entries):
            key = entry.typed
            if path == f"{key}.{_KEY}":
                return entry.key
            if path == key:
                return entry.editor.find("") or entry.key
            if path.startswith(f"{key}."):
                return entry.editor.find(path.removeprefix(f"{key}."))
        return None

    def name(self, path: str) -> None:
        self._path = path
        test_id(f"{path}.add", self._add_button).update()
        for place, entry in enumerate(self._entries):
            test_id(f"{path}.{place}.key", entry.key).update()
            entry.editor.name(f"{path}.{place}")

    def _add_empty(self) -> None:
        self._add("", None)
        self.name(self._path)

    def _add(self, key: str, value: Any) -> None:
        t = self._form.t
        with self._place, box("form-entry") as surface:
            with box("entry-head"):
                typed = styled(self._key(key))
                made = button("×", lambda: self._remove(surface), name="remove", kind="small")
                made.props["aria-label"] = made.props["title"] = t("Remove entry")
            editor = self._form.of(self._name_of_value(), self._kind, value)
        self._entries.append(_Entry(surface, typed, editor))

    def _name_of_value(self) -> str:
        """Return the field as which a single value is shown; parts need no name of their own."""
        kind, _ = _required(self._kind)
        if get_origin(kind) is not None or _is_model(kind):
            return ""
        return VALUES.get(self._field, self._field)

    def _key(self, key: str) -> Field:
        t, label = self._form.t, self._form.t.code("rule_key", self._field)
        if self._field in KEYS:
            word, codes = KEYS[self._field]
            offers = choices(t, word, codes)
            return ui.select(offers, label=label, value=key or None)
        names = self._form.names.get(self._field, {})
        hints = list(self._form.hints.get(self._field, ()))
        return _explained(ui.input(label, value=key, autocomplete=hints), t, names)

    def _remove(self, surface: ui.element) -> None:
        self._entries = [each for each in self._entries if each.surface is not surface]
        surface.delete()
        self.name(self._path)


def _explained(element: FieldT, t: Translator, names: Mapping[str, str]) -> FieldT:
    """Show the names of typed codes below their field."""

    def explain() -> None:
        element.props["hint"] = t.listed(
            names[code] for code in _texts_in(element.value) if code in names
        )

    if names:
        explain()
        element.on_value_change(explain)
    return element


def _title(t: Translator, name: str) -> None:
    """Head the fields of a value, unless it is a row or an entry of another one."""
    if name:
        text(name_of(t, name), "section-title")
    if hint := t.known(f"rule_hint.{name}"):
        text(hint, "hint")


def _required(kind: Any) -> tuple[Any, bool]:
    """Return the type of a value that is given, and whether it may be left out."""
    if get_origin(kind) in (Union, UnionType):
        given = [each for each in get_args(kind) if each is not NoneType]
        return _plain(given[0]), len(given) < len(get_args(kind))
    return _plain(kind), False


def _plain(kind: Any) -> Any:
    """Return a type without its annotations."""
    return kind.__origin__ if hasattr(kind, "__metadata__") else kind


def _has_parts(form: ModelForm, name: str, kind: Any) -> bool:
    given, _ = _required(kind)
    has_rows = get_origin(given) is tuple and _is_model(get_args(given)[0])
    return name in form.by_hand or _is_model(given) or has_rows or get_origin(given) is dict


def _default(info: FieldInfo) -> Any:
    return None if info.is_required() else info.get_default(call_default_factory=True)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_numbers(kind: Any) -> bool:
    return get_origin(kind) is tuple and _plain(get_args(kind)[0]) is int


def _as_typed(value: Any) -> Any:
    return value


def _nothing_if_empty(value: str) -> str | None:
    return value or None


def _whole(value: float | None) -> float | None:
    return int(value) if value is not None and float(value).is_integer() else value


def _basis_points(percent: float | None) -> float | None:
    return None if percent is None else _whole(round(percent * 100, 6))


def _numbers_in(typed: str) -> list[int | str]:
    """Return the numbers of a list; what is none stays as it was typed."""
    parts = filter(None, _SEPARATORS.split(typed or ""))
    return [int(part) if _NUMBER.fullmatch(part) else part for part in parts]


def _texts_in(typed: str | None) -> list[str]:
    """Return the texts of a list; they may contain spaces."""
    return list(filter(None, (part.strip() for part in _BETWEEN_TEXTS.split(typed or ""))))


def _cents(yuan: float | None) -> int | None:
    return None if yuan is None else formats.cents(yuan)
