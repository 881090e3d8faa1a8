"""Known facts of a vehicle at reception."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.additional_work import vehicle_work_to_reoffer
from services.reception.application.deps import Deps
from services.reception.application.estimates import EstimateView
from services.reception.clients.crm import KnownVehicle
from services.reception.domain.lifecycle import RepairOrderStatus
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts.management import Entitlement
from shared.recalls import open_recalls
from shared.security import Principal
from shared.sharing import log_cross_store_access

_HISTORY = 10


class VisitView(BaseModel):
    """Visit of the vehicle to a store of the group."""

    store_id: str
    order_id: str
    status: RepairOrderStatus
    arrived_at: datetime
    odometer_km: int | None
    op_codes: Sequence[str]
    symptoms: Sequence[str]
    advisor_id: str | None


class VehicleView(BaseModel):
    """Vehicle recognized by its plate, without personal data.

    Facts from customer records are absent for a vehicle that they do not know, and while they are
    unavailable; ``vehicle_ref`` is then that of the last visit with the plate, if there was one.
    ``identified``: customer records have named it. ``tier`` and ``visits`` are the owner's in all
    stores of the group, ``entitlements`` (特别待遇) what the tier entitles to; ``recalls`` are open
    recalls and campaigns of the catalog, ``history`` are the vehicle's last visits to any store of
    the group, ``work_to_reoffer`` is work to be offered again.
    """

    crm_unavailable: bool
    customer_ref: str | None
    vehicle_ref: str | None
    identified: bool
    brand: str | None
    model: str | None
    tier: str | None
    entitlements: Sequence[Entitlement]
    visits: int | None
    recalls: Sequence[str]
    history: Sequence[VisitView]
    work_to_reoffer: Sequence[EstimateView]


async def get_vehicle(principal: Principal, store_id: str, plate: str, deps: Deps) -> VehicleView:
    """Recognize a vehicle by its plate (到店识别).

    Customer records is asked in the name of ``principal``; it may be unavailable.
    """
    response = await deps.crm.find(principal.token, store_id, plate)
    known = response or KnownVehicle()
    plate_ref = deps.personal.reference("plate", plate)
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        seen_ref = await persistence.vehicle_with_plate(connection, plate_ref)
        vehicle_ref = known.vehicle_ref or seen_ref
        vehicle = VehicleIdentity(plate_ref, vehicle_ref or "", known.vehicle_ref is not None)
        earlier = await persistence.visits_in_group(connection, vehicle, _HISTORY)
        today = deps.today(await deps.group.store(connection, store_id))
        recalls = await open_recalls(connection, deps.group.master_data, today)
        to_reoffer = await vehicle_work_to_reoffer(connection, store_id, vehicle, now)
    seen = [visit.store_id for visit in earlier]
    log_cross_store_access(
        "visits to other stores shown", principal, store_id, seen, plate_ref=plate_ref
    )
    return VehicleView(
        crm_unavailable=response is None,
        customer_ref=known.customer_ref,
        vehicle_ref=vehicle_ref,
        identified=vehicle.identified,
        brand=known.brand,
        model=known.model,
        tier=known.tier,
        entitlements=known.entitlements,
        visits=known.visits,
        recalls=[
            recall.recall_id
            for recall in recalls
            if recall.concerns(known.brand or "", known.model or "", known.vin or "")
        ],
        history=[VisitView.model_validate(each, from_attributes=True) for each in earlier],
        work_to_reoffer=to_reoffer,
    )
