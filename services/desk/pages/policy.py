"""One insurance policy (保单): quotes for its renewal side by side, and the result."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.confirmation import Confirmation
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
from services.desk.components.forms import Form, choices, dialog_actions, several, submit
from services.desk.components.insurance import (
    TERMS,
    TermsFields,
    days_left_badge,
    insurer_names,
    insurers_of,
    kinds_text,
    premium_field,
    result_badge,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    HandOverRenewalRequest,
    InsurersView,
    LoseRenewalRequest,
    PolicyDetail,
    PolicyView,
    QuoteView,
    RecordQuoteRequest,
    WinRenewalRequest,
)
from shared.contracts.crm import InsuranceKind, RenewalLossCause

PAGE = Page(
    path="/stores/{store_id}/insurance/{policy_id}",
    title="Insurance policy",
    roles=roles_of(CrmApi.get_policy),
    requirements=("R27",),
)

_QUOTE_DAYS = 15

Shown = tuple[PolicyDetail, str | None]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the policy with the quotes for its renewal and what may be decided on it."""
    known = await insurers_of(ctx)

    async def fetch() -> Shown:
        policy_id = ctx.parameters["policy_id"]
        policy = await ctx.shared(
            f"policy {policy_id}", lambda: ctx.services.crm.get_policy(ctx.store.id, policy_id)
        )
        names = await ctx.names([policy.customer_ref])
        return policy, names.of(policy.customer_ref).name

    def render(shown: Shown, renderer: PartialRenderer) -> None:
        policy, name = shown
        renderer.section("head", partial(_head, ctx, known), policy, name)
        renderer.section("quotes", partial(_quotes, ctx, known), policy)
        renderer.section("others", partial(_others, ctx, known), policy.others)

    await live(ctx, fetch, render)


def _head(ctx: PageContext, known: InsurersView, policy: PolicyDetail, name: str | None) -> None:
    t, names = ctx.t, insurer_names(ctx.t, known)
    with panel():
        with box("order-head"):
            with box("card-names"):
                text(name or policy.contact or formats.NOTHING, "plate")
                link(t("All renewals"), f"{ctx.store_path}/insurance", "text-link")
            result_badge(t, policy)
            days_left_badge(t, policy, known.reminder_days)
        pairs = [
            (t("Insurer"), names.get(policy.insurer, policy.insurer)),
            (t("Insured risks"), kinds_text(t, policy.kinds)),
            (t("First day insured"), policy.begins_on.isoformat()),
            (t("Last day insured"), policy.ends_on.isoformat()),
            (t("Premium"), formats.money(policy.premium_cents)),
            (t("Policy number"), policy.policy_number or formats.NOTHING),
            (t("Seller"), t("This store") if policy.sold_here else t("Another seller")),
            (t("Sold by"), t.code("insurance_channel", policy.channel)),
            (t("Kind of policy"), t("Renewed policy") if policy.is_renewal else t("New policy")),
        ]
        if policy.from_store_id:
            pairs.append((t("Handed over by"), policy.from_store_id))
        if policy.reminded_days is not None:
            pairs.append((t("Raised at"), t("{count} days left", count=policy.reminded_days)))
        pairs += _result_facts(ctx, policy, names)
        facts(pairs)
        if policy.result is None:
            with box("card-actions"):
                button(
                    t("Renewed here…"),
                    partial(_win_dialog, ctx, known, policy, None),
                    name="win",
                    kind="main",
                )
                button(t("Not renewed…"), partial(_lose_dialog, ctx, known, policy), name="lose")
                button(
                    t("Hand over to another store…"),
                    partial(_hand_over_dialog, ctx, policy),
                    name="hand-over",
                )


def _result_facts(
    ctx: PageContext, policy: PolicyDetail, names: dict[str, str]
) -> list[tuple[str, str]]:
    t = ctx.t
    if policy.result is None:
        return []
    at = formats.day_and_clock(policy.result_at, ctx.store.timezone, ctx.now())
    by = ctx.colleague(policy.result_by) if policy.result_by else t("The system")
    found = [(t("Result by"), f"{by} · {at}")]
    if policy.loss_cause:
        found.append((t("Cause"), t.code("renewal_loss_cause", policy.loss_cause)))
    if policy.to_store_id:
        found.append((t("Handed over to"), policy.to_store_id))
    if policy.other_insurer:
        found.append((t("Insured by"), names.get(policy.other_insurer, policy.other_insurer)))
    return found


def _quotes(ctx: PageContext, known: InsurersView, policy: PolicyDetail) -> None:
    t = ctx.t
    with panel(t("Quotes for the renewal"), name="quotes"):
        if policy.result is None:
            button(t("Add quote…"), partial(_quote_dialog, ctx, known, policy), name="add-quote")
        if not policy.quotes:
            empty(t("No insurer has made an offer yet."))
            return
        premium, difference = t("Premium"), t("Against the present premium")
        headings = [t("Insurer"), t("Insured risks"), premium, difference, t("Valid until"), ""]
        with table(headings, (premium, difference)):
            for quote in policy.quotes:
                _quote_row(ctx, known, policy, quote)


def _quote_row(
    ctx: PageContext, known: InsurersView, policy: PolicyDetail, quote: QuoteView
) -> None:
    t, sign = ctx.t, "−" if quote.difference_cents < 0 else "+"
    with test_id("quote", row()):
        with cell_box():
            text(insurer_names(t, known).get(quote.insurer, quote.insurer))
            if quote.cheapest:
                badge(t("Cheapest"), "good")
        cell(kinds_text(t, quote.kinds))
        cell(formats.money(quote.premium_cents), "figure")
        cell(f"{sign}{formats.money(abs(quote.difference_cents))}", "figure")
        with cell_box():
            text(quote.valid_until.isoformat(), "number")
            if quote.expired:
                badge(t("Expired"), "bad")
        with cell_box("cell-actions"):
            if policy.result is None and not quote.expired:
                button(
                    t("Accepted…"),
                    partial(_win_dialog, ctx, known, policy, quote),
                    name="accept-quote",
                    kind="small",
                )


def _others(ctx: PageContext, known: InsurersView, others: Sequence[PolicyView]) -> None:
    t = ctx.t
    if not others:
        return
    with panel(t("Other policies of the vehicle")):
        premium = t("Premium")
        with table(
            [t("Insurer"), t("Insured risks"), t("Last day insured"), premium, t("Renewal")],
            (premium,),
        ):
            for policy in others:
                address = f"{ctx.store_path}/insurance/{policy.policy_id}"
                with row("row-link"):
                    with cell_box():
                        name = insurer_names(t, known).get(policy.insurer, policy.insurer)
                        link(name, address, "row-anchor")
                    cell(kinds_text(t, policy.kinds))
                    cell(policy.ends_on.isoformat(), "number")
                    cell(formats.money(policy.premium_cents), "figure")
                    with cell_box():
                        result_badge(t, policy)


async def _quote_dialog(ctx: PageContext, known: InsurersView, policy: PolicyDetail) -> None:
    t = ctx.t
    with dialog(t("Quote for the renewal")) as opened:
        form = Form(ctx)
        insurer = form.field(
            "insurer", ui.select(insurer_names(t, known), label=t("Insurer"), value=None)
        )
        risks = choices(t, "insurance_kind", get_args(InsuranceKind))
        kinds = form.field("kinds", several(risks, t("Insured risks"), policy.kinds))
        premium = form.field("premium_cents", premium_field(t))
        until = ui.input(
            t("Valid until"), value=(ctx.today() + timedelta(days=_QUOTE_DAYS)).isoformat()
        )
        valid_until = form.field("valid_until", until.props("type=date stack-label"))

        async def command() -> QuoteView:
            body = RecordQuoteRequest.model_validate(
                {
                    "insurer": insurer.value,
                    "kinds": kinds.value,
                    "premium_cents": formats.cents(premium.value or 0),
                    "valid_until": valid_until.value,
                }
            )
            return await ctx.services.crm.record_quote(
                ctx.store.id, policy.policy_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("insurer", "kinds", "premium_cents", "valid_until"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


async def _win_dialog(
    ctx: PageContext, known: InsurersView, policy: PolicyDetail, quote: QuoteView | None
) -> None:
    t, offered = ctx.t, quote or policy
    with dialog(t("Renewed here"), wide=True) as opened:
        form = Form(ctx)
        with box("fields"):
            fields = TermsFields(
                form,
                insurer_names(t, known),
                insurer=offered.insurer,
                kinds=offered.kinds,
                begins_on=policy.next_begins_on,
                ends_on=policy.next_ends_on,
                premium_cents=offered.premium_cents,
            )
        confirmation = Confirmation(
            form, {"policies_overlap": ("overlap_confirmed", t("Record it all the same"))}
        )

        async def command() -> PolicyView:
            body = WinRenewalRequest.model_validate(
                {
                    **fields.values(),
                    "quote_id": quote.quote_id if quote else None,
                    "overlap_confirmed": confirmation.given("overlap_confirmed"),
                }
            )
            return await ctx.services.crm.win_renewal(
                ctx.store.id, policy.policy_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require(*TERMS) and await submit(form, opened, command) is None:
                confirmation.ask(send)

        dialog_actions(form, opened, t("Save"), send)


async def _lose_dialog(ctx: PageContext, known: InsurersView, policy: PolicyDetail) -> None:
    t = ctx.t
    with dialog(t("Not renewed")) as opened:
        form = Form(ctx)
        causes = [each for each in get_args(RenewalLossCause) if each != "lapsed"]
        cause = form.field(
            "cause", ui.select(choices(t, "renewal_loss_cause", causes), label=t("Cause"))
        )
        elsewhere = form.field(
            "insured_elsewhere",
            ui.select({False: t("No"), True: t("Yes")}, label=t("Insured elsewhere"), value=False),
        )
        insurer = form.field(
            "insurer",
            ui.select(insurer_names(t, known), label=t("Insured by"), clearable=True),
        )

        async def command() -> PolicyView:
            body = LoseRenewalRequest.model_validate(
                {
                    "cause": cause.value,
                    "insured_elsewhere": elsewhere.value,
                    "insurer": insurer.value,
                }
            )
            return await ctx.services.crm.lose_renewal(
                ctx.store.id, policy.policy_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("cause"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


async def _hand_over_dialog(ctx: PageContext, policy: PolicyDetail) -> None:
    """Ask which store serves the renewal, and how the customer agreed."""
    t, stores = ctx.t, await ctx.stores()
    with dialog(t("Hand over to another store")) as opened:
        text(t("The other store learns the customer's name and telephone number."), "hint")
        form = Form(ctx)
        others = {each: t.of(store) for each, store in stores.items() if each != ctx.store.id}
        to_store = form.field(
            "to_store_id",
            ui.select(others, label=t("Store"), with_input=True, new_value_mode="add-unique"),
        )
        consent = form.field(
            "consent_channel",
            ui.select(
                choices(t, "consent_channel", ("in_person", "phone", "wecom", "sms")),
                label=t("The customer has agreed"),
            ),
        )

        async def command() -> PolicyView:
            body = HandOverRenewalRequest.model_validate(
                {"to_store_id": to_store.value, "consent_channel": consent.value}
            )
            return await ctx.services.crm.hand_over_renewal(
                ctx.store.id, policy.policy_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("to_store_id", "consent_channel"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Hand over"), send)
