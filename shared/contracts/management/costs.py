"""Costs and vehicle sales of a store by month (月度成本与销售), from its accounts."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import BusinessDate, Cents, EventPart, State


class MonthlyCosts(EventPart):
    """What it cost a store in a month to win customers, and the vehicles that it sold; without tax.

    Costs of ``building`` (场地), ``staff`` (人员), ``working_capital`` (资金占用) and
    ``advertising`` (广告). ``vehicle_profit_cents`` is the profit on all ``vehicles_sold``
    (售车毛利); a loss is below 0.
    """

    kind: Literal["monthly_costs"] = "monthly_costs"
    building_cents: Cents
    staff_cents: Cents
    working_capital_cents: Cents
    advertising_cents: Cents
    vehicles_sold: Annotated[int, Field(ge=0, le=100_000)]
    vehicle_profit_cents: Annotated[int, Field(ge=-(10**12), le=10**12)]


class MonthlyCostsVersion(EventPart):
    """Costs and sales that count from a day on; without them, the month is not known."""

    valid_from: BusinessDate
    content: MonthlyCosts | None


class MonthlyCostsDefined(State):
    """Costs and vehicle sales of a store in a month as they are now known: all versions.

    The ``record_id`` is the month and the store, such as ``2026-03.S01``; ``for_stores`` is the
    store. The last version that has begun counts, whatever the month.
    """

    topic = "aftersales.management.cost.v1"
    requirements = ("R29", "R40")

    versions: tuple[MonthlyCostsVersion, ...]
