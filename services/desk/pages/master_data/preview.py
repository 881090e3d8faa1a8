"""What a change of rules would have done to last month's cases (试算)."""

from collections.abc import Awaitable, Sequence
from datetime import datetime

from nicegui import ui

from services.desk.components.elements import box, empty, test_id, text
from services.desk.components.kpis import bars
from services.desk.context import PageContext
from services.desk.pages.master_data.contents import Content
from services.desk.pages.master_data.record import MasterRecord
from shared.clients.crm.models import LoyaltyPreview, PreviewLoyaltyRequest, TierCount
from shared.clients.reception.models import (
    ApprovalCount,
    PreviewSettlementRequest,
    SettlementPreview,
)

Preview = LoyaltyPreview | SettlementPreview


def may_preview(rules: MasterRecord) -> bool:
    """Return whether the person may ask what a change of these rules would have done."""
    services, ctx = rules.ctx.services, rules.ctx
    if rules.kind == "loyalty":
        return ctx.may(services.crm.preview_loyalty_change)
    return rules.kind == "settlement" and ctx.may(
        services.reception.preview_settlement_of_store
        if rules.own
        else services.reception.preview_settlement
    )


def ask_preview(rules: MasterRecord, content: Content) -> Awaitable[Preview]:
    """Ask the service that uses the rules what others would have done."""
    services = rules.ctx.services
    if rules.kind == "loyalty":
        loyalty = PreviewLoyaltyRequest.model_validate({"content": content})
        return services.crm.preview_loyalty_change(loyalty)
    considered = PreviewSettlementRequest.model_validate({"content": content})
    if rules.own:
        return services.reception.preview_settlement_of_store(rules.ctx.store.id, considered)
    return services.reception.preview_settlement(considered)


def show_preview(ctx: PageContext, place: ui.element, preview: Preview) -> None:
    """Show the cases by the present rules and by those considered."""
    place.clear()
    with place, test_id("rules-preview", box("rules-preview")):
        if isinstance(preview, LoyaltyPreview):
            _customers(ctx, preview)
        else:
            _discounts(ctx, preview)


def _customers(ctx: PageContext, preview: LoyaltyPreview) -> None:
    """Show the customers of each tier."""
    t, days = ctx.t, _days(ctx, preview.since, preview.until)
    text(t("Customers of deliveries from {since} to {until}", **days), "hint")
    if not preview.customers:
        empty(t("No vehicle was delivered in this time."))
        return
    text(
        t(
            "Of {customers} customers, {raised} would rise and {lowered} would fall.",
            customers=preview.customers,
            raised=preview.raised,
            lowered=preview.lowered,
        ),
        "section-title",
    )
    after = {count.tier: count.customers for count in preview.after}
    _bars(
        ctx,
        [_tier(ctx, count) for count in preview.before],
        [count.customers for count in preview.before],
        [after.get(count.tier, 0) for count in preview.before],
    )


def _discounts(ctx: PageContext, preview: SettlementPreview) -> None:
    """Show the discounts by the lowest role that may approve them."""
    t, days = ctx.t, _days(ctx, preview.since, preview.until)
    text(
        t(
            "Discounts on invoices from {since} to {until}, by the role that may approve them",
            **days,
        ),
        "hint",
    )
    if not preview.discounts:
        empty(t("No discount was given in this time."))
        return
    text(
        t(
            "Of {discounts} discounts, {higher} would need a higher role and {lower} a lower one.",
            discounts=preview.discounts,
            higher=preview.higher,
            lower=preview.lower,
        ),
        "section-title",
    )
    after = {count.role: count.discounts for count in preview.after}
    _bars(
        ctx,
        [_role(ctx, count) for count in preview.before],
        [count.discounts for count in preview.before],
        [after.get(count.role, 0) for count in preview.before],
    )


def _bars(
    ctx: PageContext, names: Sequence[str], present: Sequence[int], changed: Sequence[int]
) -> None:
    t = ctx.t
    bars(names, {t("Present rules"): present, t("Changed rules"): changed})


def _days(ctx: PageContext, since: datetime, until: datetime) -> dict[str, str]:
    zone = ctx.store.timezone
    return {
        "since": f"{since.astimezone(zone):%Y-%m-%d}",
        "until": f"{until.astimezone(zone):%Y-%m-%d}",
    }


def _tier(ctx: PageContext, count: TierCount) -> str:
    return ctx.t.code("tier", count.tier) if count.tier else ctx.t("No tier")


def _role(ctx: PageContext, count: ApprovalCount) -> str:
    return ctx.t.code("role", count.role) if count.role else ctx.t("Nobody")
