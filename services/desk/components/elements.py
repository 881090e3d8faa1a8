"""Small building blocks with the desk's own look."""

from asyncio import iscoroutine
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from nicegui import ui

Handler = Callable[[], Any]
ElementT = TypeVar("ElementT", bound=ui.element)


def box(classes: str) -> ui.element:
    """Add a block with style classes."""
    return ui.element("div").classes(classes)


def text(value: str, classes: str = "") -> ui.label:
    """Add plain text."""
    return ui.label(value).classes(classes)


def test_id(name: str, element: ElementT) -> ElementT:
    """Name an element for tests and for people who automate the desk."""
    element.props["data-testid"] = name
    return element


def badge(value: str, tone: str) -> ui.label:
    """Add a short state in its color: ``calm``, ``busy``, ``good``, ``warn``, ``bad`` or
    ``quiet``.
    """
    return text(value, f"badge tone-{tone}")


def link(value: str, address: str, classes: str = "") -> ui.link:
    """Add a link to another page."""
    return ui.link(value, address).classes(classes)


def button(value: str, handler: Handler, *, name: str, kind: str = "plain") -> ui.button:
    """Add a button of kind ``main``, ``plain`` or ``small``; it is disabled while its handler
    runs.
    """

    async def pressed() -> None:
        made.disable()
        try:
            result = handler()
            if iscoroutine(result):
                await result
        finally:
            if not made.is_deleted:
                made.enable()

    made = ui.button(value, on_click=pressed, color=None).props("no-caps unelevated")
    made.classes(f"button button-{kind}")
    test_id(name, made)
    return made


@contextmanager
def panel(
    title: str = "", classes: str = "", *, number: int | None = None, name: str = ""
) -> Iterator[ui.element]:
    """Add a titled surface; ``number`` is its place in a sequence of steps, ``name`` its test
    id.
    """
    with box(f"panel {classes}") as surface:
        if name:
            test_id(name, surface)
        if title:
            with box("panel-title"):
                if number:
                    text(str(number), "panel-number")
                text(title)
        yield surface


class _Rows(ui.element):
    """Body of a table, which knows the heading above each cell."""

    def __init__(self, headings: Sequence[str]) -> None:
        super().__init__("tbody")
        self.headings = headings


@contextmanager
def table(headings: Sequence[str], numeric: Collection[str] = ()) -> Iterator[None]:
    """Add a table with its headings, ``numeric`` ones to the right; the block adds :func:`row`.

    Where it is too narrow for a table, each row is a block of cells with their headings.
    """
    with box("table-scroll"), ui.element("table").classes("table"):
        with ui.element("thead"), ui.element("tr"):
            for heading in headings:
                with ui.element("th").classes("figure" if heading in numeric else ""):
                    text(heading)
        with _Rows(headings):
            yield


def row(classes: str = "") -> ui.element:
    """Add a row of a table."""
    return ui.element("tr").classes(classes)


def cell(value: str, classes: str = "") -> ui.label:
    """Add a cell that holds text."""
    with cell_box(classes):
        return text(value)


def cell_box(classes: str = "") -> ui.element:
    """Add a cell that holds other elements."""
    made = ui.element("td").classes(classes)
    line = ui.context.slot.parent
    rows = line.parent_slot and line.parent_slot.parent
    if isinstance(rows, _Rows):
        heading = rows.headings[len(line.default_slot.children) - 1]
        made.props["data-heading"] = heading
    return made


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Show names and values, side by side."""
    with ui.element("dl").classes("facts"):
        for name, value in pairs:
            with box("fact"):
                with ui.element("dt"):
                    text(name)
                with ui.element("dd"):
                    text(value)


def empty(value: str) -> None:
    """Show a text where there are no entries."""
    with box("empty"):
        ui.icon("inbox")
        text(value)


@contextmanager
def dialog(title: str, *, wide: bool = False) -> Iterator[ui.dialog]:
    """Open a dialog above the page; it outlives the section of the page that asked for it."""
    surface = "dialog wide" if wide else "dialog"
    with ui.context.client.content, ui.dialog() as opened, box(surface):
        text(title, "dialog-title")
        yield opened
    opened.on("hide", opened.delete)
    opened.open()
