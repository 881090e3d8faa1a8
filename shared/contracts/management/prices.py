"""Prices (价目) that come before the catalog's list prices and the labor rates of stores."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import BusinessDate, Cents, EventPart, State

PriceKind = Literal["part_price", "operation_price", "labor_rate"]
"""Kinds of prices: 备件价、项目价、工时单价."""


class Price(EventPart):
    """Price (价格) from a day on, tax included."""

    price_cents: Cents


class PartPrice(Price):
    """Price of one unit of a part (备件价), tax included."""

    kind: Literal["part_price"] = "part_price"


class OperationPrice(Price):
    """Fixed price of a labor operation (项目价), whatever its standard hours; tax included."""

    kind: Literal["operation_price"] = "operation_price"


class LaborRate(Price):
    """Price of a standard hour of a skill (工时单价), tax included."""

    kind: Literal["labor_rate"] = "labor_rate"


PriceContent = Annotated[
    PartPrice | OperationPrice | LaborRate,
    Field(discriminator="kind"),
]
"""Price, by its kind."""


class PriceVersion(EventPart):
    """Price that holds from a day on; without one, the next price list holds again."""

    valid_from: BusinessDate
    content: PriceContent | None


class PriceDefined(State):
    """A price on a price list (价目) as it is now decided: all its versions, the earliest first.

    The ``record_id`` on a list of the group is the kind, the list and the item, such as
    ``part_price:qiyue:OIL-5W30``; a price of a store itself is ``part_price:OIL-5W30.S01``, and
    ``for_stores`` is the store.
    """

    topic = "aftersales.management.price.v1"

    versions: tuple[PriceVersion, ...]
