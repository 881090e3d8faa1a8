"""What a change of loyalty rules would have done to last month's customers (试算)."""

from nicegui import ui

from services.desk.components.elements import box, empty, test_id, text
from services.desk.components.kpis import bars
from services.desk.context import PageContext
from shared.clients.crm.models import LoyaltyPreview, TierCount


def show_preview(ctx: PageContext, place: ui.element, preview: LoyaltyPreview) -> None:
    """Show the customers of each tier by the present rules and by those considered."""
    t, zone = ctx.t, ctx.store.timezone
    place.clear()
    with place, test_id("loyalty-preview", box("loyalty-preview")):
        since, until = (
            f"{each.astimezone(zone):%Y-%m-%d}" for each in (preview.since, preview.until)
        )
        text(t("Customers of deliveries from {since} to {until}", since=since, until=until), "hint")
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
        bars(
            [_name(ctx, count) for count in preview.before],
            {
                t("Present rules"): [count.customers for count in preview.before],
                t("Changed rules"): [after.get(count.tier, 0) for count in preview.before],
            },
        )


def _name(ctx: PageContext, count: TierCount) -> str:
    return ctx.t.code("tier", count.tier) if count.tier else ctx.t("No tier")
