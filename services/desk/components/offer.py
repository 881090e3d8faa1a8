"""What a customer is asked to authorise (授权), item by item, with what they choose of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import badge, box, mark, text
from services.desk.i18n import Words

Line = Mapping[str, Any]


class OfferChoice:
    """Each item with its lines and price; those of a divisible offer can be left out."""

    def __init__(self, t: Words, offer: Mapping[str, Any]) -> None:
        self._t = t
        self._offer = offer
        self._items = _by_item(offer["lines"])
        self._wanted = dict.fromkeys(self._items, True)
        for item, lines in self._items.items():
            self._item(item, lines)
        with box("offer-total"):
            text(t("You pay, tax included"))
            self._total = text("", "number")
            mark("offer-total", self._total)
        self._count()

    @property
    def declined(self) -> list[str]:
        """Items that are not wanted."""
        return [item for item, wanted in self._wanted.items() if not wanted]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is wanted."""
        return not any(self._wanted.values())

    def _item(self, item: str, lines: Sequence[Line]) -> None:
        t = self._t
        with mark(f"item-{item}", box("offer-item")) as surface:
            with box("offer-head"):
                if self._offer["divisible"] and len(self._items) > 1:
                    chosen = ui.switch(value=True).props(f'aria-label="{t.of(dict(lines[0]))}"')
                    chosen.on_value_change(lambda event: self._choose(item, surface, event.value))
                text(t.of(dict(lines[0])), "offer-name")
                text(formats.money(sum(line["amount_cents"] for line in lines)), "number")
            for line in lines:
                if len(lines) == 1 and line["pay_type"] == "customer":
                    continue
                with box("offer-line"):
                    count = f" × {line['quantity']}" if line["quantity"] > 1 else ""
                    text(t.of(dict(line)) + count)
                    if line["pay_type"] != "customer":
                        badge(t.code("pay", line["pay_type"]), "good")
                    text(formats.money(line["amount_cents"]), "number")

    def _choose(self, item: str, surface: ui.element, wanted: bool) -> None:
        self._wanted[item] = wanted
        surface.classes(remove="declined", add="" if wanted else "declined")
        self._count()

    def _count(self) -> None:
        payable = sum(
            line["amount_cents"]
            for line in self._offer["lines"]
            if line["pay_type"] == "customer" and self._wanted[line["item"]]
        )
        self._total.set_text(formats.money(payable))


def _by_item(lines: Sequence[Line]) -> dict[str, list[Line]]:
    items: dict[str, list[Line]] = {}
    for line in lines:
        items.setdefault(line["item"], []).append(line)
    return items
