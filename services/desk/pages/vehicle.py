"""One vehicle (车辆): its plates and its people over time."""

from collections.abc import Awaitable
from functools import partial

from services.desk import formats
from services.desk.components.customer_record import since_until
from services.desk.components.elements import box, facts, link, panel, test_id, text
from services.desk.components.timeline import timeline
from services.desk.components.vouchers import issue_button
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import CustomerVehicleView, Timeline, VehiclePersonView

PAGE = Page(
    path="/stores/{store_id}/vehicles/{vehicle_ref}",
    title="Vehicle",
    roles=roles_of(CrmApi.get_vehicle_record),
    requirements=("R16", "R19", "R21", "R28"),
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the vehicle with its people, each leading to their own page."""
    ref = ctx.parameters["vehicle_ref"]
    known = await ctx.services.crm.get_vehicle_record(ctx.store.id, ref)
    text(f"{known.brand} {known.model}", "subtitle")
    with box("toolbar"):
        issue_button(ctx, vehicle_ref=ref)
    with box("columns even"):
        with box("column-wide"), panel(ctx.t("Vehicle record")):
            _record(ctx, known)
        with box("column-wide"), panel(ctx.t("Visits and contacts")):
            await timeline(ctx, partial(_timeline_page, ctx, ref))


def _timeline_page(ctx: PageContext, ref: str, after: str | None) -> Awaitable[Timeline]:
    return ctx.services.crm.get_vehicle_timeline(ctx.store.id, ref, after=after)


def _record(ctx: PageContext, known: CustomerVehicleView) -> None:
    t = ctx.t
    facts([(t("VIN"), known.vin or formats.NOTHING)])
    text(t("Plate"), "section-title")
    for plate in known.plates:
        with test_id("plate", box("visit-line")):
            text(plate.plate or formats.NOTHING, "plate")
            text(since_until(ctx, plate.since, plate.until), "hint")
    text(t("People"), "section-title")
    for person in known.people:
        _person(ctx, person)


def _person(ctx: PageContext, person: VehiclePersonView) -> None:
    with test_id("vehicle-person", box("visit-line")):
        address = f"{ctx.store_path}/customers/{person.customer_ref}"
        link(person.name or formats.NOTHING, address, "text-link")
        text(ctx.t.code("vehicle_role", person.role))
        text(since_until(ctx, person.since, person.until), "hint")
