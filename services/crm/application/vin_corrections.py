"""Corrections of VINs that were taken down wrongly (更正车架号)."""

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.search_tokens import find_by_vin
from services.crm.domain import customer as customers
from services.crm.persistence import service_reminder as reminders
from shared.contracts.violations import unknown
from shared.formats import has_check_digit
from shared.request_model import RequestWithVin
from shared.unit_of_work import UnitOfWork


class CorrectVinRequest(RequestWithVin):
    """The VIN that a vehicle carries.

    ``is_same_vehicle``: a vehicle that another store of the group knows by this VIN is this one.
    """

    is_same_vehicle: bool = False


class VinCorrected(BaseModel):
    """A vehicle whose VIN is corrected; its reference and its history stay."""

    vehicle_ref: str


async def correct_vin(
    uow: UnitOfWork, vehicle_ref: str, command: CorrectVinRequest, deps: Deps
) -> VinCorrected:
    """Correct the VIN of a vehicle (更正车架号); the earlier one is kept with who corrected it.

    Raises:
        RuleViolation: the store knows no such vehicle, another vehicle of the store has the VIN, or
            another store knows a vehicle with it (``vin_known_elsewhere``), which asks for a
            confirmation that it is this one.
    """
    connection, store_id, personal = uow.connection, uow.store_id, deps.personal
    vin_ref = personal.reference("vin", command.vin)
    await persistence.lock_registration(
        connection, store_id, vehicle=[vin_ref, vehicle_ref], customer=[]
    )
    known = await persistence.known_vehicle(connection, store_id, vehicle_ref)
    if known is None:
        raise unknown("vehicle_ref", vehicle_ref)
    row = await persistence.find_vehicle(connection, store_id, vin_ref)
    here = row["vehicle_ref"] if row else None
    if here != vehicle_ref:
        of_group = await persistence.identities_in_group(connection, vin_ref, vehicle_ref)
        customers.require_free_vin(
            vehicle_ref,
            here,
            [ref for ref, its_vin_ref in of_group.items() if its_vin_ref == vin_ref],
            is_same_vehicle=command.is_same_vehicle,
        )
        vin = await personal.encrypt(connection, store_id, known.data_subject_id, command.vin)
        await persistence.correct_vin(
            connection, store_id, vehicle_ref, vin_ref, vin, uow.person, uow.now
        )
        await find_by_vin(connection, personal, store_id, vehicle_ref, command.vin)
        await reminders.plan_again(connection, [(store_id, vehicle_ref)])
        uow.publish(
            customers.identify(store_id, vehicle_ref, not has_check_digit(command.vin), uow.now)
        )
    return VinCorrected(vehicle_ref=vehicle_ref)
