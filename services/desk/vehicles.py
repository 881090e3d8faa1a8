"""Vehicles and their owners, by typed or scanned plate (车牌号) or VIN (车架号)."""

from services.desk.client import found
from services.desk.context import PageContext
from shared.clients.crm.models import CustomerView
from shared.clients.reception.models import VehicleView
from shared.formats import has_check_digit, valid_plate, valid_vin


def is_vin(typed: str) -> bool:
    """Return whether ``typed`` is a VIN and not a plate."""
    try:
        valid_vin(typed)
    except ValueError:
        return False
    return True


def is_whole(typed: str) -> bool:
    """Return whether ``typed`` is a plate or a VIN with all its characters."""
    try:
        valid_plate(typed)
    except ValueError:
        return is_vin(typed)
    return True


def has_unusual_digit(typed: str) -> bool:
    """Return whether ``typed`` is a VIN whose check digit is not the standard's."""
    return is_vin(typed) and not has_check_digit(valid_vin(typed))


def same_plate(typed: str, plate: str) -> bool:
    """Return whether ``typed`` is the plate, in any spelling."""
    try:
        return valid_plate(typed) == plate
    except ValueError:
        return False


async def find_customer(ctx: PageContext, typed: str) -> CustomerView | None:
    """Return the customer record of the vehicle and its owner; None where it is unknown."""
    find = ctx.services.crm.find_customer
    store_id = ctx.store.id
    return await found(find(store_id, vin=typed) if is_vin(typed) else find(store_id, plate=typed))


async def plate_of(ctx: PageContext, vehicle_ref: str) -> str | None:
    """Return the plate of a vehicle in customer records; None where it is unknown."""
    known = await found(ctx.services.crm.get_registered_vehicle(ctx.store.id, vehicle_ref))
    if known is None:
        return None
    return (await ctx.names((), [known.plate_ref])).of(None, known.plate_ref).plate


async def vehicle_facts(ctx: PageContext, plate: str) -> VehicleView:
    """Return reception's data on the vehicle: tier, visits, recalls, work to be offered again."""
    return await ctx.services.reception.get_vehicle(ctx.store.id, plate)


def known_text(ctx: PageContext, customer: CustomerView) -> str:
    """Return one line about a known customer with their vehicle."""
    return ctx.t(
        "Known: {name}, {brand} {model}, visits: {visits}",
        name=customer.name,
        brand=customer.brand,
        model=customer.model,
        visits=customer.visits,
    )
