"""Consents of a customer by purpose (同意)."""

from functools import partial

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.elements import (
    badge,
    button,
    cell,
    cell_box,
    panel,
    row,
    table,
    test_id,
)
from services.desk.components.forms import send_now
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from shared.clients.crm.models import ConsentRequest, ConsentView


async def consents_panel(ctx: PageContext, customer_ref: str) -> None:
    """Show what the customer last said about each purpose, and let it be changed."""
    crm, store_id = ctx.services.crm, ctx.store.id

    async def fetch() -> list[ConsentView]:
        return await ctx.shared(
            f"consents of {customer_ref}", lambda: crm.list_consents(store_id, customer_ref)
        )

    def render(consents: list[ConsentView], renderer: PartialRenderer) -> None:
        t = ctx.t
        with renderer.frame("table", table, [t("Purpose"), t("Consent"), t("Since"), ""]):
            for each in consents:
                renderer.section(each.purpose, partial(_row, ctx), each)

    with panel(ctx.t("Consents"), name="consents"):
        await live(ctx, fetch, render)


def _row(ctx: PageContext, consent: ConsentView) -> None:
    t = ctx.t
    with test_id(f"consent-{consent.purpose}", row()):
        cell(t.code("consent_purpose", consent.purpose))
        with cell_box():
            if consent.is_given:
                badge(t("Given"), "good")
            else:
                badge(t("Not given"), "quiet")
        cell(formats.day_and_clock(consent.changed_at, ctx.store.timezone, ctx.now()), "number")
        with cell_box("cell-actions"):
            if ctx.may(ctx.services.crm.set_consent):
                button(
                    t("Withdraw consent") if consent.is_given else t("Record consent"),
                    partial(_change, ctx, consent),
                    name=f"change-{consent.purpose}",
                    kind="small",
                )


async def _change(ctx: PageContext, consent: ConsentView) -> None:
    attempt = new_attempt()
    await send_now(
        ctx,
        lambda: ctx.services.crm.set_consent(
            ctx.store.id,
            consent.customer_ref,
            consent.purpose,
            ConsentRequest(is_given=not consent.is_given),
            idempotency_key=attempt,
        ),
    )
