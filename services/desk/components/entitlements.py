"""What a loyal customer is entitled to at reception (特别待遇): shown, and given."""

from functools import partial

from nicegui import ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.elements import badge, box, button, dialog, empty, test_id, text
from services.desk.components.forms import send_now
from services.desk.components.tier import tier_badge
from services.desk.context import PageContext
from shared.clients.reception.models import (
    EntitlementView,
    GrantEntitlementRequest,
)

_GIVEN_BY_PERSON = ("lounge", "gift", "voucher")


async def entitlements_dialog(ctx: PageContext, order_id: str) -> None:
    """Show what the customer of a visit is entitled to, each with a button that gives it."""
    t = ctx.t
    with dialog(t("Special treatment")) as opened:
        content = box("entitlements")
        with box("dialog-actions"):
            button(t("Close"), opened.close, name="dialog-cancel")
    await _Entitlements(ctx, order_id, content).show()


class _Entitlements:
    """Entitlements of the customer of one visit, in a dialog."""

    def __init__(self, ctx: PageContext, order_id: str, content: ui.element) -> None:
        self._ctx = ctx
        self._order_id = order_id
        self._content = content

    async def show(self) -> None:
        ctx, t = self._ctx, self._ctx.t
        found = await ctx.services.reception.get_entitlements(ctx.store.id, self._order_id)
        self._content.clear()
        with self._content:
            if found.tier:
                tier_badge(t, found.tier)
            if not found.entitlements:
                empty(t("The customer's tier entitles to nothing."))
            for each in found.entitlements:
                with test_id(f"entitlement-{each.entitlement}", box("offer")):
                    text(_words(ctx, each))
                    self._state(each)

    def _state(self, each: EntitlementView) -> None:
        ctx, t = self._ctx, self._ctx.t
        if each.entitlement not in _GIVEN_BY_PERSON:
            badge(t("In the queue"), "good")
        elif each.granted_at:
            at = formats.clock(each.granted_at, ctx.store.timezone)
            badge(t("Given {time}", time=at), "good")
        elif each.due_again_at:
            day = ctx.store.local_day(each.due_again_at)
            badge(t("Again from {day}", day=f"{day}"), "quiet")
        elif ctx.may(ctx.services.reception.grant_entitlement):
            give = partial(self._give, each.entitlement, new_attempt())
            button(t("Give"), give, name=f"give-{each.entitlement}", kind="small")

    async def _give(self, kind: str, attempt: str) -> None:
        ctx = self._ctx
        request = GrantEntitlementRequest.model_validate({"entitlement": kind})
        await send_now(
            ctx,
            lambda: ctx.services.reception.grant_entitlement(
                ctx.store.id, self._order_id, request, idempotency_key=attempt
            ),
        )
        await self.show()


def _words(ctx: PageContext, each: EntitlementView) -> str:
    words = ctx.t.code("entitlement", each.entitlement)
    return f"{words} {formats.money(each.value_cents)}" if each.value_cents else words
