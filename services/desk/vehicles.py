"""Vehicles and their owners, by typed or scanned plate (车牌号) or VIN (车架号)."""

from typing import Any
from urllib.parse import quote

from services.desk.context import PageContext
from shared.formats import has_check_digit, valid_plate, valid_vin

Known = dict[str, Any]


def is_vin(typed: str) -> bool:
    """Return whether ``typed`` is a VIN and not a plate."""
    try:
        valid_vin(typed)
    except ValueError:
        return False
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


async def find_customer(ctx: PageContext, typed: str) -> Known | None:
    """Return the customer record of the vehicle and its owner; None where it is unknown."""
    field = "vin" if is_vin(typed) else "plate"
    found: Known | None = await ctx.services.find(
        "crm", f"{ctx.store_path}/customers", **{field: typed}
    )
    return found


async def vehicle_facts(ctx: PageContext, plate: str) -> Known:
    """Return reception's data on the vehicle: tier, visits in the group, recalls, declined work."""
    path = f"{ctx.store_path}/vehicles/{quote(plate, safe='')}"
    facts: Known = await ctx.services.get("reception", path)
    return facts
