"""The plan of a campaign (活动策划) as a form: a new one, and a draft that is edited."""

from datetime import timedelta
from functools import partial
from typing import Any, get_args

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import box, button, dialog, test_id, text
from services.desk.components.forms import Form, choices, dialog_actions, styled, submit
from services.desk.components.segment import SegmentFields, size_of_segment
from services.desk.context import PageContext
from shared.clients.crm.models import (
    CampaignDetail,
    CampaignView,
    EditCampaignRequest,
    PlanCampaignRequest,
    PreviewSegmentRequest,
    PriceLimit,
    SegmentPreview,
)
from shared.contracts.crm import CampaignOrigin, CampaignReason, InvitationChannel

_USUAL_DAYS = 30
_USUAL_CONTROL = 10
_BP = 100
_CENTS = 100
_REQUIRED = ("title", "origin", "reason", "begins_on", "ends_on", "waves", "days_between_waves")

Draft = CampaignDetail | CampaignView
"""A campaign that has not begun."""


_Row = dict[str, ValidationElement[Any]]


class _Limits:
    """Price limits of the manufacturer (限价), a row a labor operation."""

    def __init__(self, ctx: PageContext, catalog: Catalog, limits: list[PriceLimit]) -> None:
        self._ctx = ctx
        self._operations = {each: catalog.operation(each) for each in catalog.operations}
        self._rows: list[_Row] = []
        text(ctx.t("Price limits of the manufacturer"), "section-title")
        self._place = box("rows")
        button(ctx.t("Add price limit"), self._add_empty, name="add-price-limit", kind="small")
        for each in limits:
            self._operations.setdefault(each.op_code, each.op_code)
            self._add(each)

    def find(self, path: str) -> ValidationElement[Any] | None:
        place, _, name = path.partition(".")
        return self._rows[int(place)].get(name) if place.isdigit() else None

    def values(self) -> list[dict[str, Any]]:
        return [
            {
                "op_code": each["op_code"].value,
                "floor_cents": _cents(each["floor_cents"].value),
                "ceiling_cents": _cents(each["ceiling_cents"].value),
            }
            for each in self._rows
        ]

    def _add_empty(self) -> None:
        self._add(None)

    def _add(self, limit: PriceLimit | None) -> None:
        t = self._ctx.t
        low, high = (limit.floor_cents, limit.ceiling_cents) if limit else (None, None)
        with self._place, box("fields") as surface:
            made: _Row = {
                "op_code": styled(
                    ui.select(
                        self._operations,
                        label=t("Labor operation"),
                        value=limit and limit.op_code,
                        with_input=True,
                    )
                ),
                "floor_cents": styled(_yuan(t("Lowest price"), low)),
                "ceiling_cents": styled(_yuan(t("Highest price"), high)),
            }
            out = button("×", partial(self._remove, made, surface), name="remove", kind="small")
            out.props["aria-label"] = out.props["title"] = t("Remove row")
        self._rows.append(made)

    def _remove(self, made: _Row, surface: ui.element) -> None:
        self._rows = [each for each in self._rows if each is not made]
        surface.delete()


class _PlanForm:
    """Fields of a campaign: its period and waves, whose it is, and its customers.

    They are filled with a ``draft`` that is edited.
    """

    def __init__(self, ctx: PageContext, form: Form, catalog: Catalog, draft: Draft | None) -> None:
        self._ctx = ctx
        self._form = form
        self._fields = self._plan_fields()
        if draft is not None:
            self._fill(draft)
        with box("limits") as place:
            self._limits = _Limits(ctx, catalog, draft.price_limits if draft else [])
        place.bind_visibility_from(self._fields["origin"], "value", value="manufacturer")
        form.part("price_limits", self._limits)
        text(ctx.t("Customers"), "section-title")
        self._segment = SegmentFields(form, draft.segment if draft else None)
        button(ctx.t("Show size"), self._preview, name="preview-segment")
        self._size = test_id("segment-size", box("segment-size"))

    def values(self) -> dict[str, Any]:
        """Return what is filled in, as the request has it."""
        value = {name: made.value for name, made in self._fields.items()}
        return {
            **value,
            **self._considered(),
            "rebate_target_cents": _cents(value["rebate_target_cents"]),
            "planned_cost_cents": _cents(value["planned_cost_cents"]) or 0,
            "price_limits": self._limits.values() if value["origin"] == "manufacturer" else [],
        }

    def _fill(self, draft: Draft) -> None:
        written = draft.model_dump(mode="json", include={*self._fields}) | {
            "control_bp": draft.control_bp / _BP,
            "planned_cost_cents": _in_yuan(draft.planned_cost_cents or None),
            "rebate_target_cents": _in_yuan(draft.rebate_target_cents),
        }
        for name, made in self._fields.items():
            made.set_value(written[name])

    def _plan_fields(self) -> dict[str, ValidationElement[Any]]:
        t, today = self._ctx.t, self._ctx.today()
        last = today + timedelta(days=_USUAL_DAYS)
        with box("fields"):
            fields: dict[str, ValidationElement[Any]] = {
                "title": ui.input(t("Name of the campaign")),
                "origin": ui.select(
                    choices(t, "campaign_origin", get_args(CampaignOrigin)),
                    label=t("Whose campaign"),
                    value="store",
                ),
                "reason": ui.select(
                    choices(t, "campaign_reason", get_args(CampaignReason)), label=t("Reason")
                ),
                "begins_on": _day(t("First day"), today.isoformat()),
                "ends_on": _day(t("Last day"), last.isoformat()),
                "invite_by": ui.select(
                    choices(t, "invitation_channel", get_args(InvitationChannel)),
                    label=t("Invitation by"),
                    value="message",
                ),
                "waves": ui.number(t("Waves, loyal customers first"), value=1, min=1, precision=0),
                "days_between_waves": ui.number(
                    t("Days between waves"), value=1, min=1, precision=0
                ),
                "control_bp": ui.number(
                    t("Held back for comparison"), value=_USUAL_CONTROL, min=0, suffix="%"
                ),
                "planned_cost_cents": _yuan(t("Planned cost")),
                "rebate_target_cents": _yuan(t("Rebate target (revenue)")),
            }
            for name, made in fields.items():
                self._form.field(name, made)
        return fields

    def _considered(self) -> dict[str, Any]:
        share = self._fields["control_bp"].value or 0
        return {"segment": self._segment.values(), "control_bp": round(share * _BP)}

    async def _preview(self) -> None:
        async def ask() -> SegmentPreview:
            body = PreviewSegmentRequest.model_validate(self._considered())
            return await self._ctx.services.crm.preview_segment(self._ctx.store.id, body)

        found = await self._form.send(ask)
        self._size.clear()
        if found is not None:
            with self._size:
                size_of_segment(self._ctx, found)


async def plan_dialog(ctx: PageContext) -> None:
    """Ask for the plan of a new campaign."""
    catalog = await ctx.catalog()
    with dialog(ctx.t("Plan campaign"), wide=True) as opened:
        form = Form(ctx)
        plan = _PlanForm(ctx, form, catalog, None)

        async def command() -> CampaignView:
            body = PlanCampaignRequest.model_validate(plan.values())
            return await ctx.services.crm.plan_campaign(
                ctx.store.id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require(*_REQUIRED):
                await submit(form, opened, command)

        dialog_actions(form, opened, ctx.t("Save"), send)


async def edit_dialog(ctx: PageContext, draft: Draft) -> None:
    """Ask how the plan of a draft is to be."""
    catalog = await ctx.catalog()
    with dialog(ctx.t("Edit campaign"), wide=True) as opened:
        form = Form(ctx, draft.version)
        plan = _PlanForm(ctx, form, catalog, draft)

        async def command() -> CampaignView:
            body = EditCampaignRequest.model_validate(plan.values() | {"version": form.version})
            return await ctx.services.crm.edit_campaign(
                ctx.store.id, draft.campaign_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require(*_REQUIRED):
                await submit(form, opened, command)

        dialog_actions(form, opened, ctx.t("Save"), send)


def _day(label: str, value: str) -> ui.input:
    return ui.input(label, value=value).props("type=date stack-label")


def _yuan(label: str, cents: int | None = None) -> ui.number:
    return ui.number(label, value=_in_yuan(cents), min=0, prefix="¥", format="%.2f")


def _in_yuan(cents: int | None) -> float | None:
    return None if cents is None else cents / _CENTS


def _cents(yuan: float | None) -> int | None:
    return None if yuan is None else formats.cents(yuan)
