"""Content of master data for reading: named values, lists as tables, templates side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.desk.components.elements import box, cell, facts, row, table, text
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.model_words import VALUES, is_money, name_of, named, unit_of, value_in_words
from services.desk.pages.master_data.contents import Content
from services.desk.pages.master_data.templates import show_templates

_TEMPLATES = "templates"
_KIND = "kind"
_COST = "cost_cents"
_FINDING = "finding"


def show_content(ctx: PageContext, content: Content, absent: str) -> None:
    """Show all values of the content of a record that the person sees; ``absent`` stands for those
    left out.
    """
    hidden = {_COST} if getattr(content, _COST, 0) is None else set[str]()
    values: dict[str, Any] = content.model_dump(mode="json", exclude={_KIND, *hidden})
    templates = values.pop(_TEMPLATES, None)
    single = {name: each for name, each in values.items() if _is_single(each)}
    spans = {name: each for name, each in values.items() if _is_flat(each)}
    facts(
        [
            (name_of(ctx.t, name), absent if each is None else value_in_words(ctx, name, each))
            for name, each in single.items()
        ]
        + [
            (name_of(ctx.t, name), " – ".join(each.values()) or NOTHING)
            for name, each in spans.items()
        ]
    )
    for name, each in values.items():
        if name in single or name in spans:
            continue
        if isinstance(each, list):
            _rows(ctx, name_of(ctx.t, name), each)
        elif all(isinstance(part, int) for part in each.values()):
            _by_key(ctx, name, each)
        else:
            for key, rows in each.items():
                _rows(ctx, f"{name_of(ctx.t, name)} · {key}", rows)
    if templates is not None:
        show_templates(ctx, templates)


def _by_key(ctx: PageContext, name: str, values: Mapping[str, int]) -> None:
    text(name_of(ctx.t, name), "section-title")
    facts(
        [
            (named(ctx, name, key), value_in_words(ctx, VALUES.get(name, name), each))
            for key, each in values.items()
        ]
    )


def _is_single(value: Any) -> bool:
    """Return whether a value is shown in one line: one value, or a list of such."""
    if isinstance(value, list):
        return not any(isinstance(each, dict | list) for each in value)
    return not isinstance(value, dict)


def _is_flat(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _rows(ctx: PageContext, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    text(title, "section-title")
    if not rows:
        return
    if not all(map(_is_single, rows[0].values())):
        for each in rows:
            _with_parts(ctx, each)
        return
    names = {name: name_of(ctx.t, name) for name in rows[0]}
    numeric = [names[name] for name in names if type(rows[0][name]) is int or is_money(name)]
    with table(list(names.values()), numeric):
        for each in rows:
            with row():
                for name, value in each.items():
                    is_number = names[name] in numeric or unit_of(ctx.t, name)
                    cell(_in_row(ctx, name, value), "figure" if is_number else "")


def _with_parts(ctx: PageContext, values: Mapping[str, Any]) -> None:
    """Show a row that has rows of its own."""
    with box("form-entry"):
        single = {name: each for name, each in values.items() if _is_single(each)}
        facts(
            [
                (name_of(ctx.t, name), value_in_words(ctx, name, each))
                for name, each in single.items()
            ]
        )
        for name, each in values.items():
            if name not in single:
                _rows(ctx, name_of(ctx.t, name), each)


def _in_row(ctx: PageContext, name: str, value: Any) -> str:
    if name == _FINDING and value is None:
        return ctx.t("All other findings")
    return value_in_words(ctx, name, value)
