"""Campaigns (营销活动): the list, and the plan of a new one with the size of its segment."""

from datetime import timedelta
from functools import partial
from typing import Any, get_args

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from services.desk import formats
from services.desk.components.campaign import CAMPAIGN_TONES
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    link,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, choices, dialog_actions, styled, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.segment import SegmentFields, size_of_segment
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    CampaignStatus,
    CampaignView,
    PlanCampaignRequest,
    PreviewSegmentRequest,
    SegmentPreview,
)
from shared.contracts.crm import CampaignOrigin, CampaignReason, InvitationChannel

PAGE = Page(
    path="/stores/{store_id}/campaigns",
    title="Campaigns",
    icon="ads_click",
    roles=roles_of(CrmApi.list_campaigns),
    requirements=("R28",),
)

_VIEWS: dict[str, tuple[str, list[CampaignStatus]]] = {
    "open": ("Planned and running", ["draft", "scheduled", "running"]),
    "ended": ("Ended", ["ended", "cancelled"]),
}
_USUAL_DAYS = 30
_USUAL_CONTROL = 10
_BP = 100
_REQUIRED = ("title", "origin", "reason", "begins_on", "ends_on", "waves", "days_between_waves")


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show campaigns that are planned or run, and those that are over."""
    t, asked = ctx.t, ctx.query.get("view")
    chosen = asked if asked in _VIEWS else "open"
    with box("tabs"):
        for view, (title, _) in _VIEWS.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(t(title), f"?view={view}", classes))
    if ctx.may(ctx.services.crm.plan_campaign):
        with box("toolbar"):
            button(
                t("Plan campaign…"), partial(_plan_dialog, ctx), name="plan-campaign", kind="main"
            )

    async def fetch() -> list[CampaignView]:
        return await ctx.shared(
            f"campaigns {chosen}",
            lambda: ctx.services.crm.list_campaigns(ctx.store.id, status=_VIEWS[chosen][1]),
        )

    def render(campaigns: list[CampaignView], renderer: PartialRenderer) -> None:
        if not campaigns:
            renderer.section("none", empty, t("No campaigns here."))
            return
        headings = [t("Campaign"), t("Whose campaign"), t("Reason"), t("Period"), t("Status")]
        with renderer.frame("table", table, headings):
            for each in campaigns:
                renderer.section(each.campaign_id, partial(_row, ctx), each)

    await live(ctx, fetch, render)


def _row(ctx: PageContext, campaign: CampaignView) -> None:
    t = ctx.t
    with test_id("campaign", row("row-link")):
        with cell_box():
            link(campaign.title, f"{ctx.store_path}/campaigns/{campaign.campaign_id}", "row-anchor")
        cell(t.code("campaign_origin", campaign.origin))
        cell(t.code("campaign_reason", campaign.reason))
        cell(f"{campaign.begins_on} – {campaign.ends_on}", "number")
        with cell_box():
            badge(t.code("campaign_status", campaign.status), CAMPAIGN_TONES[campaign.status])


class _Limits:
    """Price limits of the manufacturer (限价), a row a labor operation."""

    def __init__(self, ctx: PageContext) -> None:
        self._ctx = ctx
        self._rows: list[dict[str, ValidationElement[Any]]] = []
        text(ctx.t("Price limits of the manufacturer"), "section-title")
        self._place = box("rows")
        button(ctx.t("Add price limit"), self._add, name="add-price-limit", kind="small")

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

    async def _add(self) -> None:
        t, catalog = self._ctx.t, await self._ctx.catalog()
        operations = {each: catalog.operation(each) for each in catalog.operations}
        with self._place, box("fields"):
            self._rows.append(
                {
                    "op_code": styled(
                        ui.select(operations, label=t("Labor operation"), with_input=True)
                    ),
                    "floor_cents": styled(_yuan(t("Lowest price"))),
                    "ceiling_cents": styled(_yuan(t("Highest price"))),
                }
            )


class _PlanForm:
    """Fields of a new campaign: its period and waves, whose it is, and its customers."""

    def __init__(self, ctx: PageContext, form: Form) -> None:
        self._ctx = ctx
        self._form = form
        self._fields = self._plan_fields()
        with box("limits") as place:
            self._limits = _Limits(ctx)
        place.bind_visibility_from(self._fields["origin"], "value", value="manufacturer")
        form.part("price_limits", self._limits)
        text(ctx.t("Customers"), "section-title")
        self._segment = SegmentFields(form)
        button(ctx.t("Show size"), self._preview, name="preview-segment")
        self._size = test_id("segment-size", box("segment-size"))

    def request(self) -> PlanCampaignRequest:
        """Return what is filled in.

        Raises:
            ValidationError: no campaign can be so.
        """
        value = {name: made.value for name, made in self._fields.items()}
        return PlanCampaignRequest.model_validate(
            {
                **value,
                **self._considered(),
                "rebate_target_cents": _cents(value["rebate_target_cents"]),
                "planned_cost_cents": _cents(value["planned_cost_cents"]) or 0,
                "price_limits": self._limits.values() if value["origin"] == "manufacturer" else [],
            }
        )

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


async def _plan_dialog(ctx: PageContext) -> None:
    with dialog(ctx.t("Plan campaign"), wide=True) as opened:
        form = Form(ctx)
        plan = _PlanForm(ctx, form)

        async def command() -> CampaignView:
            return await ctx.services.crm.plan_campaign(
                ctx.store.id, plan.request(), idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require(*_REQUIRED):
                await submit(form, opened, command)

        dialog_actions(form, opened, ctx.t("Save"), send)


def _day(label: str, value: str) -> ui.input:
    return ui.input(label, value=value).props("type=date stack-label")


def _yuan(label: str) -> ui.number:
    return ui.number(label, min=0, prefix="¥", format="%.2f")


def _cents(yuan: float | None) -> int | None:
    return None if yuan is None else formats.cents(yuan)
