"""How findings become rectifications with an owner and a deadline (R10, R43)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from services.reporting.domain import rectification as rectifications
from services.reporting.domain.rectification import Finding, Rule
from services.reporting.persistence import rectifications as store
from shared import timers
from shared.contracts.reception import DailyCheckRecorded, FeedbackGiven
from shared.contracts.reporting import (
    RectificationClosed,
    RectificationOpened,
    RectificationOverdue,
    RectificationSource,
)
from shared.envelope import ReceivedEvent
from shared.group import load_stores, read_yaml
from shared.ids import new_id
from shared.timers import StaleStateError, Timer, TimerHandler
from shared.unit_of_work import UnitOfWork

FOUND, OVERDUE = "finding", "rectification_overdue"

_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Owners:
    """Rules, and the people of each store by role."""

    rules: Sequence[Rule]
    people: Mapping[tuple[str, str], Sequence[str]]


@dataclass(frozen=True)
class Rectifying:
    """Opens rectifications for what was found, and says when one is overdue."""

    owners: Owners
    catch_up: Callable[[float], Awaitable[bool]]

    @property
    def timer_handlers(self) -> Mapping[str, TimerHandler]:
        return {
            FOUND: TimerHandler(self.on_found, prepare=self.prepare_found),
            OVERDUE: TimerHandler(on_overdue),
        }

    async def handle(self, uow: UnitOfWork, received: ReceivedEvent) -> None:
        """Note what was found, and keep what was published about rectifications."""
        connection, causation = uow.connection, received.envelope.causation
        match received.event:
            case FeedbackGiven() | DailyCheckRecorded() as event:
                if finding := rectifications.finding_from(event):
                    await timers.schedule(
                        uow,
                        FOUND,
                        f"{finding.source}/{finding.source_id}",
                        store_id=event.store_id,
                        due_at=uow.now,
                        causation=causation,
                        data=asdict(finding),
                    )
            case RectificationOpened() as event:
                await store.keep(connection, event)
                await timers.schedule(
                    uow,
                    OVERDUE,
                    event.rectification_id,
                    store_id=event.store_id,
                    due_at=event.due_at,
                    causation=causation,
                )
            case RectificationOverdue() as event:
                await store.keep_overdue(connection, event, received.envelope.time)
            case RectificationClosed() as event:
                await store.keep_closed(connection, event)
                await timers.cancel(uow, OVERDUE, event.rectification_id)

    async def prepare_found(self, _store_id: str, _subject: str) -> None:
        """Read on until it is known what was opened already: no replay opens anything twice."""
        if not await self.catch_up(_TIMEOUT_S):
            raise StaleStateError

    async def on_found(self, uow: UnitOfWork, timer: Timer) -> None:
        """Open the rectification (整改) of a finding, once."""
        finding = Finding(
            timer.data["source"],
            timer.data["source_id"],
            timer.data["order_id"],
            tuple(timer.data["subjects"]),
        )
        connection, store_id = uow.connection, timer.store_id
        if await store.is_opened(connection, store_id, finding.source, finding.source_id):
            return
        rule = rectifications.rule_for(self.owners.rules, finding)
        opened, events = rectifications.open_action(
            finding,
            rectification_id=str(new_id()),
            store_id=store_id,
            owners=self.owners.people[store_id, rule.role],
            open_count_by_owner=await store.open_count_by_owner(connection, store_id),
            days=rule.days,
            now=uow.now,
        )
        await store.save(connection, opened)
        uow.publish(events, timer.causation)


async def on_overdue(uow: UnitOfWork, timer: Timer) -> None:
    """The owner has not closed it in time (整改超期)."""
    locked = await store.lock(uow.connection, timer.store_id, timer.subject)
    late, events = rectifications.overdue(locked, uow.now)
    await store.save(uow.connection, late)
    uow.publish(events, timer.causation)


def load_owners(folder: Path) -> Owners:
    """Read rules and people once, when the service starts.

    Raises:
        ValueError: a source has no rule, or a store nobody of a role that a rule names.
    """
    rules = [
        Rule(entry["source"], entry.get("subject"), entry["role"], entry["days"])
        for entry in read_yaml(folder, "rectification.yaml")["rules"]
    ]
    if unruled := set(get_args(RectificationSource)) - {rule.source for rule in rules}:
        raise ValueError(f"rectification.yaml has no rule for {', '.join(sorted(unruled))}")
    everybody = read_yaml(folder, "people.yaml")["people"]
    people = {
        (store_id, rule.role): [
            person["id"]
            for person in everybody
            if rule.role in person["roles"] and store_id in person["stores"]
        ]
        for store_id in load_stores(folder)
        for rule in rules
    }
    if missing := [f"{role} in {store_id}" for (store_id, role), ids in people.items() if not ids]:
        raise ValueError(f"people.yaml names no {', '.join(missing)}")
    return Owners(rules, people)
