"""Service history of vehicles (维修保养记录): odometer readings, and the work done at visits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.crm.domain import errors
from shared.contracts import Event
from shared.contracts.crm import FirstRegistrationRecorded
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    OrderOpened,
    VehicleDelivered,
    WorkWithdrawn,
)

_RATE_DAYS = 730
_FEWEST_DAYS = 14
_LONGEST_RATE = 2_000.0


@dataclass(frozen=True)
class ServiceRecord:
    """Reading of a vehicle's odometer, at the visit of an order or as its customer says.

    ``restarts``: the odometer shows less than before, for a stated reason. ``op_codes`` are the
    order's labor operations, done once the vehicle is ``delivered_on`` a day.
    """

    store_id: str
    record_id: str
    vehicle_ref: str
    odometer_km: int
    read_on: date
    restarts: bool = False
    op_codes: tuple[str, ...] = ()
    delivered_on: date | None = None


@dataclass(frozen=True)
class Mileage:
    """Last reading of an odometer, and the distance that the vehicle covers in a day (日均里程).

    ``km_per_day`` is absent where the readings are too few or too near to each other.
    """

    odometer_km: int
    read_on: date
    km_per_day: float | None


def first_registration(
    store_id: str, vehicle_ref: str, day: date, today: date, now: datetime
) -> FirstRegistrationRecorded:
    """Record the day of a vehicle's first registration (注册登记); its event tells the month.

    Raises:
        RuleViolation: the day is to come.
    """
    require_past("first_registered_on", day, today)
    return FirstRegistrationRecorded(
        store_id=store_id,
        vehicle_record_id=f"{store_id}:{vehicle_ref}",
        vehicle_ref=vehicle_ref,
        first_registered_month=f"{day:%Y-%m}",
        recorded_at=now,
    )


def after_event(record: ServiceRecord | None, event: Event, today: date) -> ServiceRecord | None:
    """Return the record of an order after an event that happened on ``today``.

    An order whose opening is not known has none.
    """
    match event:
        case OrderOpened():
            return ServiceRecord(
                store_id=event.store_id,
                record_id=event.order_id,
                vehicle_ref=event.vehicle_ref,
                odometer_km=event.odometer_km,
                read_on=today,
                restarts=event.odometer_discrepancy_reason is not None,
                op_codes=tuple(each.op_code for each in event.labor_operations),
            )
        case AdditionalWorkAuthorized() if record:
            added = (each.op_code for each in event.labor_operations)
            return replace(record, op_codes=tuple(dict.fromkeys((*record.op_codes, *added))))
        case WorkWithdrawn() if record:
            left = tuple(each.op_code for each in event.labor_operations)
            return replace(record, op_codes=left)
        case VehicleDelivered() if record:
            return replace(record, delivered_on=today)
    return record


def mileage(
    records: Sequence[ServiceRecord], first_registered_on: date | None = None
) -> Mileage | None:
    """Return the last reading and the mileage rate of a vehicle, from its records by day.

    The rate is the slope from the first to the last reading of the last two years; a reading below
    the one before begins them again. One that never ran backward had 0 km at the registration.
    """
    if not records:
        return None
    series: list[tuple[date, int]] = []
    is_whole = True
    for record in records:
        if record.restarts or (series and record.odometer_km < series[-1][1]):
            series.clear()
            is_whole = False
        series.append((record.read_on, record.odometer_km))
    last_on, last_km = series[-1]
    if is_whole and first_registered_on and first_registered_on <= series[0][0]:
        series.insert(0, (first_registered_on, 0))
    recent = [each for each in series if (last_on - each[0]).days <= _RATE_DAYS] or series[-1:]
    first_on, first_km = recent[0] if len(recent) > 1 else series[max(len(series) - 2, 0)]
    days = (last_on - first_on).days
    if days < _FEWEST_DAYS or last_km <= first_km:
        return Mileage(last_km, last_on, None)
    return Mileage(last_km, last_on, min((last_km - first_km) / days, _LONGEST_RATE))


def require_forward(
    records: Sequence[ServiceRecord], odometer_km: int, read_on: date, today: date
) -> None:
    """Check a reading that a customer states against those of the vehicle, by day.

    Raises:
        RuleViolation: the day is to come, an earlier reading is higher, or a later one lower.
    """
    require_past("read_on", read_on, today)
    earlier = [each for each in records if each.read_on <= read_on]
    later = [each for each in records if each.read_on > read_on]
    if earlier and odometer_km < earlier[-1].odometer_km:
        raise errors.odometer_backward(earlier[-1].odometer_km, earlier[-1].read_on)
    if later and not later[0].restarts and odometer_km > later[0].odometer_km:
        raise errors.odometer_backward(later[0].odometer_km, later[0].read_on)


def require_past(field: str, day: date, today: date) -> None:
    """Check that a day is not to come.

    Raises:
        RuleViolation: it is.
    """
    if day > today:
        raise errors.day_to_come(field)


def last_service(
    records: Sequence[ServiceRecord], maintenance_op_codes: Sequence[str]
) -> ServiceRecord | None:
    """Return the last visit at which a maintenance was done, from the records by day."""
    done = [
        each
        for each in records
        if each.delivered_on is not None and set(each.op_codes) & set(maintenance_op_codes)
    ]
    return done[-1] if done else None


def by_vehicle(records: Sequence[ServiceRecord]) -> Mapping[str, list[ServiceRecord]]:
    """Return the records of each vehicle, in their order."""
    found: dict[str, list[ServiceRecord]] = {}
    for record in records:
        found.setdefault(record.vehicle_ref, []).append(record)
    return found
