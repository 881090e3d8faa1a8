"""The group as every service needs it: stores, staff, the working calendar and rules."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork

from shared.clock import Clock
from shared.contracts.base import EventPart, in_business_years
from shared.contracts.dated import content_on
from shared.contracts.management import (
    PersonDefined,
    Post,
    RuleSetDefined,
    StaffProfile,
    StoreDefined,
    WorkingCalendarRules,
)
from shared.db import Connection
from shared.master_data import MasterData, NotDefinedError
from shared.working_calendar import WorkingCalendar, calendar_of

R = TypeVar("R", bound=EventPart)

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
    reminded on the day before at ``appointment_reminder``. ``price_list`` is the
    code of the group's price list that holds in the store. ``networks`` are those of the store's
    own devices, as the platform sees their addresses. A store that ``has_ended`` (闭店) takes
    nothing new; one that ``opens_on`` a day to come (筹备) receives no customer before it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    zh: str
    en: str
    zone: str = GROUP_ZONE.key
    opening: time
    closing: time
    closed_days: frozenset[date] = frozenset()
    delivery_lead_minutes: int = 0
    risk_threshold: float = 0.7
    units_in_operation_growth: float = 0.0
    visit_growth: float = 0.0
    vehicle_move_minutes: Annotated[int, Field(ge=0, le=60)] = 10
    missed_punch_grace_minutes: int = 30
    appointment_grace_minutes: int = 30
    appointment_reminder: time = time(10)
    labor_rate_cents: dict[str, int]
    price_list: str | None = None
    tax_rate_bp: int
    payment_days: int
    networks: tuple[IPvAnyNetwork, ...] = ()
    has_ended: bool = False
    opens_on: date | None = None

    @classmethod
    def of(cls, state: StoreDefined, now: datetime) -> "Store":
        """Return the store as it is decided for its local day at ``now``."""
        zones = [each.content.zone for each in state.versions if each.content]
        return cls.on(state, now.astimezone(ZoneInfo(zones[0])).date())

    @classmethod
    def on(cls, state: StoreDefined, day: date) -> "Store":
        """Return the store as it is decided for ``day``.

        One that has ended has its last profile, one that has not begun its first.
        """
        profiles = [(each.valid_from, each.content) for each in state.versions if each.content]
        begun = [profile for begin, profile in profiles if begin <= day.isoformat()]
        has_ended = bool(begun) and content_on(state.versions, day) is None
        first_day, first = profiles[0]
        return cls.model_validate(
            {
                **(begun[-1] if begun else first).model_dump(),
                "id": state.record_id,
                "has_ended": has_ended,
                "opens_on": None if begun else first_day,
            }
        )

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

    def months_until(self, moment: datetime, count: int) -> list[str]:
        """Return the last ``count`` calendar months, as YYYY-MM, that end with ``moment``'s."""
        last = self.local_day(moment)
        numbers = range(last.year * 12 + last.month - count, last.year * 12 + last.month)
        return [f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers]

    def first_of_months(self, moment: datetime, count: int) -> datetime:
        """Return the first moment of the months that ``months_until`` returns."""
        return self.at(date.fromisoformat(f"{self.months_until(moment, count)[0]}-01"), time.min)

    def day_bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return the first moment of ``day`` and of the day after."""
        return self.at(day, time.min), self.at(day + timedelta(days=1), time.min)


@dataclass(frozen=True)
class Group:
    """Reader of the group from the master data that a transaction sees."""

    master_data: MasterData
    clock: Clock

    async def store(self, connection: Connection, store_id: str) -> Store:
        """Return a store as it is on its present day.

        Raises:
            NotDefinedError: management has not announced it yet.
        """
        found = await self.stores(connection, [store_id])
        if store_id not in found:
            raise NotDefinedError(f"profiles of the store {store_id}")
        return found[store_id]

    async def stores(self, connection: Connection, store_ids: Collection[str]) -> dict[str, Store]:
        """Return those of the stores that are known, each as it is on its present day."""
        states = await self.master_data.get(connection, StoreDefined, store_ids)
        return {store_id: Store.of(state, self.clock.now()) for store_id, state in states.items()}

    async def all_stores(self, connection: Connection) -> dict[str, Store]:
        """Return every store of the group, each as it is on its present day."""
        states = await self.master_data.starting(connection, StoreDefined)
        return {store_id: Store.of(state, self.clock.now()) for store_id, state in states.items()}

    async def staff(
        self, connection: Connection, store_id: str, day: date
    ) -> dict[str, StaffProfile]:
        """Return the persons with a post in a store on ``day``, by their ids."""
        states = await self.master_data.of_store(connection, PersonDefined, store_id)
        profiles = {
            person_id: content_on(state.versions, day) for person_id, state in states.items()
        }
        return {
            person_id: profile
            for person_id, profile in profiles.items()
            if profile and any(post.in_store == store_id for post in profile.posts)
        }

    async def posts(
        self, connection: Connection, person_id: str, day: date
    ) -> Sequence[Post] | None:
        """Return the posts of a person on ``day``, None for a person who never had one."""
        states = await self.master_data.get(connection, PersonDefined, [person_id])
        if person_id not in states:
            return None
        profile = content_on(states[person_id].versions, day)
        return profile.posts if profile else ()

    async def in_post(
        self, connection: Connection, store_id: str, role: str, day: date
    ) -> tuple[str, ...]:
        """Return the persons who hold the post of ``role`` in a store on ``day``, by their ids."""
        staff = await self.staff(connection, store_id, day)
        return tuple(
            person_id
            for person_id, profile in staff.items()
            if any((post.in_store, post.role) == (store_id, role) for post in profile.posts)
        )

    async def rules(
        self, connection: Connection, kind: type[R], store_id: str, day: date
    ) -> tuple[R | None, R | None]:
        """Return what a store's own rules of a kind say on ``day``, and what the group's say."""
        found = await self.rules_of_stores(connection, kind, {store_id: day})
        return found[store_id]

    async def rules_on(self, connection: Connection, kind: type[R], store_id: str, day: date) -> R:
        """Return the rules of a kind that hold in a store on ``day``.

        A store's own stand instead of the group's as a whole; where neither has decided, the
        defaults of the model hold.
        """
        found = await self.rules_on_days(connection, kind, {store_id: day})
        return found[store_id]

    async def rules_on_days(
        self, connection: Connection, kind: type[R], days: Mapping[str, date]
    ) -> dict[str, R]:
        """Return the same for each store on its day."""
        found = await self.rules_of_stores(connection, kind, days)
        return {store_id: own or of_group or kind() for store_id, (own, of_group) in found.items()}

    async def rules_today(self, connection: Connection, kind: type[R], store_id: str) -> R:
        """Return the same on the store's present day.

        Raises:
            NotDefinedError: management has not announced the store yet.
        """
        store = await self.store(connection, store_id)
        today = store.local_day(self.clock.now())
        return await self.rules_on(connection, kind, store_id, today)

    async def rules_of_stores(
        self, connection: Connection, kind: type[R], days: Mapping[str, date]
    ) -> dict[str, tuple[R | None, R | None]]:
        """Return the same for each store on its day."""
        name: str = kind.model_fields["kind"].default
        keys = [name, *(f"{name}.{store_id}" for store_id in days)]
        states = await self.master_data.get(connection, RuleSetDefined, keys)

        def content(key: str, day: date) -> R | None:
            found = content_on(states[key].versions, day) if key in states else None
            return found if isinstance(found, kind) else None

        return {
            store_id: (content(f"{name}.{store_id}", day), content(name, day))
            for store_id, day in days.items()
        }

    async def calendar(self, connection: Connection) -> WorkingCalendar:
        """Return the working calendar of the group, as it is decided today.

        Raises:
            NotDefinedError: management has not announced it yet.
        """
        states = await self.master_data.get(connection, RuleSetDefined, ["working_calendar"])
        today = self.clock.now().astimezone(GROUP_ZONE).date()
        content = content_on(states["working_calendar"].versions, today) if states else None
        if not isinstance(content, WorkingCalendarRules):
            raise NotDefinedError("working calendars")
        return calendar_of(content)
