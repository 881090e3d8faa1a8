"""One customer (客户): the record with contact points and vehicles, preferences, messages."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.birthday import birthday_form
from services.desk.components.complaint import Concerned, concern_buttons
from services.desk.components.consents import consents_panel
from services.desk.components.customer_card import LANGUAGES, customer_card
from services.desk.components.customer_record import CustomerRecord
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    empty,
    facts,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.find_customers import FindCustomers
from services.desk.components.forms import Form
from services.desk.components.lead import lead_button
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.timeline import timeline
from services.desk.components.vouchers import issue_button
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    ContactPreferencesRequest,
    ContactView,
    CustomerDetail,
    DeclinedChannel,
    MessageView,
    Preferences,
    PreferredChannel,
    Timeline,
)

PAGE = Page(
    path="/stores/{store_id}/customers/{customer_ref}",
    title="Customer",
    roles=roles_of(CrmApi.find_customer),
    requirements=("R9", "R19", "R22", "R23", "R47"),
)

SEARCH = Page(
    path="/stores/{store_id}/customers",
    title="Customers",
    icon="person_search",
    roles=PAGE.roles,
    requirements=("R9", "R19"),
)

DECLINABLE: tuple[DeclinedChannel, ...] = get_args(DeclinedChannel)
_TONES = {
    "waiting": "calm",
    "sending": "calm",
    "sent": "good",
    "call_required": "warn",
    "called": "good",
    "not_reached": "bad",
    "suppressed": "quiet",
    "obsolete": "quiet",
}


@SEARCH.shows
async def search(ctx: PageContext) -> None:
    """Find a customer by what is known of them or of their vehicle."""
    t = ctx.t
    with box("narrow"), panel():
        find = FindCustomers(ctx, "page-find")
        find.typed.props("autofocus")
        with box("card-actions"):
            button(t("Find"), find.find, name="find-customer", kind="main")
            if ctx.may(CrmApi.register_customer):
                link(t("New customer"), f"{ctx.store_path}/new-customer", "text-link")


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the card, the record on the left, and what happened and preferences on the right."""
    ref = ctx.parameters["customer_ref"]
    known, names = await asyncio.gather(
        ctx.services.crm.get_contact_preferences(ctx.store.id, ref), ctx.names([ref])
    )
    text(names.customers.get(ref, formats.NOTHING), "subtitle")
    with box("toolbar"):
        concern_buttons(ctx, Concerned(ref))
        lead_button(ctx, ref)
        issue_button(ctx, ref)
        if ctx.may(CrmApi.get_kept_data):
            link(
                ctx.t("Data about the person"),
                f"{ctx.store_path}/customers/{ref}/data",
                "text-link",
            )
    with panel():
        await customer_card(ctx, ref)
    with box("columns even"):
        with box("column-wide"):
            await _record(ctx, ref)
        with box("column-wide"):
            with panel(ctx.t("Visits and contacts")):
                await timeline(ctx, partial(_timeline_page, ctx, ref))
            with panel(ctx.t("Contact preferences")):
                _PreferencesForm(ctx, known)
            with panel(ctx.t("Birthday")):
                await birthday_form(ctx, ref)
            await consents_panel(ctx, ref)
            with panel(ctx.t("Messages")):
                await _messages(ctx, ref)


def _timeline_page(ctx: PageContext, ref: str, after: str | None) -> Awaitable[Timeline]:
    return ctx.services.crm.get_customer_timeline(ctx.store.id, ref, after=after)


class _PreferencesForm:
    """Contact preferences of a customer (联系偏好), to look at and to change."""

    def __init__(self, ctx: PageContext, known: ContactView) -> None:
        t = ctx.t
        self._ctx = ctx
        self._known = known
        channels = {each: t.code("channel", each) for each in get_args(PreferredChannel)}
        reachable = t.listed(channels[each] for each in known.reachable_by) or formats.NOTHING
        facts([(t("Reachable by"), reachable)])
        self._form = Form(ctx, known.version)
        self._fields(channels)
        text(t("Declined channels"), "section-title")
        self._declined = {
            each: ui.checkbox(t.code("channel", each), value=each in known.declined_channels)
            for each in DECLINABLE
        }
        for each, made in self._declined.items():
            test_id(f"declined-{each}", made)
        with box("card-actions"):
            button(t("Save"), self._save, name="save-preferences", kind="main")
        self._form.speak_here()
        self._conflict = test_id("conflict", box("conflict"))

    def _fields(self, channels: dict[PreferredChannel, str]) -> None:
        t, form, known = self._ctx.t, self._form, self._known
        with box("fields form-fields"):
            language = ui.select(LANGUAGES, label=t("Language"), value=known.language)
            self._language = form.field("language", language)
            preferred = ui.select(
                channels,
                label=t("Preferred channel"),
                value=known.preferred_channel,
                clearable=True,
            )
            self._preferred = form.field("preferred_channel", preferred)
            self._email = form.field("email", ui.input(t("E-mail"), value=known.email or ""))
            wecom_id = ui.input(t("WeCom ID"), value=known.wecom_id or "")
            self._wecom_id = form.field("wecom_id", wecom_id)

    def _set(self) -> Awaitable[Preferences]:
        request = ContactPreferencesRequest(
            version=self._form.version,
            language=self._language.value or "zh",
            preferred_channel=self._preferred.value,
            email=self._email.value or None,
            wecom_id=self._wecom_id.value or None,
            declined_channels=[each for each, made in self._declined.items() if made.value],
        )
        return self._ctx.services.crm.set_contact_preferences(
            self._ctx.store.id,
            self._known.customer_ref,
            request,
            idempotency_key=self._form.attempt,
        )

    async def _save(self) -> None:
        ctx, saved = self._ctx, await self._form.send(self._set)
        if saved:
            self._form.version = saved.version
            ui.notify(ctx.t("Saved."), type="positive", position="top")
        elif self._form.conflict:
            present = await ctx.services.crm.get_contact_preferences(
                ctx.store.id, self._known.customer_ref
            )
            self._conflict.clear()
            with self._conflict:
                _present(ctx, present)


def _present(ctx: PageContext, known: ContactView) -> None:
    """Show the present state that another user has saved meanwhile."""
    t = ctx.t
    declined = t.listed(t.code("channel", each) for each in known.declined_channels)
    preferred = known.preferred_channel
    facts(
        [
            (t("Language"), LANGUAGES[known.language]),
            (t("Preferred channel"), t.code("channel", preferred)),
            (t("E-mail"), known.email or formats.NOTHING),
            (t("WeCom ID"), known.wecom_id or formats.NOTHING),
            (t("Declined channels"), declined or formats.NOTHING),
        ]
    )


async def _record(ctx: PageContext, customer_ref: str) -> None:
    async def fetch() -> CustomerDetail:
        return await ctx.shared(
            f"record of {customer_ref}",
            lambda: ctx.services.crm.get_customer(ctx.store.id, customer_ref),
        )

    def render(known: CustomerDetail, renderer: PartialRenderer) -> None:
        renderer.section("record", lambda shown: CustomerRecord(ctx, shown).show(), known)

    await live(ctx, fetch, render)


async def _messages(ctx: PageContext, customer_ref: str) -> None:
    async def fetch() -> list[MessageView]:
        return await ctx.shared(
            f"messages of {customer_ref}",
            lambda: ctx.services.crm.list_messages(ctx.store.id, customer_ref=customer_ref),
        )

    def render(messages: list[MessageView], renderer: PartialRenderer) -> None:
        t = ctx.t
        if not messages:
            renderer.section("none", empty, t("No messages sent yet."))
            return
        headings = [t("Since"), t("Message type"), t("Channel"), t("Status"), ""]
        with renderer.frame("table", table, headings):
            for each in messages:
                renderer.section(each.message_id, partial(_message, ctx), each)

    await live(ctx, fetch, render)


def _message(ctx: PageContext, message: MessageView) -> None:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    with test_id("message", row()):
        cell(formats.day_and_clock(message.created_at, zone, now), "number")
        cell(t.code("message_type", message.message_type))
        cell(t.code("channel", message.channel))
        with cell_box():
            badge(t.code("message", message.status), _TONES[message.status])
        with cell_box("cell-actions"):
            if message.order_id:
                order = f"{ctx.store_path}/orders/{message.order_id}"
                link(t("Order"), order, "text-link")
