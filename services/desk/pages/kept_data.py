"""All that is kept about a person (个人信息查阅), to hand over or to erase."""

from collections.abc import Awaitable
from datetime import datetime
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import (
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
from services.desk.components.forms import Form, choices, dialog_actions
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    ConsentView,
    EraseCustomerRequest,
    ErasureView,
    KeptData,
    KeptEntries,
)
from shared.contracts.crm import ErasureReason

PAGE = Page(
    path="/stores/{store_id}/customers/{customer_ref}/data",
    title="Data about the person",
    roles=roles_of(CrmApi.get_kept_data),
    requirements=("R19",),
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show what each service keeps, what was written down, and who has read the contact."""
    ref = ctx.parameters["customer_ref"]

    async def fetch() -> KeptData:
        return await ctx.shared(
            f"kept data of {ref}", lambda: ctx.services.crm.get_kept_data(ctx.store.id, ref)
        )

    def render(kept: KeptData, renderer: PartialRenderer) -> None:
        renderer.section("head", partial(_head, ctx), kept)
        renderer.section("classes", partial(_classes, ctx), kept)
        renderer.section("elsewhere", partial(_elsewhere, ctx), kept)
        renderer.section("texts", partial(_texts, ctx), kept)
        renderer.section("reads", partial(_reads, ctx), kept)

    await live(ctx, fetch, render)


def _head(ctx: PageContext, kept: KeptData) -> None:
    t, customer = ctx.t, kept.customer
    with panel():
        with box("order-head"), box("card-names"):
            text(customer.name or formats.NOTHING, "plate")
            link(
                t("Customer record"),
                f"{ctx.store_path}/customers/{customer.customer_ref}",
                "text-link",
            )
        declined = t.listed(t.code("channel", each) for each in kept.preferences.declined_channels)
        points = t.listed(
            t.code("contact_kind", each.kind) for each in customer.contact_points if each.declined
        )
        facts(
            [
                *(
                    (t.code("consent_purpose", each.purpose), _said(ctx, each))
                    for each in kept.consents
                ),
                (t("Declined channels"), declined or formats.NOTHING),
                (t("Declined contact points"), points or formats.NOTHING),
            ]
        )
        with box("card-actions not-printed"):
            button(t("Print"), lambda: ui.run_javascript("window.print()"), name="print")
            button(t("Download"), partial(_download, ctx, kept), name="download")
            if ctx.may(CrmApi.erase_customer):
                button(t("Erase…"), partial(_erase_dialog, ctx, kept), name="erase")


def _said(ctx: PageContext, consent: ConsentView) -> str:
    """Return what was said about a purpose, and by whom and when it was recorded."""
    said = ctx.t("Consent given") if consent.is_given else ctx.t("No consent")
    if consent.changed_by is None:
        return said
    at = formats.day_and_clock(consent.changed_at, ctx.store.timezone, ctx.now())
    return f"{said} ({ctx.colleague(consent.changed_by)} {at})"


def _classes(ctx: PageContext, kept: KeptData) -> None:
    t, store = ctx.t, ctx.store

    def day(moment: datetime | None) -> str:
        return f"{store.local_day(moment)}" if moment else formats.NOTHING

    headings = [t("Kept"), t("Entries"), t("First entry"), t("Latest entry"), t("Kept until")]
    with panel(t("What is kept")), table(headings):
        for each in kept.classes:
            with test_id("kept-class", row()):
                cell(t.code("data_class", each.data_class))
                cell(f"{each.entries}", "number")
                cell(day(each.since), "number")
                cell(day(each.latest), "number")
                cell(day(each.kept_until) if each.kept_until else t("Until it is erased"))


def _elsewhere(ctx: PageContext, kept: KeptData) -> None:
    t = ctx.t
    headings = [t("Kept"), t("Order"), t("Entries"), t("Latest entry"), t("Kept until")]
    for answer in kept.elsewhere:
        service = t.code("service", answer.service)
        with panel(t("Kept by: {service}", service=service), name=f"kept-{answer.service}"):
            if not answer.is_available:
                text(t("Does not respond: what it keeps is not in this list."), "warning")
            elif not answer.entries:
                empty(t("Nothing is kept."))
            else:
                with table(headings):
                    for each in answer.entries:
                        _kept_entries(ctx, each)


def _kept_entries(ctx: PageContext, each: KeptEntries) -> None:
    t, store = ctx.t, ctx.store
    with test_id("kept-elsewhere", row()):
        cell(t.code("kept_kind", each.kind))
        with cell_box():
            if each.order_id:
                link(t("Order"), f"{ctx.store_path}/orders/{each.order_id}", "text-link")
        cell(f"{each.entries}", "number")
        cell(f"{store.local_day(each.latest)}" if each.latest else formats.NOTHING, "number")
        if each.kept_until:
            cell(f"{store.local_day(each.kept_until)}")
        else:
            cell(t("Until it is erased") if each.is_erased else t("Stays, without a name"))


def _texts(ctx: PageContext, kept: KeptData) -> None:
    t = ctx.t
    with panel(t("Written down")):
        if not kept.texts:
            empty(t("Nothing was written down."))
            return
        with table([t("Recorded"), t("Kept"), t("Text")]):
            for each in kept.texts:
                with test_id("kept-text", row()):
                    cell(formats.day_and_clock(each.at, ctx.store.timezone, ctx.now()), "number")
                    cell(t.code("data_class", each.data_class))
                    cell(each.text or formats.NOTHING)


def _reads(ctx: PageContext, kept: KeptData) -> None:
    t = ctx.t
    with (
        panel(t("Who has read the contact")),
        table([t("In the hour from"), t("Read by"), t("Operation")]),
    ):
        for each in kept.reads:
            with test_id("contact-read", row()):
                cell(formats.day_and_clock(each.read_at, ctx.store.timezone, ctx.now()), "number")
                cell(ctx.colleague(each.read_by))
                cell(t.code("operation.crm", each.operation))


def _download(ctx: PageContext, kept: KeptData) -> None:
    content = kept.model_dump_json(indent=2).encode()
    ui.download(content, f"{ctx.store.id}-{kept.customer.customer_ref}.json")


async def _erase_dialog(ctx: PageContext, kept: KeptData) -> None:
    t, ref = ctx.t, kept.customer.customer_ref
    with dialog(t("Erase what is kept about {name}", name=kept.customer.name or ref)) as opened:
        form = Form(ctx)
        text(t("Names, contacts, texts and photos are destroyed in every service."), "hint")
        text(t("Planned calls and messages end. This cannot be undone."), "hint")
        options = choices(t, "erasure_reason", get_args(ErasureReason))
        reason = form.field("reason", ui.select(options, label=t("Reason")))

        def command() -> Awaitable[ErasureView]:
            return ctx.services.crm.erase_customer(
                ctx.store.id,
                ref,
                EraseCustomerRequest(reason=reason.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("reason") and await form.send(command) is not None:
                opened.close()
                ui.navigate.to(f"{ctx.store_path}/erasures")

        dialog_actions(form, opened, t("Erase"), send)
    opened.open()
