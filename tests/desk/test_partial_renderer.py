"""Parts of a page that stay, and parts that are redrawn, when it follows the services."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nicegui import Client, ui

from services.desk.components.elements import box, text
from services.desk.components.partial_renderer import PartialRenderer

TODAY, TOMORROW = date(2026, 3, 4), date(2026, 3, 5)

Rows = dict[str, int]

rows = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 2)).flatmap(
    lambda made: st.permutations(list(made.items())).map(dict)
)


@pytest.fixture(scope="module")
def page() -> Iterator[None]:
    """Yield a page without a viewer."""
    with Client(ui.page("/drawing")):
        yield


class Table:
    """Rows under a heading, and above them their number."""

    def __init__(self) -> None:
        self.surface = box("")
        self.renderer = PartialRenderer(self.surface)
        self.ticked: list[str] = []

    def show(self, shown: Rows, day: date = TODAY) -> None:
        with self.renderer.anew(day):
            self.renderer.section("count", text, str(len(shown)))
            with self.renderer.frame("rows", self._frame):
                for key, value in shown.items():
                    self.renderer.section(key, self._row, key, value)

    def _frame(self) -> ui.element:
        with box("") as made:
            text("heading")
        return made

    def _row(self, key: str, value: int) -> None:
        text(f"{key}{value}")
        self.renderer.every_second(lambda _: self.ticked.append(f"{key}{value}"))

    @property
    def labels(self) -> list[ui.label]:
        """Return the texts under the heading."""
        (_, frame) = self.surface.default_slot.children
        return [each for each in frame.default_slot.children if isinstance(each, ui.label)][1:]


@settings(deadline=None)
@given(st.lists(rows, min_size=1, max_size=6))
def test_page_updates_only_changed_elements(page: None, responses: list[Rows]) -> None:
    table, before = Table(), dict[str, ui.label]()
    for response in responses:
        table.show(response)
        written = [f"{key}{value}" for key, value in response.items()]
        standing = {label.text: label for label in table.labels}
        assert list(standing) == written
        for same in standing.keys() & before.keys():
            assert standing[same] is before[same]
        for gone in before.keys() - standing.keys():
            assert before[gone].is_deleted
        before = standing
        table.ticked.clear()
        table.renderer.tick(datetime.min.replace(tzinfo=UTC))
        assert table.ticked == written


def test_page_is_rendered_again_on_another_day(page: None) -> None:
    table = Table()
    table.show({"a": 1})
    (before,) = table.labels
    table.show({"a": 1}, TOMORROW)
    assert before.is_deleted
    assert [label.text for label in table.labels] == ["a1"]
