"""Stores of the group, as every service needs them; each service reads other files itself."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork

from shared.contracts.base import in_business_years

GROUP_ZONE = ZoneInfo("Asia/Shanghai")
"""Zone in which a day of the group begins."""

CalendarDay = Annotated[date, AfterValidator(in_business_years)]
"""Day that a caller requests."""


class Store(BaseModel):
    """Store (门店): names, zone, hours and limits.

    ``delivery_lead_minutes`` lie between the end of the work and the customer's departure:
    inspection, call and explanation (质检与交车). Every promise contains them. A promise is at risk
    when the probability of keeping it is under ``risk_threshold``. ``units_in_operation_growth``
    (保有量增长) and ``visit_growth`` are what the area's vehicles and visits per vehicle grow by in
    a year. A vehicle is moved from one bay to another in ``vehicle_move_minutes`` (移位).
    ``missed_punch_grace_minutes`` after the end of a shift, clocks that still run are closed
    (忘打卡). A booked customer is waited for ``appointment_grace_minutes`` (爽约宽限), and is
    reminded on the day before at ``appointment_reminder``. ``networks`` are those of the store's
    own devices, as the platform sees their addresses.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    zh: str
    en: str
    zone: str = GROUP_ZONE.key
    opening: time
    closing: time
    greeting_limit_s: int
    delivery_lead_minutes: int = 0
    risk_threshold: float = 0.7
    units_in_operation_growth: float = 0.0
    visit_growth: float = 0.0
    vehicle_move_minutes: Annotated[int, Field(ge=0, le=60)] = 10
    missed_punch_grace_minutes: int = 30
    appointment_grace_minutes: int = 30
    appointment_reminder: time = time(10)
    labor_rate_cents: dict[str, int]
    tax_rate_bp: int
    payment_days: int
    networks: tuple[IPvAnyNetwork, ...] = ()

    @property
    def growth(self) -> float:
        """Growth of visits in a year (0.03 is 3 %)."""
        return (1 + self.units_in_operation_growth) * (1 + self.visit_growth) - 1

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def local_day(self, moment: datetime) -> date:
        """Return the store's calendar day at ``moment``."""
        return moment.astimezone(self.timezone).date()

    def at(self, day: date, local: time) -> datetime:
        """Return the moment at which the store's clocks show ``local`` on ``day``."""
        return datetime.combine(day, local, self.timezone)

    def day_bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return the first moment of ``day`` and of the day after."""
        return self.at(day, time.min), self.at(day + timedelta(days=1), time.min)

    def business_day(self, moment: datetime) -> date:
        """Return the business day (营业日) of ``moment``; it ends when the store closes.

        A moment at or after closing belongs to the next business day.
        """
        day = self.local_day(moment)
        return day if moment < self.at(day, self.closing) else day + timedelta(days=1)

    def business_day_bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return the closing times of the day before and of ``day``."""
        return self.at(day - timedelta(days=1), self.closing), self.at(day, self.closing)


def read_yaml(folder: Path, name: str) -> Any:
    """Read one file of the group folder."""
    return yaml.load((folder / name).read_text(encoding="utf-8"), yaml.CSafeLoader)


def load_stores(folder: Path) -> dict[str, Store]:
    """Return the stores by id, in the order of the file."""
    stores = (Store.model_validate(entry) for entry in read_yaml(folder, "stores.yaml")["stores"])
    return {store.id: store for store in stores}
