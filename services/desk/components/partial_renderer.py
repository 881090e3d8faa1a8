"""Live section of a page, rendered part by part."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from nicegui import ui
from nicegui.slot import Slot

Tick = Callable[[datetime], None]

EverySecond = Callable[[Tick], None]
"""Function that registers a callback for each second with the business time, while its part
exists.
"""


@dataclass
class _Section:
    """Elements on the page, the values they show, and for a frame the parts inside it."""

    shown: tuple[object, ...]
    inside: Slot
    elements: list[ui.element] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    sections: dict[str, "_Section"] = field(default_factory=dict)

    def tick(self, now: datetime) -> None:
        for each in self.ticks:
            each(now)
        for section in self.sections.values():
            section.tick(now)

    def delete(self) -> None:
        for element in self.elements:
            element.delete()


class PartialRenderer:
    """Sections by key. One that shows the same as before, on the same day and with the same names,
    stays as it is, even under the mouse pointer; others are added, redrawn or removed. All stand in
    the order in which they are drawn.

    A part shows nothing but the values that it is drawn with, the day and names; what its handlers
    need to know besides, they ask when they run. Only frames have parts inside, each with its own
    key.
    """

    def __init__(self, container: ui.element) -> None:
        self._whole = _Section((), container.default_slot)
        self._drawn = self._whole
        self._before: dict[str, _Section] = {}
        self._as_of: tuple[object, ...] = ()

    @contextmanager
    def anew(self, day: date, directory: str = "") -> Iterator[None]:
        """Draw all parts once more; on another ``day`` times read differently, by another
        ``directory`` names do.
        """
        self._as_of = (day, directory)
        with self._inside(self._whole):
            yield

    def section(self, key: str, draw: Callable[..., Any], *shown: object) -> None:
        """Run ``draw(*shown)``, unless the part shows just that already."""
        if not self._stands(key, (*self._as_of, *shown)):
            with self._new(key, (*self._as_of, *shown)):
                draw(*shown)

    @contextmanager
    def frame(
        self, key: str, draw: Callable[..., AbstractContextManager[Any]], *shown: object
    ) -> Iterator[None]:
        """Add a part around others, which the block draws; ``draw(*shown)`` is entered for them."""
        if not self._stands(key, (*self._as_of, *shown)):
            with self._new(key, (*self._as_of, *shown)) as section, draw(*shown):
                section.inside = ui.context.slot
        with self._inside(self._drawn.sections[key]):
            yield

    def every_second(self, tick: Tick) -> None:
        """Run ``tick`` each second while the part that is being drawn exists."""
        self._drawn.ticks.append(tick)

    def tick(self, now: datetime) -> None:
        """Run the callbacks of every part; called each second."""
        self._whole.tick(now)

    def _stands(self, key: str, shown: tuple[object, ...]) -> bool:
        """Keep the part of that key if it shows the same; otherwise remove it."""
        known = self._before.pop(key, None)
        if known and known.shown == shown:
            self._drawn.sections[key] = known
            return True
        if known:
            known.delete()
        return False

    @contextmanager
    def _new(self, key: str, shown: tuple[object, ...]) -> Iterator[_Section]:
        """Add a part with the elements that the block adds to the page."""
        around, slot = self._drawn, ui.context.slot
        count = len(slot.children)
        self._drawn = section = around.sections[key] = _Section(shown, slot)
        try:
            yield section
        finally:
            self._drawn = around
            section.elements = slot.children[count:]

    @contextmanager
    def _inside(self, section: _Section) -> Iterator[None]:
        """Draw in ``section``; remove the parts that are not drawn again, and order the others."""
        around, before = self._drawn, self._before
        self._drawn, self._before, section.sections = section, section.sections, {}
        try:
            with section.inside:
                yield
        finally:
            for gone in self._before.values():
                gone.delete()
            _put_in_order(section)
            self._drawn, self._before = around, before


def _put_in_order(section: _Section) -> None:
    ordered = [element for each in section.sections.values() for element in each.elements]
    standing = section.inside.children
    first = len(standing) - len(ordered)
    for place, element in enumerate(ordered, first):
        if standing[place] is not element:
            element.move(target_index=place)
