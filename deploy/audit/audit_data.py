"""Topics and tables side by side, and the topics of each consumer."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from uuid import UUID
from zoneinfo import ZoneInfo

from deploy.audit.contracts import completed, is_known
from deploy.audit.tables import SERVICES, Row, Tables
from deploy.audit.topics import Log, RecordAddress, Stream, StreamEvent

APPOINTMENTS = "aftersales.reception.appointment.v1"
ORDERS = "aftersales.reception.order.v1"
VOUCHERS = "aftersales.reception.voucher.v1"
RECEPTION_STORE = "aftersales.reception.store.v1"
JOBS = "aftersales.workshop.job.v1"
CAPACITY = "aftersales.workshop.capacity.v1"
WORKSHOP_STORE = "aftersales.workshop.store.v1"
CUSTOMERS = "aftersales.crm.customer.v1"
ERASURES = "aftersales.crm.erasure.v1"
CRM_STORE = "aftersales.crm.store.v1"
VEHICLES = "aftersales.crm.vehicle.v1"
REPORTS = "aftersales.reporting.store.v1"
RULES = "aftersales.management.rules.v1"
STORES = "aftersales.management.store.v1"
BAYS = "aftersales.management.bay.v1"
STAFF = "aftersales.management.staff.v1"
CATALOG = "aftersales.management.catalog.v1"
PRICES = "aftersales.management.price.v1"
COSTS = "aftersales.management.cost.v1"
WORK = "aftersales.management.work.v1"

CONSUMES: Mapping[str, frozenset[str]] = {
    "reception": frozenset({ERASURES, JOBS, CAPACITY, RULES, STORES, STAFF, CATALOG, PRICES}),
    "workshop": frozenset({ERASURES, APPOINTMENTS, ORDERS, RULES, STORES, BAYS, STAFF, CATALOG}),
    "crm": frozenset(
        {ERASURES, APPOINTMENTS, ORDERS, VOUCHERS, JOBS, RULES, STORES, STAFF, CATALOG}
    ),
    "reporting": frozenset(
        {
            APPOINTMENTS,
            ORDERS,
            VOUCHERS,
            RECEPTION_STORE,
            JOBS,
            WORKSHOP_STORE,
            CUSTOMERS,
            ERASURES,
            CRM_STORE,
            VEHICLES,
            REPORTS,
            CATALOG,
            COSTS,
            STORES,
            WORK,
        }
    ),
    "management": frozenset({ORDERS, RECEPTION_STORE, JOBS, CUSTOMERS, CRM_STORE}),
}
"""The topics that each service has to follow."""

COLLECTIONS: Mapping[str, str] = {
    RULES: "rules",
    STORES: "stores",
    BAYS: "bays",
    STAFF: "staff",
    CATALOG: "catalog",
    PRICES: "prices",
    COSTS: "costs",
}
"""The collection of management that each topic with master data announces."""

STATES = frozenset(COLLECTIONS)
"""The topics with master data, of which a service keeps the newest states."""


@dataclass(frozen=True)
class AuditData:
    """Data of an audit: every event, and every table of the services."""

    log: Log
    tables: Tables

    @cached_property
    def erased_customers(self) -> frozenset[tuple[str, str]]:
        """Customers that were erased, by store and reference."""
        return frozenset((event.store_id, event.key) for event in self.of_topic(ERASURES))

    @cached_property
    def zones(self) -> Mapping[str, ZoneInfo]:
        """Time zone of each store, by which its days begin, as it was last announced."""
        return {
            event.key: ZoneInfo(version["content"]["zone"])
            for event in sorted(self.of_topic(STORES), key=lambda event: event.sequence)
            for version in event.data["versions"]
            if version["content"]
        }

    @cached_property
    def published(self) -> Mapping[str, tuple[str, Row]]:
        """Service and outbox row by event id, as far as outboxes are kept."""
        return {
            row["id"]: (service, row)
            for service in SERVICES
            for row in self.tables.of(service, "outbox")
        }

    @cached_property
    def steps_without_effect(self) -> Mapping[str, frozenset[RecordAddress]]:
        """By consumer, records without effect: dead letters not replayed, and what is parked."""
        return {
            service: frozenset(
                place_of(row)
                for row in (
                    *self.tables.of(service, "parked_event"),
                    *(
                        letter
                        for letter in self.tables.of(service, "dead_letter")
                        if not (letter["resolved_at"] and letter["decision"] == "replay")
                    ),
                )
            )
            for service in SERVICES
        }

    @cached_property
    def unpublished_events(self) -> frozenset[str]:
        """Ids of events that no service published, as far as outboxes are kept."""
        return frozenset(
            event.id
            for event in self.log.events
            if event.id not in self.published and not self._forgotten(event)
        )

    @cached_property
    def ignored_events(self) -> frozenset[str]:
        """Unpublished events that services pass over as unknown, or have dead-lettered."""
        types = {row["type"] for _, row in self.published.values()}
        dead_lettered = {
            place_of(row) for service in SERVICES for row in self.tables.of(service, "dead_letter")
        }
        return frozenset(
            event.id
            for event in self.log.events
            if event.id in self.unpublished_events
            and (event.type not in types or event.address in dead_lettered)
        )

    @cached_property
    def rivals(self) -> Mapping[tuple[Stream, int], Sequence[StreamEvent]]:
        """Events that share their stream and sequence with another event."""
        steps: dict[tuple[Stream, int], list[StreamEvent]] = defaultdict(list)
        for event in self.log.events:
            steps[event.stream, event.sequence].append(event)
        return {step: events for step, events in steps.items() if len(events) > 1}

    def decided(self, event: StreamEvent) -> bool:
        """Return whether operators have decided on an event in every service concerned.

        These are the services that follow its topic.
        """
        followers = [name for name, topics in CONSUMES.items() if event.address[0] in topics]
        return bool(followers) and all(event.address in self._resolved[name] for name in followers)

    def letters_decided(self, event: StreamEvent) -> bool:
        """Return whether operators have decided on each dead letter of an event.

        A service that does not want its type passes it over unread.
        """
        letters = [
            row["resolved_at"]
            for service in SERVICES
            for row in self.tables.of(service, "dead_letter")
            if place_of(row) == event.address
        ]
        return bool(letters) and None not in letters

    @cached_property
    def own_events(self) -> Sequence[StreamEvent]:
        """Events that have effects, in the order of each stream.

        Published events are among them even if no consumer can read them.
        """
        return [
            event
            for event in self.log.events
            if event.id not in self.ignored_events
            and not (event.fault and event.id not in self.published)
        ]

    @cached_property
    def readable(self) -> Sequence[StreamEvent]:
        """The own events that consumers can apply, with all fields present."""
        return [
            replace(event, data=completed(event.type, event.data))
            for event in self.own_events
            if not event.fault and is_known(event.type)
        ]

    @cached_property
    def streams(self) -> Mapping[Stream, Sequence[StreamEvent]]:
        """Events with effects by stream."""
        streams: dict[Stream, list[StreamEvent]] = defaultdict(list)
        for event in self.own_events:
            streams[event.stream].append(event)
        return streams

    @cached_property
    def compacted(self) -> frozenset[str]:
        return frozenset(topic.name for topic in self.log.topics if topic.compacted)

    @cached_property
    def stores_by_identifier(self) -> Mapping[tuple[str, str], set[str]]:
        """The stores in whose events an identifier appears, by the name of its column.

        A state of master data is for the stores that it concerns, too.
        """
        stores: dict[tuple[str, str], set[str]] = defaultdict(set)
        for event in self.own_events:
            own = {event.store_id, *event.data.get("for_stores", ())}
            stores["key", event.key] |= own
            for name, value in event.data.items():
                if name.endswith(("_id", "_ref")) and isinstance(value, str):
                    stores[name, value] |= own
                    stores["entity_id", value] |= own
        return stores

    def of_topic(self, topic: str) -> Iterator[StreamEvent]:
        """Return the events of one topic that have effects."""
        return (event for event in self.readable if event.address[0] == topic)

    def applied_by(self, consumer: str, topic: str) -> Iterator[StreamEvent]:
        """Return the events of a topic that must have had their effect in ``consumer``."""
        skipped_steps = self.steps_without_effect[consumer]
        return (event for event in self.of_topic(topic) if event.address not in skipped_steps)

    @cached_property
    def _resolved(self) -> Mapping[str, frozenset[RecordAddress]]:
        return {
            service: frozenset(
                place_of(row)
                for row in self.tables.of(service, "dead_letter")
                if row["resolved_at"] is not None
            )
            for service in SERVICES
        }

    def _forgotten(self, event: StreamEvent) -> bool:
        """Return whether the event is older than what its publisher's outbox keeps."""
        publisher = publisher_of(event)
        if publisher not in SERVICES:
            return False
        return created_on(event.id) < self.tables.outbox_since[publisher]


def publisher_of(event: StreamEvent) -> str:
    """Return the service that the event's type belongs to."""
    return event.type.split(".")[1] if event.type.count(".") == 3 else ""


def created_on(event_id: str) -> date:
    """Return the UTC day on which a UUIDv7 was made; the last of days for any other id."""
    try:
        identifier = UUID(event_id)
    except ValueError:
        return date.max
    if identifier.version != 7:
        return date.max
    try:
        return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC).date()
    except (ValueError, OverflowError):
        return date.max


def moment(text: str | None) -> datetime | None:
    """Return a time as events write it."""
    return None if text is None else datetime.fromisoformat(text)


def place_of(row: Row) -> RecordAddress:
    """Return where in Kafka the record of a row stands."""
    return row["topic"], row["partition"], row["offset"]
