"""Customers and their vehicles (客户档案)."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

from shared.contracts.crm import CustomerRegistered

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0[1-9][0-9]{8,10}")


def valid_phone(text: str) -> str:
    """``text`` as a mainland telephone number, digits only, without the country code.

    Raises:
        ValueError: neither a mobile number of 11 digits nor a landline with its area code.
    """
    phone = re.sub(r"[\s()-]", "", text)
    phone = re.sub(r"^(\+|00)86", "", phone)
    if not (_MOBILE.fullmatch(phone) or _LANDLINE.fullmatch(phone)):
        raise ValueError("not a telephone number: 11 digits, or area code and number")
    return phone


Phone = Annotated[str, AfterValidator(valid_phone)]


@dataclass(frozen=True)
class References:
    """What other services know of a customer and a vehicle.

    ``plate_ref`` is empty once another vehicle wears the plate.
    """

    customer_ref: str
    vehicle_ref: str
    plate_ref: str


def register(
    store_id: str, references: References, known: References | None, now: datetime
) -> list[CustomerRegistered]:
    """Enter a customer and vehicle into the archive; what is ``known`` already is no news."""
    if references == known:
        return []
    return [
        CustomerRegistered(
            store_id=store_id,
            customer_ref=references.customer_ref,
            vehicle_ref=references.vehicle_ref,
            plate_ref=references.plate_ref,
            registered_at=now,
        )
    ]
