"""Insurance renewal (续保): policies by the days that are left, and those with a result."""

from contextlib import AbstractContextManager
from functools import partial
from typing import Literal

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
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_actions, submit
from services.desk.components.insurance import (
    TERMS,
    TermsFields,
    days_left_badge,
    insurer_names,
    insurers_of,
    kinds_text,
    result_badge,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import Names, PageContext
from services.desk.i18n import Translator
from services.desk.page import Page
from services.desk.vehicles import find_customer, known_text
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    CustomerView,
    InsurersView,
    PolicyPage,
    PolicyView,
    RecordPolicyRequest,
)
from shared.clients.reporting.client import ReportingApi

REQUIREMENTS = ("R27",)

PAGE = Page(
    path="/stores/{store_id}/insurance",
    title="Insurance renewal",
    icon="shield",
    roles=roles_of(CrmApi.list_policies),
    requirements=REQUIREMENTS,
)

View = Literal["due", "closed"]

_VIEWS: dict[View, str] = {"due": "Renewals due", "closed": "With a result"}
_RATES = {"rates": "Renewal rates"}

Listed = tuple[PolicyPage, Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one tab a view; each page of it goes on where the one before ended."""
    known, after = await insurers_of(ctx), ctx.query.get("after")
    wanted = ctx.query.get("view")
    if wanted == "rates" and ctx.may(ReportingApi.monthly_renewals):
        _toolbar(ctx, known, "rates")
        await _show_rates(ctx)
        return
    chosen: View = "closed" if wanted == "closed" else "due"
    _toolbar(ctx, known, chosen)

    async def fetch() -> Listed:
        page = await ctx.shared(
            f"policies {chosen} {after}",
            lambda: ctx.services.crm.list_policies(ctx.store.id, view=chosen, after=after),
        )
        return page, await ctx.names(each.customer_ref for each in page.policies)

    def render(listed: Listed, renderer: PartialRenderer) -> None:
        page, names = listed
        if not page.policies:
            renderer.section("none", empty, ctx.t("No policies here."))
            return
        with renderer.frame("table", _table, ctx.t):
            for policy in page.policies:
                name = names.of(policy.customer_ref).name
                renderer.section(policy.policy_id, partial(_row, ctx, known), policy, name)
        if page.next_page:
            address = f"?view={chosen}&after={page.next_page}"
            renderer.section("next", partial(_next, ctx.t), address)

    await live(ctx, fetch, render)


async def _show_rates(ctx: PageContext) -> None:
    """Show the renewal rates by month, and what each is divided by."""
    t = ctx.t
    report = await ctx.services.reporting.monthly_renewals(ctx.store.id)
    with panel(name="renewal-rates"):
        for rate in report.references:
            text(t.code("formula_of_month", rate), "hint")
        headings = [t("Renewals"), *(t.code("kpi", rate) for rate in report.references)]
        with table([t("Month"), *headings], headings):
            for month in reversed(report.months):
                with row():
                    cell(month.month, "number")
                    cell(str(month.renewals), "figure")
                    for rate, band in report.references.items():
                        with cell_box("figure"):
                            _rate(getattr(month, rate), band)


def _rate(rate: float | None, band: tuple[float, float]) -> None:
    usual, good = band
    if rate is None:
        text(formats.NOTHING)
    else:
        badge(formats.share(rate), "good" if rate >= good else "warn" if rate >= usual else "bad")


def _toolbar(ctx: PageContext, known: InsurersView, current: str) -> None:
    t = ctx.t
    more = _RATES if ctx.may(ReportingApi.monthly_renewals) else {}
    with box("toolbar"):
        with box("tabs"):
            for view, title in (*_VIEWS.items(), *more.items()):
                classes = "tab current" if view == current else "tab"
                test_id(f"tab-{view}", link(t(title), f"?view={view}", classes))
        box("spacer")
        button(
            t("Record policy"),
            partial(_record_dialog, ctx, known),
            name="record-policy",
            kind="main",
        )


def _next(t: Translator, address: str) -> None:
    test_id("next-page", link(t("Next page"), address, "text-link"))


def _table(t: Translator) -> AbstractContextManager[None]:
    premium = t("Premium")
    return table(
        [
            t("Days left"),
            t("Customer"),
            t("Insurer"),
            t("Insured risks"),
            t("Last day insured"),
            premium,
            t("Kind of policy"),
            t("Renewal"),
        ],
        (premium,),
    )


def _row(ctx: PageContext, known: InsurersView, policy: PolicyView, name: str | None) -> None:
    t, address = ctx.t, f"{ctx.store_path}/insurance/{policy.policy_id}"
    with test_id("policy", row("row-link")):
        with cell_box():
            days_left_badge(t, policy, known.reminder_days)
        with cell_box():
            link(name or formats.NOTHING, address, "row-anchor")
        cell(insurer_names(t, known).get(policy.insurer, policy.insurer))
        cell(kinds_text(t, policy.kinds))
        cell(policy.ends_on.isoformat(), "number")
        cell(formats.money(policy.premium_cents), "figure")
        cell(t("Renewed policy") if policy.is_renewal else t("New policy"))
        with cell_box():
            result_badge(t, policy)


async def _record_dialog(ctx: PageContext, known: InsurersView) -> None:
    """Ask for a policy of a vehicle in customer records."""
    t = ctx.t
    found: list[CustomerView] = []
    with dialog(t("Record policy"), wide=True) as opened:
        form = Form(ctx)
        with box("fields"):
            plate = form.field(
                "vehicle_ref",
                ui.input(t("Plate or VIN"), placeholder="沪A12345").props("autofocus"),
            )
            who = text("", "hint one-line")
            fields = TermsFields(form, insurer_names(t, known))
            sold_here = form.field(
                "sold_here",
                ui.select(
                    {True: t("This store"), False: t("Another seller")},
                    label=t("Seller"),
                    value=True,
                ),
            )
            is_renewal = form.field(
                "is_renewal",
                ui.select(
                    {False: t("New policy"), True: t("Renewed policy")},
                    label=t("Kind of policy"),
                    value=False,
                ),
            )
        confirmation = Confirmation(
            form, {"policies_overlap": ("overlap_confirmed", t("Record it all the same"))}
        )

        async def look_up() -> None:
            found.clear()
            if typed := (plate.value or "").strip():
                customer = await form.send(lambda: find_customer(ctx, typed))
                found.extend(filter(None, [customer]))
                who.set_text(
                    known_text(ctx, customer) if customer else t("Customer records do not know it.")
                )

        plate.on("blur", look_up)

        async def command() -> PolicyView:
            (customer,) = found
            body = RecordPolicyRequest.model_validate(
                {
                    **fields.values(),
                    "vehicle_ref": customer.vehicle_ref,
                    "customer_ref": customer.customer_ref,
                    "sold_here": sold_here.value,
                    "is_renewal": is_renewal.value,
                    "overlap_confirmed": confirmation.given("overlap_confirmed"),
                }
            )
            return await ctx.services.crm.record_policy(
                ctx.store.id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if not found:
                await look_up()
            if (
                form.require("vehicle_ref", *TERMS)
                and found
                and await submit(form, opened, command) is None
            ):
                confirmation.ask(send)

        dialog_actions(form, opened, t("Record policy"), send)
