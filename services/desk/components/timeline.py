"""One timeline of a customer or a vehicle (往来记录), over the stores that the person sees."""

from collections.abc import Awaitable, Callable, Mapping

from services.desk import formats
from services.desk.components.elements import badge, box, button, empty, link, test_id, text
from services.desk.components.insurance import insurer_names, insurers_of
from services.desk.components.problems import error_text, unavailable_text
from services.desk.context import PageContext
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import Timeline, TimelineEntry

Ask = Callable[[str | None], Awaitable[Timeline]]
"""Query of the page behind a place, the first without one."""

_CODES = {
    "visit": "visit",
    "call": "follow_up_reason",
    "complaint": "severity",
    "survey": "survey_progress",
    "message": "message_type",
    "conversation": "channel",
    "invitation": "reminder_kind",
    "campaign": "campaign_passage",
}
_PAGES: Mapping[str, tuple[str, Callable[..., object]]] = {
    "complaint": ("complaints", CrmApi.get_complaint),
    "survey": ("surveys", CrmApi.get_survey),
    "policy": ("insurance", CrmApi.get_policy),
    "conversation": ("conversations", CrmApi.get_conversation),
    "invitation": ("service-reminders", CrmApi.get_reminder),
    "campaign": ("campaigns", CrmApi.get_campaign),
}
_TONES = {"visit": "good", "call": "busy", "complaint": "bad"}


async def timeline(ctx: PageContext, ask: Ask) -> None:
    """Show what happened, newest first; the button below adds what was before."""
    view = _TimelineView(ctx, ask)
    await view.show_more()


class _TimelineView:
    """Entries of a timeline as far as they were asked for."""

    def __init__(self, ctx: PageContext, ask: Ask) -> None:
        self._ctx, self._ask = ctx, ask
        self._next: str | None = None
        self._entries = test_id("timeline", box("passages"))
        self._more = button(ctx.t("Show earlier ones"), self.show_more, name="more", kind="small")

    async def show_more(self) -> None:
        ctx = self._ctx
        try:
            page = await self._ask(self._next)
            insurers = (
                insurer_names(ctx.t, await insurers_of(ctx))
                if ctx.may(CrmApi.list_insurers)
                else {}
            )
            await ctx.stores()
        except ApiError as error:
            self._say(error_text(ctx.t, error))
            return
        except ServiceUnavailableError as unavailable:
            self._say(unavailable_text(ctx.t, unavailable))
            return
        self._next = page.next_page
        self._more.set_visibility(page.next_page is not None)
        with self._entries:
            for each in page.entries:
                self._entry(each, insurers)
            if not self._entries.default_slot.children:
                empty(ctx.t("Nothing has happened yet."))

    def _say(self, sentence: str) -> None:
        with self._entries:
            text(sentence, "hint")

    def _entry(self, entry: TimelineEntry, insurers: dict[str, str]) -> None:
        t, ctx = self._ctx.t, self._ctx
        with test_id(f"passage-{entry.kind}", box("passage")):
            at = formats.day_and_clock(entry.at, ctx.store.timezone, ctx.now())
            text(at, "number hint")
            badge(t.code("passage", entry.kind), _TONES.get(entry.kind, "calm"))
            words, address = _words(ctx, entry, insurers), _address(ctx, entry)
            if address:
                link(words, address, "text-link")
            else:
                text(words)
            if entry.store_id != ctx.store.id:
                badge(t.of(ctx.store_of(entry.store_id)), "quiet")


async def _insurers(ctx: PageContext) -> dict[str, str]:
    """Return the names of insurers, for those who may read them."""
    if not ctx.may(CrmApi.list_insurers):
        return {}
    return insurer_names(ctx.t, await insurers_of(ctx))


def _words(ctx: PageContext, entry: TimelineEntry, insurers: dict[str, str]) -> str:
    if entry.kind == "policy":
        return insurers.get(entry.code, entry.code)
    return ctx.t.code(_CODES[entry.kind], entry.code)


def _address(ctx: PageContext, entry: TimelineEntry) -> str | None:
    """Return the page of an entry, its order or customer; None where it may not be opened."""
    store = f"/stores/{entry.store_id}"
    if entry.kind in _PAGES:
        folder, read = _PAGES[entry.kind]
        return f"{store}/{folder}/{entry.entry_id}" if ctx.may(read) else None
    if entry.order_id is not None:
        return f"{store}/orders/{entry.order_id}"
    return f"{store}/customers/{entry.customer_ref}"
