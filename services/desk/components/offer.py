"""Items that a customer is asked to authorize (授权), and the customer's choice among them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import badge, box, test_id, text
from services.desk.i18n import Translator
from shared.clients.reception.models import Offer, OfferedLine, PresentedEstimate

Asked = Callable[[list[str]], Awaitable[Offer | PresentedEstimate | None]]
"""Function that fetches the offer without the declined items; it returns None without a
response.
"""


class OfferChoice:
    """Items with their lines and price; those of a divisible offer can be left out.

    The promise shown is that of the chosen items; ``when`` formats a time in the store's words.
    """

    def __init__(
        self,
        t: Translator,
        offer: Offer | PresentedEstimate,
        ask: Asked,
        when: Callable[[datetime], str],
    ) -> None:
        self._t = t
        self._offer = offer
        self._ask = ask
        self._when = when
        self._asked = 0
        self.promised_at: datetime | None = None
        self._items = _by_item(offer.lines)
        self._wanted = dict.fromkeys(self._items, True)
        for item, lines in self._items.items():
            self._item(item, lines)
        with box("offer-total"):
            text(t("You pay, tax included"))
            self._total = text("", "number")
            test_id("offer-total", self._total)
        self._promise = box("promise-box")
        self._count()
        self._show_promise(offer)

    @property
    def declined(self) -> list[str]:
        """Items that are declined."""
        return [item for item, wanted in self._wanted.items() if not wanted]

    @property
    def is_empty(self) -> bool:
        """Whether no item is chosen."""
        return not any(self._wanted.values())

    async def refresh(self) -> None:
        """Show the promise that the chosen items have now; only the latest response counts."""
        self._asked += 1
        asked = self._asked
        self._promise.set_visibility(not self.is_empty)
        if self.is_empty:
            return
        offer = await self._ask(self.declined)
        if offer and asked == self._asked:
            self._show_promise(offer)

    def _show_promise(self, offer: Offer | PresentedEstimate) -> None:
        t = self._t
        self.promised_at = offer.promised_at
        self._promise.set_visibility(self.promised_at is not None)
        self._promise.clear()
        if self.promised_at is None:
            return
        with self._promise:
            text(t("Promised time if you agree"), "promise-label")
            test_id("offer-promise", text(self._when(self.promised_at), "promise-time"))
            if offer.promise_provisional:
                text(t("Provisional: not planned by the workshop yet"), "hint")

    def _item(self, item: str, lines: Sequence[OfferedLine]) -> None:
        t = self._t
        with test_id(f"item-{item}", box("offer-item")) as surface:
            with box("offer-head"):
                if self._offer.divisible and len(self._items) > 1:
                    chosen = ui.switch(value=True)
                    chosen.props["aria-label"] = t.of(lines[0])
                    chosen.on_value_change(lambda event: self._choose(item, surface, event.value))
                text(t.of(lines[0]), "offer-name")
                text(formats.money(sum(line.amount_cents for line in lines)), "number")
            for line in lines:
                if len(lines) == 1 and line.pay_type == "customer":
                    continue
                with box("offer-line"):
                    count = f" × {line.quantity}" if line.quantity > 1 else ""
                    text(t.of(line) + count)
                    if line.pay_type != "customer":
                        badge(t.code("pay", line.pay_type), "good")
                    text(formats.money(line.amount_cents), "number")

    async def _choose(self, item: str, surface: ui.element, wanted: bool) -> None:
        self._wanted[item] = wanted
        surface.classes(remove="declined", add="" if wanted else "declined")
        self._count()
        await self.refresh()

    def _count(self) -> None:
        payable = sum(
            line.amount_cents
            for line in self._offer.lines
            if line.pay_type == "customer" and self._wanted[line.item]
        )
        self._total.set_text(formats.money(payable))


def _by_item(lines: Sequence[OfferedLine]) -> dict[str, list[OfferedLine]]:
    items: dict[str, list[OfferedLine]] = {}
    for line in lines:
        items.setdefault(line.item, []).append(line)
    return items
