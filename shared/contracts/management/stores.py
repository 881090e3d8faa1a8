"""Stores (门店) and their bays (工位)."""

from typing import Annotated, Literal

from pydantic import Field, IPvAnyNetwork

from shared.contracts.base import (
    BusinessDate,
    Code,
    DisplayName,
    EventPart,
    LocalTime,
    State,
)

SKILLS: tuple[str, ...] = (
    "maintenance",
    "mechanical",
    "electrical",
    "high_voltage",
    "body",
    "paint",
)
"""Codes of the skills (工种): 保养、机电、电器、高压、钣金、喷漆."""

BAY_TYPES: tuple[str, ...] = (
    "quick",
    "lift",
    "alignment",
    "electrical",
    "high_voltage",
    "body",
    "paint_booth",
    "wash",
)
"""Codes of what a bay can be used for: 快修、举升、四轮定位、电器、高压、钣金、烤漆房、洗车."""


class NameInBoth(EventPart):
    """Published name in both languages."""

    zh: DisplayName
    en: DisplayName


Minutes = Annotated[int, Field(ge=0, le=1440)]
Growth = Annotated[float, Field(gt=-1, le=10)]


class StoreProfile(EventPart):
    """Store (门店): names, zone, hours, limits and rates.

    ``closed_days`` are those on which this store alone is closed. ``delivery_lead_minutes`` lie
    between the end of the work and the customer's departure: inspection, call and explanation
    (质检与交车). Every promise contains them. A promise is at risk when the probability of keeping
    it is under ``risk_threshold``. ``units_in_operation_growth`` (保有量增长) and ``visit_growth``
    are what the area's vehicles and visits per vehicle grow by in a year (0.03 is 3 %). A vehicle
    is moved from one bay to another in ``vehicle_move_minutes`` (移位).
    ``missed_punch_grace_minutes`` after the end of a shift, clocks that still run are closed
    (忘打卡). A booked customer is waited for ``appointment_grace_minutes`` (爽约宽限), and is
    reminded on the day before at ``appointment_reminder``. ``labor_rate_cents`` by skill is for a
    standard hour, tax included; ``tax_rate_bp`` is in basis points. ``price_list`` (价目表) is the
    code of the group's price list that holds in the store, such as that of its brand. ``networks``
    are those of the store's own devices, as the platform sees their addresses.
    """

    kind: Literal["store"] = "store"
    zh: DisplayName
    en: DisplayName
    city: NameInBoth
    brand: NameInBoth
    zone: Annotated[str, Field(max_length=60)] = "Asia/Shanghai"
    opening: LocalTime
    closing: LocalTime
    closed_days: Annotated[tuple[BusinessDate, ...], Field(max_length=1000)] = ()
    delivery_lead_minutes: Minutes = 0
    risk_threshold: Annotated[float, Field(ge=0, le=1)] = 0.7
    units_in_operation_growth: Growth = 0.0
    visit_growth: Growth = 0.0
    vehicle_move_minutes: Annotated[int, Field(ge=0, le=60)] = 10
    missed_punch_grace_minutes: Minutes = 30
    appointment_grace_minutes: Minutes = 30
    appointment_reminder: LocalTime = "10:00"
    labor_rate_cents: dict[Code, Annotated[int, Field(ge=1, le=10**9)]]
    price_list: Code | None = None
    tax_rate_bp: Annotated[int, Field(ge=0, le=10_000)]
    payment_days: Annotated[int, Field(ge=0, le=365)]
    networks: Annotated[tuple[IPvAnyNetwork, ...], Field(max_length=50)] = ()


class StoreVersion(EventPart):
    """Profile that holds from a day on; without one, the store is closed for good (闭店)."""

    valid_from: BusinessDate
    content: StoreProfile | None


class StoreDefined(State):
    """A store as it is now decided (门店): all its versions, the earliest first."""

    topic = "aftersales.management.store.v1"

    versions: tuple[StoreVersion, ...]


class BayProfile(EventPart):
    """Bay (工位): its type, its number among those of its type, and all that it can be used for."""

    kind: Literal["bay"] = "bay"
    type: Code
    number: Annotated[int, Field(ge=1, le=999)]
    capabilities: Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]


class BayVersion(EventPart):
    """Profile that holds from a day on; without one, the bay is closed for good."""

    valid_from: BusinessDate
    content: BayProfile | None


class BayDefined(State):
    """A bay as it is now decided (工位): all its versions; ``for_stores`` is its store."""

    topic = "aftersales.management.bay.v1"

    versions: tuple[BayVersion, ...]
