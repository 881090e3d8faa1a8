"""One warranty claim (索赔单): its lines, its details, and the manufacturer's answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.client import new_attempt
from services.desk.components.claims import CLAIM_TONES, claim_deadline, claim_name
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    dialog,
    facts,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    send_now,
    several,
    submit,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.payment import method_field
from services.desk.components.work_choice import part_choice
from services.desk.context import Names, PageContext, Who
from services.desk.orders import numbers_of
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import (
    ClaimDecisionRequest,
    ClaimEntry,
    ClaimView,
    PhotoView,
    RecordClaimDetailsRequest,
    SettleClaimRequest,
    VersionedRequest,
)
from shared.contracts.reception import ClaimDecision, EstimateLine

PAGE = Page(
    path="/stores/{store_id}/claims/{claim_id}",
    title="Warranty claim",
    roles=roles_of(ReceptionApi.get_claim),
    requirements=("R6", "R8"),
)

_WITH_US = ("draft", "rejected")
_CENTS = 100


@dataclass(frozen=True)
class Dossier:
    """Claim, its customer and vehicle, and the pictures of its order."""

    claim: ClaimEntry
    who: Who
    photos: Sequence[PhotoView]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the claim, which follows reception."""
    catalog = await ctx.catalog()

    def render(dossier: Dossier, renderer: PartialRenderer) -> None:
        renderer.section("head", partial(_head, ctx, catalog), dossier.claim, dossier.who)
        renderer.section("claim_details", partial(_claim_details, ctx, catalog), dossier)
        renderer.section("lines", partial(_lines, ctx, catalog), dossier.claim.lines)

    await live(ctx, lambda: _read(ctx, catalog), render)


async def _read(ctx: PageContext, catalog: Catalog) -> Dossier:
    claim_id, reception, store_id = ctx.parameters["claim_id"], ctx.services.reception, ctx.store.id
    claim = await ctx.shared(f"claim {claim_id}", lambda: reception.get_claim(store_id, claim_id))
    await catalog.know_parts_of(claim.lines)
    if causal := claim.claim_details.causal_part_number:
        await catalog.parts.know([causal])
    photos, names = await asyncio.gather(
        ctx.shared(
            f"photos {claim.order_id}",
            lambda: reception.list_order_photos(store_id, claim.order_id),
        ),
        ctx.names([claim.customer_ref], [claim.plate_ref]),
        return_exceptions=True,
    )
    return Dossier(
        claim,
        (Names() if isinstance(names, BaseException) else names).of(
            claim.customer_ref, claim.plate_ref
        ),
        [] if isinstance(photos, BaseException) else photos,
    )


def _head(ctx: PageContext, catalog: Catalog, claim: ClaimEntry, who: Who) -> None:
    t, reception = ctx.t, ctx.services.reception
    with panel():
        with box("order-head"):
            with box("card-names"):
                text(claim_name(catalog, claim), "plate")
                number = numbers_of(ctx, [claim])[claim.order_id]
                known = (who.plate, who.name)
                label = " · ".join((f"{t('Order')} {number}", *filter(None, known)))
                link(label, f"{ctx.store_path}/orders/{claim.order_id}", "text-link")
            badge(t.code("claim", claim.status), CLAIM_TONES[claim.status])
            box("spacer")
            with box("promise-side"):
                text(
                    t.code("pending_step", claim.pending_step) if claim.pending_step else "",
                    "promise-label",
                )
                claim_deadline(ctx, claim)
        with box("claim-facts"):
            facts(
                [
                    (t("Claimed"), formats.money(claim.amount_cents)),
                    (t("Approved"), formats.money(claim.approved_cents or None)),
                    (t("Submissions"), str(claim.submission_number)),
                    (t("Answer of the manufacturer"), _last_answer(ctx, claim)),
                ]
            )
        with box("card-actions"):
            if ctx.may(reception.submit_claim):
                _counter_actions(ctx, claim)
            if ctx.may(reception.write_claim_off) and claim.status in _WITH_US:
                button(t("Write off …"), partial(_write_off, ctx, claim), name="write-off")


def _last_answer(ctx: PageContext, claim: ClaimEntry) -> str:
    """Return the manufacturer's last decision, and its time."""
    if claim.decision is None:
        return formats.NOTHING
    at = formats.day_and_clock(claim.decided_at, ctx.store.timezone, ctx.now())
    return f"{ctx.t.code('claim_decision', claim.decision)} · {at}"


def _counter_actions(ctx: PageContext, claim: ClaimEntry) -> None:
    t = ctx.t
    match claim.status:
        case "draft" | "rejected":
            send = partial(send_now, ctx, _submitting(ctx, claim))
            again = claim.status == "rejected"
            label = t("Submit again") if again else t("Submit to the manufacturer")
            made = button(label, send, name="submit-claim", kind="main")
            made.set_enabled(not claim.missing)
        case "submitted":
            button(
                t("Record the decision…"),
                partial(_decision, ctx, claim),
                name="decision",
                kind="main",
            )
        case "approved":
            button(
                t("Record the payment …"),
                partial(_settle, ctx, claim),
                name="settle-claim",
                kind="main",
            )


def _submitting(ctx: PageContext, claim: ClaimEntry) -> Callable[[], Awaitable[ClaimView]]:
    attempt, request = new_attempt(), VersionedRequest(version=claim.version)
    return lambda: ctx.services.reception.submit_claim(
        ctx.store.id, claim.claim_id, request, idempotency_key=attempt
    )


def _claim_details(ctx: PageContext, catalog: Catalog, dossier: Dossier) -> None:
    """Show the details that the manufacturer requires; missing ones are named."""
    t, claim = ctx.t, dossier.claim
    claim_details = claim.claim_details
    with panel(t("Claim details")):
        odometer = claim_details.odometer_km
        facts(
            [
                (
                    t.code("claim_details", "odometer_km"),
                    formats.NOTHING if odometer is None else f"{odometer:,} km",
                ),
                (
                    t.code("claim_details", "in_service_date"),
                    str(claim_details.in_service_date or formats.NOTHING),
                ),
                (t.code("claim_details", "dtc"), claim_details.dtc or formats.NOTHING),
                (
                    t.code("claim_details", "causal_part_number"),
                    catalog.parts.name(claim_details.causal_part_number)
                    if claim_details.causal_part_number
                    else formats.NOTHING,
                ),
                (t.code("claim_details", "photo_ids"), str(len(claim_details.photo_ids))),
            ]
        )
        if claim.missing and claim.status in _WITH_US:
            with test_id("missing", box("state-line")):
                text(t("Missing"), "hint")
                for name in claim.missing:
                    badge(t.code("claim_details", name), "bad")
        records = ctx.may(ctx.services.reception.record_claim_details)
        if records and claim.status in _WITH_US:
            with box("card-actions"):
                button(
                    t("Complete the claim details …"),
                    partial(_ClaimDetailsDialog, ctx, catalog, dossier),
                    name="claim_details",
                )


class _ClaimDetailsDialog:
    """Dialog that completes the details of a claim (索赔资料)."""

    def __init__(self, ctx: PageContext, catalog: Catalog, dossier: Dossier) -> None:
        t = ctx.t
        self._ctx = ctx
        self._claim = dossier.claim
        with dialog(t("Claim details"), wide=True) as opened:
            self._form = Form(ctx, self._claim.version)
            self._fields(catalog)
            self._photo_choice(dossier.photos)
            dialog_actions(
                self._form, opened, t("Save"), lambda: submit(self._form, opened, self._record)
            )

    def _fields(self, catalog: Catalog) -> None:
        form, known = self._form, self._claim.claim_details
        label = partial(self._ctx.t.code, "claim_details")
        with box("fields"):
            odometer = ui.number(
                label("odometer_km"), value=known.odometer_km, min=0, precision=0, suffix="km"
            )
            self._odometer = form.field("odometer_km", odometer)
            day = ui.input(label("in_service_date"), value=str(known.in_service_date or ""))
            self._day = form.field("in_service_date", day).props("type=date stack-label")
            fault = ui.input(label("dtc"), value=known.dtc or "", placeholder="P0301")
            self._fault = form.field("dtc", fault)
            part = part_choice(
                self._ctx.t,
                catalog,
                label("causal_part_number"),
                [known.causal_part_number] if known.causal_part_number else [],
                most=1,
            )
            self._part = form.field("causal_part_number", part)

    def _photo_choice(self, taken: Sequence[PhotoView]) -> None:
        t, zone, now = self._ctx.t, self._ctx.store.timezone, self._ctx.now()
        photos = {
            each.photo_id: f"{t.code('photo', each.kind)} · "
            + formats.day_and_clock(each.taken_at, zone, now)
            for each in taken
        }
        label, chosen = t.code("claim_details", "photo_ids"), self._claim.claim_details.photo_ids
        self._photos = self._form.field("photo_ids", several(photos, label, chosen))
        self._photos.set_visibility(bool(photos))

    def _record(self) -> Awaitable[ClaimView]:
        odometer, day = self._odometer.value, self._day.value
        request = RecordClaimDetailsRequest(
            version=self._form.version,
            odometer_km=None if odometer is None else int(odometer),
            in_service_date=date.fromisoformat(day) if day else None,
            dtc=(self._fault.value or "").strip().upper() or None,
            causal_part_number=next(iter(self._part.value), None),
            photo_ids=self._photos.value,
        )
        return self._ctx.services.reception.record_claim_details(
            self._ctx.store.id, self._claim.claim_id, request, idempotency_key=self._form.attempt
        )


def _decision(ctx: PageContext, claim: ClaimEntry) -> None:
    """Ask for the amount that the manufacturer pays (回复); none where it rejects the claim."""
    t = ctx.t
    with dialog(t("Answer of the manufacturer")) as opened:
        form = Form(ctx, claim.version)
        code = form.field(
            "code",
            ui.select(
                choices(t, "claim_decision", get_args(ClaimDecision)),
                label=t("Claim decision"),
                value="accepted",
            ),
        )
        approved = form.field(
            "approved_cents",
            ui.number(
                t("Approved"),
                value=claim.amount_cents / _CENTS,
                min=0,
                prefix="¥",
                format="%.2f",
            ),
        )
        text(t("If nothing is approved, the claim can be completed and submitted again."), "hint")

        def record() -> Awaitable[ClaimView]:
            request = ClaimDecisionRequest(
                version=form.version,
                approved_cents=formats.cents(approved.value or 0),
                code=code.value,
            )
            return ctx.services.reception.record_claim_decision(
                ctx.store.id, claim.claim_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("approved_cents"):
                await submit(form, opened, record)

        dialog_actions(form, opened, t("Save"), send)


def _settle(ctx: PageContext, claim: ClaimEntry) -> None:
    """Record the manufacturer's payment (索赔结算); the store bears the rest."""
    t = ctx.t
    with dialog(t("Payment of the manufacturer")) as opened:
        form = Form(ctx, claim.version)
        rest = claim.amount_cents - claim.approved_cents
        facts(
            [
                (t("Approved"), formats.money(claim.approved_cents)),
                (t("The store bears"), formats.money(rest)),
            ]
        )
        method = method_field(form)
        method.set_value("transfer")

        def settle() -> Awaitable[ClaimView]:
            request = SettleClaimRequest(version=form.version, method=method.value)
            return ctx.services.reception.settle_claim(
                ctx.store.id, claim.claim_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            await submit(form, opened, settle)

        dialog_actions(form, opened, t("Record the payment"), send)


def _write_off(ctx: PageContext, claim: ClaimEntry) -> None:
    """Write the claim off: it will not be paid (索赔核销)."""
    t = ctx.t
    with dialog(t("Write the claim off")) as opened:
        form = Form(ctx, claim.version)
        facts([(t("The store bears"), formats.money(claim.amount_cents))])

        def write_off() -> Awaitable[ClaimView]:
            request = VersionedRequest(version=form.version)
            return ctx.services.reception.write_claim_off(
                ctx.store.id, claim.claim_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            await submit(form, opened, write_off)

        dialog_actions(form, opened, t("Write off"), send)


def _lines(ctx: PageContext, catalog: Catalog, lines: Sequence[EstimateLine]) -> None:
    t, amounts = ctx.t, (ctx.t("Quantity"), ctx.t("Amount"))
    with panel(t("Claimed work and parts")), table([t("Item"), *amounts], amounts):
        for line in lines:
            with row():
                cell(catalog.line(line.kind, line.code))
                cell(str(line.quantity), "figure")
                cell(formats.money(line.amount_cents), "figure")
