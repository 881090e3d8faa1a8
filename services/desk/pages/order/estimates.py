"""Versions of the estimate side by side (估价), and the customer's decision (授权, 增项)."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from functools import partial

import segno
from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    facts,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, choices, dialog_actions, dialog_foot, submit
from services.desk.components.offer import OfferChoice
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.problems import error_text
from services.desk.components.work_choice import Line, WorkChoice, line_name, price_line
from services.desk.context import PageContext
from services.desk.pages.order.data import OrderPage
from services.desk.promise import limiting_factor_text
from shared.clients.reception.models import (
    CreateLinkRequest,
    EstimateAuthorizationRequest,
    EstimateDecisionRequest,
    EstimateView,
    LinkConsent,
    LinkView,
    LinkWithUses,
    Offer,
    Quote,
    QuoteRequest,
    ReviseEstimateRequest,
    ShownLink,
)
from shared.contracts.reception import EstimateLine

_TONES = {
    "awaiting": "warn",
    "authorized": "good",
    "declined": "bad",
    "not_offered": "quiet",
    "unanswered": "quiet",
    "superseded": "quiet",
}
_ESTIMABLE = ("greeted", "opened", "in_progress", "ready")
_SHOWN = 4

LineKey = tuple[str, str]
"""Package and code of a line, which identify it in every version."""


def estimates(page: OrderPage, renderer: PartialRenderer) -> None:
    """Show the versions by matter, and the customer's decisions."""
    ctx, t, data = page.ctx, page.ctx.t, page.data
    reception = ctx.services.reception
    in_time = data.status in _ESTIMABLE and not data.order.invoice_id
    may_change = ctx.may(reception.submit_estimate) and in_time
    may_answer = ctx.may(reception.authorize_estimate) and in_time
    if not (data.estimates or may_change):
        return
    with renderer.frame("estimates", partial(panel, name="estimates"), t("Estimates")):
        for number, versions in enumerate(_matters(data.estimates)):
            title = t("Additional work {number}", number=number) if number else t("Ordered work")
            numbers = {version.version for version in versions}
            links = [each for each in data.links if each.version in numbers]
            if versions:
                renderer.section(title, partial(_matter, page, title), versions, links, may_answer)
        if may_change:
            renderer.section("editing", partial(_editing, page), bool(data.estimates), data.status)
            for offered in data.work_to_reoffer:
                key = f"{offered.order_id} {offered.version}"
                renderer.section(key, partial(_offered_before, page), offered)


def _matters(versions: Sequence[EstimateView]) -> list[list[EstimateView]]:
    """Return the versions by matter, the originally ordered work first."""
    matters: dict[str | None, list[EstimateView]] = {None: []}
    for version in versions:
        matters.setdefault(version.additional_work_id, []).append(version)
    return list(matters.values())


def _matter(
    page: OrderPage,
    title: str,
    versions: Sequence[EstimateView],
    links: Sequence[LinkWithUses],
    may_answer: bool,
) -> None:
    ctx = page.ctx
    with box("matter"):
        with box("state-line"):
            text(title, "section-title")
            badge(ctx.t.code("estimate", versions[-1].status), _TONES[versions[-1].status])
        _comparison(ctx, page.catalog, versions[-_SHOWN:])
        awaiting = next((each for each in versions if each.status == "awaiting"), None)
        for each in links[-_SHOWN:]:
            _link_line(ctx, each)
        if awaiting and may_answer:
            _answers(page, awaiting)


def _link_line(ctx: PageContext, link: LinkWithUses) -> None:
    """Show the state of a link: sent, shown to colleagues, opened by the customer, answered."""
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    said = []
    if link.sent:
        said.append(t("Sent {time}", time=formats.day_and_clock(link.made_at, zone, now)))
    for use in link.uses:
        code = "seen" if use.use == "opened" and use.colleague else use.use
        when = formats.day_and_clock(use.at, zone, now)
        colleague = use.colleague
        by = ctx.colleague(colleague) if colleague else t.code("device", use.device)
        said.append(f"{t.code('link_use', code)} {when} ({by})")
    with test_id("link-line", box("state-line")):
        text(t("Link"), "card-note")
        text(" · ".join(said) or t("Not sent and not opened"), "card-note")


def _comparison(ctx: PageContext, catalog: Catalog, versions: Sequence[EstimateView]) -> None:
    """Show a column a version; differences from the one before stand out."""
    t = ctx.t
    headings = [t("Version {number}", number=each.version) for each in versions]
    lines = [{_key(line): line for line in each.lines} for each in versions]
    keys = dict.fromkeys(key for of_version in lines for key in of_version)
    with table([t("Item"), *headings], headings):
        for key in keys:
            with row():
                cell(line_name(catalog, next(each[key] for each in lines if key in each)))
                before: EstimateLine | None = None
                for place, of_version in enumerate(lines):
                    line = of_version.get(key)
                    _amount(ctx, line, changed=place > 0 and line != before)
                    before = line
        with row("total"):
            cell(t("Total, tax included"))
            for version in versions:
                cell(formats.money(version.total_cents), "figure")
        with row("outcome"):
            cell("")
            for version in versions:
                with cell_box("figure"):
                    _outcome(ctx, version)


def _key(line: EstimateLine) -> LineKey:
    return line.package_id or "", line.code


def _amount(ctx: PageContext, line: EstimateLine | None, *, changed: bool) -> None:
    with cell_box("figure changed" if changed else "figure"):
        if line is None:
            text(formats.NOTHING)
            return
        text(formats.money(line.amount_cents))
        notes = [f"× {line.quantity}"] if line.quantity > 1 else []
        if line.pay_type != "customer":
            notes.append(ctx.t.code("pay", line.pay_type))
        if notes:
            text(" · ".join(notes), "card-note")


def _outcome(ctx: PageContext, version: EstimateView) -> None:
    """Show the decision on a version: how, when, and who recorded it."""
    t, zone = ctx.t, ctx.store.timezone
    text(t.code("estimate", version.status), f"outcome-{_TONES[version.status]}")
    by: str | None = version.presented_by
    at = version.presented_at
    if version.decided_at:
        by, at = version.recorded_by, version.decided_at
        text(t.code("authorization_channel", version.channel), "card-note")
        _doubts(ctx, version.link_consent)
    person = f"{ctx.colleague(by)} · " if by else ""
    text(person + formats.day_and_clock(at, zone, ctx.now()), "card-note")


def _doubts(ctx: PageContext, consent: LinkConsent | None) -> None:
    """Show the signs that a decision over a link may not be the customer's own."""
    if consent is None:
        return
    t = ctx.t
    for colleague in consent.shown_to:
        shown = badge(
            t("Link was shown to {person} before", person=ctx.colleague(colleague)), "warn"
        )
        test_id("shown-before", shown)
    if consent.staff_device:
        device = ctx.colleague(consent.staff_device)
        test_id("staff-device", badge(t("From the device of {person}", person=device), "warn"))
    if consent.contact_changed_by:
        changed = t(
            "Sent to a contact that {person} set {time}",
            person=ctx.colleague(consent.contact_changed_by),
            time=formats.day_and_clock(consent.contact_changed_at, ctx.store.timezone, ctx.now()),
        )
        test_id("contact-changed", badge(changed, "warn"))
    if not consent.contact_known:
        badge(t("Contact not checked: customer relations did not respond"), "warn")
    if consent.own_network:
        badge(t("From the store's network"), "busy")


def _answers(page: OrderPage, version: EstimateView) -> None:
    """Offer ways to the customer's decision on a version that awaits it."""
    t, number = page.ctx.t, version.version
    with box("card-actions"):
        button(
            t("Customer's decision …"),
            _DecisionDialog(page, version).open,
            name=f"decision-{number}",
            kind="main",
        )
        if page.ctx.may(page.ctx.services.reception.create_link):
            button(t("Link …"), partial(_link, page, version), name=f"link-{number}")


class _DecisionDialog:
    """Customer's decision at the counter or by phone, with the recording person."""

    def __init__(self, page: OrderPage, version: EstimateView) -> None:
        self._page = page
        self._ctx = page.ctx
        self._ids = *page.ids, version.version
        self._reception = page.ctx.services.reception

    async def open(self) -> None:
        t = self._ctx.t
        with dialog(t("The customer's decision"), wide=True) as self._opened:
            self._form = form = Form(self._ctx, self._page.data.version)
            offer = await self._ask([])
            if offer is None:
                return
            self._chosen = OfferChoice(t, offer, self._ask, self._when)
            self._channel = form.field(
                "channel",
                ui.select(
                    choices(t, "authorization_channel", offer.channels),
                    label=t("How"),
                    value=offer.channels[0],
                ),
            )
            with dialog_foot(form):
                button(t("Cancel"), self._opened.close, name="dialog-cancel")
                button(t("Customer declines"), self._decline, name="decline")
                button(t("Customer agrees"), self._agree, name="dialog-send", kind="main")

    async def _ask(self, declined: list[str]) -> Offer | None:
        return await self._form.send(
            lambda: self._reception.get_offer(*self._ids, declined=declined)
        )

    def _when(self, moment: datetime) -> str:
        return formats.day_and_clock(moment, self._ctx.store.timezone, self._ctx.now())

    async def _agree(self) -> None:
        form, chosen = self._form, self._chosen
        if chosen.is_empty:
            await self._decline()
            return
        response = await submit(form, self._opened, self._send_authorization)
        if response is None and form.error and form.error.rule == "promise_later":
            said = error_text(self._ctx.t, form.error)
            await chosen.refresh()
            form.say(said)

    def _send_authorization(self) -> Awaitable[EstimateView]:
        return self._reception.authorize_estimate(
            *self._ids,
            EstimateAuthorizationRequest(
                version=self._form.version,
                channel=self._channel.value,
                declined=self._chosen.declined,
                promised_at=self._chosen.promised_at,
            ),
            idempotency_key=self._form.attempt,
        )

    async def _decline(self) -> None:
        await submit(self._form, self._opened, self._send_decline)

    def _send_decline(self) -> Awaitable[EstimateView]:
        request = EstimateDecisionRequest(version=self._form.version, channel=self._channel.value)
        return self._reception.decline_estimate(
            *self._ids, request, idempotency_key=self._form.attempt
        )


def _link(page: OrderPage, version: EstimateView) -> None:
    """Show a one-time link: sent to the customer's phone, or scanned by them from this screen;
    every opening is recorded.
    """
    ctx, t = page.ctx, page.ctx.t
    reception = ctx.services.reception

    async def made_link(*, send: bool) -> LinkView | ShownLink:
        link = await reception.create_link(
            *page.ids,
            version.version,
            CreateLinkRequest(send=send),
            idempotency_key=form.attempt,
        )
        if send:
            return link
        return await reception.show_link(*page.ids, link.link_id, idempotency_key=form.attempt)

    with dialog(t("Link for the customer")) as opened:
        form = Form(ctx)
        made = box("link-made")
        with made:
            text(
                t("The link shows the estimate without signing in; it works once, for 24 hours."),
                "hint",
            )
            text(
                t("Only the customer may answer by link; staff who open the QR code are recorded."),
                "hint",
            )

        async def make(*, send: bool) -> None:
            link = await form.send(lambda: made_link(send=send))
            if link:
                offers.set_visibility(False)
                made.clear()
                with made:
                    _show_link(ctx, link)

        with dialog_foot(form):
            button(t("Close"), opened.close, name="dialog-cancel")
            with box("dialog-offers") as offers:
                button(t("Show QR code"), lambda: make(send=False), name="show-link")
                send = button(
                    t("Send to the customer"),
                    lambda: make(send=True),
                    name="send-link",
                    kind="main",
                )
                send.set_enabled(bool(page.data.order.customer_ref))


def _show_link(ctx: PageContext, link: LinkView | ShownLink) -> None:
    t, zone = ctx.t, ctx.store.timezone
    if isinstance(link, ShownLink):
        code = segno.make(link.url, micro=False).svg_data_uri(scale=5, border=2, dark="#1b2733")
        image = ui.element("img").classes("qr-code")
        image.props["src"] = code
        test_id("link-code", image)
    else:
        badge(t("Handed to customer relations to be sent"), "good")
    if link.promised_at:
        promised = formats.day_and_clock(link.promised_at, zone, ctx.now())
        text(t("Promised {time} if the customer agrees", time=promised), "card-note")
    until = formats.day_and_clock(link.expires_at, zone, ctx.now())
    text(t("Valid until {time}", time=until), "card-note")


def _editing(page: OrderPage, estimated: bool, status: str) -> None:
    t = page.ctx.t
    with box("card-actions"):
        button(
            t("Revise the estimate …") if estimated else t("Make an estimate …"),
            lambda: _Editor(page).open(page.data.order.lines),
            name="revise-estimate",
        )
        if status != "greeted":
            button(
                t("Add work …"),
                lambda: _Editor(page, additional=True).open(()),
                name="add-work",
            )


def _offered_before(page: OrderPage, offered: EstimateView) -> None:
    """Show work that was not ordered at an earlier visit, and why (未做增项)."""
    ctx, t, zone = page.ctx, page.ctx.t, page.ctx.store.timezone
    names = t.listed(
        line_name(page.catalog, line) for line in offered.lines if line.kind == "labor"
    )
    with test_id("work-to-reoffer", box("state-line")):
        badge(t("Not done last time"), "warn")
        text(names)
        at = formats.day_and_clock(offered.presented_at, zone, ctx.now())
        why = t.code("estimate", offered.status)
        text(f"{at} · {formats.money(offered.total_cents)} · {why}", "card-note")
        button(
            t("Offer again …"),
            lambda: _Editor(page, additional=True).open(offered.lines),
            name="offer-again",
            kind="small",
        )


class _Editor:
    """New version of the estimate: the work on the left, its price and the present version on the
    right.

    After a conflict with another user, the input stays, and the right side shows the present state.
    """

    def __init__(self, page: OrderPage, *, additional: bool = False) -> None:
        self._page = page
        self._ctx = page.ctx
        self._catalog = page.catalog
        self._additional = additional
        self._asked = 0

    async def open(self, lines: Sequence[Line]) -> None:
        await self._catalog.know_parts_of(lines)
        t, ctx = self._ctx.t, self._ctx
        reception, title = ctx.services.reception, t("Revise the estimate")
        present = reception.submit_estimate
        if self._additional:
            title, present = t("Add work"), reception.submit_additional_work
        with dialog(title, wide=True) as opened:
            self._form = form = Form(ctx, self._page.data.version)
            with box("editor"):
                with box("editor-input"):
                    self._work = WorkChoice(t, form, self._catalog, lines, self._price)
                with box("editor-side"):
                    self._quote = box("summary")
                    text(t("Authorized so far"), "section-title")
                    with box("present"):
                        form.show(self._show_present)
            text(t("It replaces the version that the customer has not answered yet."), "hint")

            async def send() -> None:
                await self._page.submit(form, opened, present, self._request)

            dialog_actions(form, opened, t("Present to customer"), send)
        await self._price()

    def _show_present(self) -> None:
        t, order = self._ctx.t, self._page.data.order
        for line in order.lines:
            price_line(self._catalog, line)
        zone, now = self._ctx.store.timezone, self._ctx.now()
        facts(
            [
                (t("Estimate"), formats.money(order.estimate_cents)),
                (t("Promised time"), formats.day_and_clock(order.promised_at, zone, now)),
            ]
        )

    def _request(self) -> ReviseEstimateRequest:
        work = self._work
        return ReviseEstimateRequest(
            version=self._form.version,
            op_codes=work.op_codes,
            parts=work.parts,
            packages=work.packages,
            pay_types=work.pay_types,
        )

    async def _price(self) -> None:
        """Show the price of the chosen work; only the response to the latest choice counts."""
        self._asked += 1
        asked = self._asked
        self._quote.clear()
        if self._work.is_empty:
            with self._quote:
                text(self._ctx.t("Choose the work to see its price."), "hint")
            return
        quote = await self._form.send(self._ask_price)
        if quote and asked == self._asked:
            with self._quote:
                self._show_quote(quote)

    def _ask_price(self) -> Awaitable[Quote]:
        work = self._work
        request = QuoteRequest(
            op_codes=work.op_codes,
            parts=work.parts,
            packages=work.packages,
            pay_types=work.pay_types,
            order_id=self._page.data.order.order_id if self._additional else None,
        )
        return self._ctx.services.reception.quote(self._ctx.store.id, request)

    def _show_quote(self, quote: Quote) -> None:
        t, ctx = self._ctx.t, self._ctx
        for line in quote.lines:
            price_line(self._catalog, line)
        with box("quote-total"):
            text(t("Total, tax {tax} included", tax=formats.money(quote.tax_cents)))
            test_id("new-total", text(formats.money(quote.estimate_cents), "number"))
        if self._additional:
            when = formats.day_and_clock(quote.promised_at, ctx.store.timezone, ctx.now())
            with box("promise-box"):
                text(t("New promised time of the order"), "promise-label")
                test_id("new-promise", text(when, "promise-time"))
                text(limiting_factor_text(ctx, quote), "hint")
