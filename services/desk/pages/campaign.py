"""One campaign (活动详情): its progress, its cost, and its effect against the control group."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.campaign import CAMPAIGN_TONES, answer_badge, answer_button
from services.desk.components.campaign_plan import edit_dialog
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    facts,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.components.kpis import bars
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.segment import segment_facts
from services.desk.components.tier import tier_badge
from services.desk.context import Names, PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    CampaignDetail,
    CampaignView,
    CostKind,
    CostView,
    EffectView,
    InvitationView,
    PriceBreaches,
    ProgressView,
    RecordCostRequest,
    VersionedRequest,
)

PAGE = Page(
    path="/stores/{store_id}/campaigns/{campaign_id}",
    title="Campaign",
    roles=roles_of(CrmApi.get_campaign),
    requirements=("R28",),
)

_PAGE_LENGTH = 100
_PERCENT = 100
_CENTS = 100

Command = Callable[[Form], Awaitable[CampaignView]]
"""Function that sends a command under the key of a form's attempt, for the version it shows."""

Operations = Mapping[str, str]
"""Names of the labor operations with price limits."""

Shown = tuple[CampaignDetail, Operations, PriceBreaches | None, list[InvitationView], Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the campaign with what it has changed, and the customers who are invited."""
    campaign_id, after = ctx.parameters["campaign_id"], ctx.query.get("after", "")

    async def fetch() -> Shown:
        crm, store_id = ctx.services.crm, ctx.store.id
        campaign = await ctx.shared(
            f"campaign {campaign_id}", lambda: crm.get_campaign(store_id, campaign_id)
        )
        operations: Operations = {}
        breaches = None
        if campaign.price_limits:
            catalog = await ctx.catalog()
            limited = (each.op_code for each in campaign.price_limits)
            operations = {each: catalog.operation(each) for each in limited}
            breaches = await ctx.shared(
                f"price breaches of {campaign_id}",
                lambda: crm.list_price_breaches(store_id, campaign_id),
            )
        invitations = await ctx.shared(
            f"invitations of {campaign_id} after {after}",
            lambda: crm.list_invitations(
                store_id, campaign_id, state=["waiting", "invited", "skipped"], after=after
            ),
        )
        names = await ctx.names_if_any(each.customer_ref for each in invitations)
        return campaign, operations, breaches, invitations, names

    def render(shown: Shown, renderer: PartialRenderer) -> None:
        campaign, operations, breaches, invitations, names = shown
        renderer.section("head", partial(_head, ctx, operations), campaign)
        with renderer.frame("effect", box, "columns even"):
            renderer.section("figures", partial(_effect, ctx), campaign.effect)
            renderer.section("chart", partial(_chart, ctx), campaign.effect)
        renderer.section("progress", partial(_progress, ctx), campaign.progress)
        if breaches is not None:
            renderer.section("prices", partial(_prices, ctx, operations), breaches)
        renderer.section("invitations", partial(_invitations, ctx, names), invitations)

    await live(ctx, fetch, render)


def _head(ctx: PageContext, operations: Operations, campaign: CampaignDetail) -> None:
    t, crm = ctx.t, ctx.services.crm
    with panel(name="campaign"):
        with box("order-head"):
            with box("card-names"):
                text(campaign.title, "plate")
                link(t("All campaigns"), f"{ctx.store_path}/campaigns", "text-link")
            badge(t.code("campaign_status", campaign.status), CAMPAIGN_TONES[campaign.status])
        facts(
            [
                (t("Whose campaign"), t.code("campaign_origin", campaign.origin)),
                (t("Reason"), t.code("campaign_reason", campaign.reason)),
                (t("Period"), f"{campaign.begins_on} – {campaign.ends_on}"),
                (t("Invitation by"), t.code("invitation_channel", campaign.invite_by)),
                (t("Waves"), str(campaign.waves)),
                (t("Held back for comparison"), formats.share(campaign.control_bp / 10_000)),
                (t("Planned cost"), formats.money(campaign.planned_cost_cents)),
                (t("Cost so far"), formats.money(campaign.cost_cents)),
                *_rebate(ctx, campaign),
                *_vouchers(ctx, campaign),
            ]
        )
        facts(segment_facts(t, campaign.segment))
        for limit in campaign.price_limits:
            low, high = formats.money(limit.floor_cents), formats.money(limit.ceiling_cents)
            operation = operations[limit.op_code]
            words = "Price of {operation}: {low} to {high}"
            text(t(words, operation=operation, low=low, high=high), "hint")
        for cost in campaign.costs:
            kind, amount = t.code("campaign_cost", cost.kind), formats.money(cost.amount_cents)
            text(f"{kind}: {amount}", "hint")
        if ctx.may(crm.start_campaign):
            _actions(ctx, campaign)


def _rebate(ctx: PageContext, campaign: CampaignDetail) -> list[tuple[str, str]]:
    if campaign.rebate_target_cents is None:
        return []
    target = formats.money(campaign.rebate_target_cents)
    reached = formats.share(campaign.rebate_rate)
    return [(ctx.t("Rebate target (revenue)"), f"{target} · {reached}")]


def _vouchers(ctx: PageContext, campaign: CampaignDetail) -> list[tuple[str, str]]:
    if not campaign.vouchers_issued:
        return []
    t = ctx.t
    numbers = f"{campaign.vouchers_redeemed} / {campaign.vouchers_issued}"
    return [
        (t("Vouchers redeemed"), numbers),
        (t("Cost of vouchers"), formats.money(campaign.voucher_cost_cents)),
    ]


def _actions(ctx: PageContext, campaign: CampaignDetail) -> None:
    t, crm = ctx.t, ctx.services.crm

    def end(form: Form) -> Awaitable[CampaignView]:
        return crm.end_campaign(ctx.store.id, campaign.campaign_id, idempotency_key=form.attempt)

    with box("card-actions"):
        if campaign.status == "draft":
            button(
                t("Start…"),
                partial(
                    _confirm,
                    ctx,
                    t("Start the campaign"),
                    t("Its customers are drawn on the first day and invited from then on."),
                    lambda form: crm.start_campaign(
                        ctx.store.id,
                        campaign.campaign_id,
                        VersionedRequest(version=form.version),
                        idempotency_key=form.attempt,
                    ),
                    campaign.version,
                ),
                name="start-campaign",
                kind="main",
            )
            button(t("Edit…"), partial(edit_dialog, ctx, campaign), name="edit-campaign")
            button(
                t("Discard…"),
                partial(
                    _confirm,
                    ctx,
                    t("Discard the draft"),
                    t("The campaign will not take place."),
                    end,
                ),
                name="discard-campaign",
            )
        if campaign.status in ("scheduled", "running"):
            button(
                t("End…"),
                partial(
                    _confirm,
                    ctx,
                    t("End the campaign"),
                    t("Customers who were not invited yet will not be invited."),
                    end,
                ),
                name="end-campaign",
            )
        button(t("Add cost…"), partial(_cost_dialog, ctx, campaign), name="add-cost")


def _confirm(ctx: PageContext, title: str, says: str, command: Command, version: str = "") -> None:
    with dialog(title) as opened:
        text(says, "hint")
        form = Form(ctx, version)

        async def send() -> None:
            await submit(form, opened, lambda: command(form))

        dialog_actions(form, opened, title, send)


def _cost_dialog(ctx: PageContext, campaign: CampaignDetail) -> None:
    t = ctx.t
    with dialog(t("Cost of the campaign")) as opened:
        form = Form(ctx)
        kinds = choices(t, "campaign_cost", get_args(CostKind))
        kind = form.field("kind", ui.select(kinds, label=t("Kind")))
        amount = form.field(
            "amount_cents", ui.number(t("Amount"), min=0, prefix="¥", format="%.2f")
        )
        day = ui.input(t("Day"), value=ctx.today().isoformat()).props("type=date stack-label")
        spent_on = form.field("spent_on", day)

        async def command() -> CostView:
            body = RecordCostRequest.model_validate(
                {
                    "kind": kind.value,
                    "amount_cents": formats.cents(amount.value or 0),
                    "spent_on": spent_on.value,
                }
            )
            return await ctx.services.crm.record_campaign_cost(
                ctx.store.id, campaign.campaign_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("kind", "amount_cents", "spent_on"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _effect(ctx: PageContext, effect: EffectView) -> None:
    t = ctx.t
    figures = (t("Drawn for an invitation"), t("Held back"))
    invited, control = effect.invited, effect.control
    with box("column-wide"), panel(t("Campaign effect"), name="campaign-effect"):
        with table(["", *figures], figures):
            for name, left, right in (
                (t("Customers"), f"{invited.customers:,}", f"{control.customers:,}"),
                (t("Came"), f"{invited.visitors:,}", f"{control.visitors:,}"),
                (
                    t("Visit rate"),
                    formats.share(invited.visit_rate),
                    formats.share(control.visit_rate),
                ),
                (t("Visits"), f"{invited.visits:,}", f"{control.visits:,}"),
                (
                    t("Spend"),
                    formats.money(invited.spent_cents),
                    formats.money(control.spent_cents),
                ),
                (
                    t("Spend per customer"),
                    formats.money(invited.mean_cents),
                    formats.money(control.mean_cents),
                ),
            ):
                with row():
                    cell(name)
                    cell(left, "figure")
                    cell(right, "figure")
        if effect.rate_difference is None:
            text(t("Without a control group the effect is not known."), "hint")
        else:
            facts(_difference(ctx, effect))
        if effect.is_small:
            few = t("Small numbers: a group has fewer than {count} customers.")
            badge(few.format(count=effect.fewest_customers), "warn")
        elif not effect.is_certain:
            badge(t("The difference may be chance."), "warn")


def _difference(ctx: PageContext, effect: EffectView) -> list[tuple[str, str]]:
    t = ctx.t
    low, high = formats.share(effect.rate_low), formats.share(effect.rate_high)
    return [
        (t("Difference of the visit rates"), formats.share(effect.rate_difference)),
        (t("With 95 % confidence"), f"{low} … {high}"),
        (t("Visitors by the campaign"), formats.average(effect.more_visitors)),
        (t("Spend by the campaign"), formats.money(effect.more_cents)),
        (t("Cost per visitor gained"), formats.money(effect.cost_per_visitor_cents)),
    ]


def _chart(ctx: PageContext, effect: EffectView) -> None:
    t, groups = ctx.t, (effect.invited, effect.control)
    names = [t("Drawn for an invitation"), t("Held back")]
    with box("column-wide"), panel(t("Invited against held back"), name="campaign-chart"):
        if not any(each.customers for each in groups):
            empty(t("No customers are drawn yet."))
            return
        text(t("Visit rate"), "hint")
        rates = [round((each.visit_rate or 0) * _PERCENT, 1) for each in groups]
        bars(names, {t("Visit rate"): rates}, unit=" %")
        text(t("Spend per customer"), "hint")
        spend = [round((each.mean_cents or 0) / _CENTS, 2) for each in groups]
        bars(names, {t("Spend per customer"): spend}, unit=" ¥")


def _progress(ctx: PageContext, progress: Sequence[ProgressView]) -> None:
    """Show the customers of each wave and tier by what became of their invitations."""
    t = ctx.t
    if not progress:
        return
    columns = {
        "waiting": t("To be invited"),
        "skipped": t("Not invited"),
        "open": t("No answer yet"),
        "booked": t.code("campaign_answer", "booked"),
        "came": t.code("campaign_answer", "came"),
        "declined": t.code("campaign_answer", "declined"),
        "no_answer": t.code("campaign_answer", "no_answer"),
    }
    counted: dict[tuple[int, str | None], Counter[str]] = {}
    for each in progress:
        if each.wave is not None:
            state = each.answer or ("open" if each.state == "invited" else each.state)
            counted.setdefault((each.wave, each.tier), Counter())[state] += each.customers
    figures = tuple(columns.values())
    with (
        panel(t("Progress"), name="campaign-progress"),
        table([t("Wave"), t("Tier"), *figures], figures),
    ):
        for (wave, tier), numbers in counted.items():
            with row():
                cell(str(wave), "number")
                with cell_box():
                    if tier:
                        tier_badge(t, tier)
                    else:
                        text(t("No tier"))
                for column in columns:
                    cell(str(numbers[column]), "figure")


def _prices(ctx: PageContext, operations: Operations, prices: PriceBreaches) -> None:
    """Show the prices outside the limits of the manufacturer."""
    t = ctx.t
    bounds = {"floor": t("Lowest price"), "ceiling": t("Highest price")}
    figures = (t("Quantity"), t("Limit"), t("Invoiced"))
    with panel(t("Invoices against the price limits"), name="price-breaches"):
        said = "{found} of {compared} prices are outside the limits."
        text(t(said, found=prices.found, compared=prices.compared), "hint")
        if not prices.breaches:
            return
        headings = [t("Day"), t("Order"), t("Labor operation"), *figures]
        with table(headings, figures):
            for each in prices.breaches:
                with test_id("price-breach", row()):
                    cell(f"{ctx.store.local_day(each.issued_at)}", "number")
                    with cell_box():
                        order = f"{ctx.store_path}/orders/{each.order_id}"
                        link(t("Look at the order"), order, "text-link")
                    cell(operations[each.op_code])
                    cell(str(each.quantity), "figure")
                    cell(f"{bounds[each.bound]} {formats.money(each.limit_cents)}", "figure")
                    cell(formats.money(each.invoiced_cents), "figure")
        if prices.found > len(prices.breaches):
            text(t("Only the latest {count} are shown.", count=len(prices.breaches)), "hint")


def _invitations(ctx: PageContext, names: Names, invitations: Sequence[InvitationView]) -> None:
    t = ctx.t
    if not invitations:
        return
    headings = [t("Customer"), t("Tier"), t("Wave"), t("Invited"), t("Answer"), ""]
    with panel(t("Invitations"), name="invitations"), table(headings):
        for each in invitations:
            with test_id("invitation", row()):
                with cell_box():
                    name = names.of(each.customer_ref).name or t("Customer")
                    link(name, f"{ctx.store_path}/customers/{each.customer_ref}", "text-link")
                with cell_box():
                    if each.tier:
                        tier_badge(t, each.tier)
                cell(str(each.wave or ""), "number")
                cell(
                    formats.day_and_clock(each.invited_at, ctx.store.timezone, ctx.now()), "number"
                )
                with cell_box():
                    answer_badge(t, each)
                with cell_box("cell-actions"):
                    answer_button(ctx, each)
    if len(invitations) == _PAGE_LENGTH:
        last = invitations[-1].invitation_id
        test_id("more", link(t("More"), f"?after={last}", "text-link"))
