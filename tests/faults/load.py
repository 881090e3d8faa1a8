"""Simulated users under faults: their commands, and the acknowledged results."""

import asyncio
import dataclasses
import random
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from deploy.demo.clients import Person, Staff
from deploy.demo.script import SimulatedVisit, write_script
from deploy.group_folder import read_yaml
from tests.faults.testbed import Testbed

JsonObject = dict[str, Any]
Outcome = Literal["acknowledged", "refused", "unknown"]

_TIMEOUT_S = 5.0
_TRIES = 8
_PAUSE_S = 0.4
_VISITS = 3000
_POLL_S = 0.25
_RETRY_TIMEOUT_S = 90.0
_AT_THE_DESK = 2
"""Number of attempts to register a customer in customer records; then the details are taken with
the order.
"""
_OF_WHOM_ONE_LEAVES = 4
"""Number of vehicles of which one leaves, so that commands run even while no work is planned."""


@dataclass
class CommandRecord:
    """Command, and its sender's knowledge of it."""

    service: str
    verb: str
    subject: str
    key: str
    outcome: Outcome = "unknown"
    content: JsonObject | None = None
    tries: int = 0


class AbandonedError(Exception):
    """Error of a sender that stops without knowing whether the command took effect."""


class RejectedError(Exception):
    """Refusal of a command by the platform."""


@dataclass
class History:
    """Commands sent; ``seen`` counts the results of single tries, by service and kind."""

    commands: list[CommandRecord] = field(default_factory=list)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    contradictions: list[str] = field(default_factory=list)
    in_flight: int = 0
    sent: int = 0

    def count(self, kind: str, service: str | None = None) -> int:
        return sum(
            number
            for (at, what), number in self.seen.items()
            if what == kind and service in (None, at)
        )


class Load:
    """Simulated vehicles from arrival to follow-up, several at a time, while the gate is open."""

    def __init__(self, testbed: Testbed, seed: int, concurrency: int) -> None:
        self.history = History()
        self.visits_finished = 0
        self.doubling = False
        self._testbed = testbed
        self._people: Staff = testbed.staff
        self._concurrency = concurrency
        self._seed = seed
        self._gate = asyncio.Event()
        self._http = {
            name: httpx.AsyncClient(
                base_url=testbed.base_url(name),
                timeout=_TIMEOUT_S,
                limits=httpx.Limits(keepalive_expiry=2),
                trust_env=False,
            )
            for name in testbed.service_proxies
        }
        folder = testbed.settings.group_folder
        delivery = read_yaml(folder, "catalog/delivery.yaml")
        self._steps = delivery["templates"]["group"]
        self._checklists = delivery["inspection"]
        self._visits = {
            store_id: iter(visits)
            for store_id, visits in write_script(folder, _VISITS, seed).items()
        }
        self._tasks: list[asyncio.Task[None]] = []

    def accepted(self, job: JsonObject) -> dict[str, dict[str, str]]:
        """Return the inspection of a job without defects."""
        return {"items": {each["item"]: "ok" for each in self._checklists[job["skill_code"]]}}

    def open(self) -> None:
        """Let users work."""
        self._gate.set()
        if not self._tasks:
            stores = list(self._visits)
            self._tasks = [
                asyncio.create_task(self._walk(number // len(stores), stores[number % len(stores)]))
                for number in range(self._concurrency)
            ]

    async def pause(self) -> None:
        """Let no user begin a command any more, and wait for those under way."""
        self._gate.clear()
        while self.history.in_flight:
            await asyncio.sleep(0.05)
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._http.values():
            await client.aclose()

    # One person's day

    async def _walk(self, number: int, store_id: str) -> None:
        rng = random.Random(f"{self._seed}/{store_id}/{number}")
        stays = (number + 1) % _OF_WHOM_ONE_LEAVES > 0
        for visit in self._visits[store_id]:
            with suppress(AbandonedError, RejectedError, TimeoutError):
                walk = _Walk(self, store_id, visit, number, rng)
                if stays:
                    await walk.stay()
                    self.visits_finished += 1
                else:
                    await walk.leave()
            await asyncio.sleep(0.1 if stays else rng.uniform(0.5, 1.5))
        raise RuntimeError(f"{store_id}: the script has no more than {_VISITS} visits")

    def person(self, role: str, store_id: str, number: int) -> Person:
        known = self._people.with_role(role, store_id)
        return known[number % len(known)]

    def named(self, subject: str, store_id: str) -> Person:
        return next(
            each
            for each in self._people.with_role("technician", store_id)
            if each.subject == subject
        )

    async def walk_in(self, store_id: str, number: int, *, opens: bool = True) -> str:
        """Return the order of a customer who comes without an appointment, and whose details are
        taken down with the order; a customer whose order is not opened is not greeted.
        """
        rng = random.Random(f"{self._seed}/walk-in/{number}")
        walk = _Walk(self, store_id, next(self._visits[store_id]), number, rng)
        return await walk.come(opens=opens)

    # Sending of commands

    async def ask(self, service: str, person: Person, path: str, **params: Any) -> Any:
        """Return the response to a query, or ``None`` when it is unavailable now."""
        await self._gate.wait()
        headers = {"Authorization": f"Bearer {person.token}"}
        try:
            response = await self._http[service].get(path, params=params, headers=headers)
        except httpx.TransportError:
            self.history.seen[service, "no response"] += 1
            return None
        self._note(service, response)
        return response.json() if response.is_success else None

    async def say(
        self,
        service: str,
        person: Person,
        path: str,
        body: Mapping[str, Any] | None = None,
        tries: int = _TRIES,
    ) -> JsonObject:
        """Send a command, with its key again and again until it has a response or is given up."""
        await self._gate.wait()
        record = CommandRecord(service, path.rsplit("/", 1)[1], person.subject, person.next_key())
        self.history.commands.append(record)
        self.history.in_flight += 1
        try:
            return await self._insist(record, person, path, body, tries)
        finally:
            self.history.in_flight -= 1

    async def _insist(
        self,
        record: CommandRecord,
        person: Person,
        path: str,
        body: Mapping[str, Any] | None,
        tries: int,
    ) -> JsonObject:
        headers = {"Authorization": f"Bearer {person.token}", "Idempotency-Key": record.key}
        for attempt in range(tries):
            record.tries += 1
            try:
                response = await self._post(record, path, body, headers)
            except httpx.TransportError:
                self.history.seen[record.service, "no response"] += 1
            else:
                self._note(record.service, response)
                if not response.is_server_error:
                    return self._settled(record, response)
            await asyncio.sleep(_PAUSE_S * (attempt + 1))
        raise AbandonedError(record.key)

    async def _post(
        self,
        record: CommandRecord,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        client = self._http[record.service]
        self.history.sent += 1
        if not self.doubling:
            return await client.post(path, json=body, headers=headers)
        first, second = await asyncio.gather(
            *(client.post(path, json=body, headers=headers) for _ in range(2))
        )
        if first.is_success and second.is_success and first.json() != second.json():
            self.history.contradictions.append(f"{record.key} has two responses")
        return second if second.is_success else first

    def _settled(self, record: CommandRecord, response: httpx.Response) -> JsonObject:
        if response.is_client_error:
            record.outcome = "refused"
            self.history.seen[record.service, f"refused {record.verb}"] += 1
            raise RejectedError(f"{record.verb}: {response.text[:300]}")
        content: JsonObject = response.json()
        record.outcome, record.content = "acknowledged", content
        return content

    def _note(self, service: str, response: httpx.Response) -> None:
        seen = self.history.seen
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            seen[service, "503"] += 1
            seen[service, "retry after"] += "Retry-After" in response.headers
        elif response.is_server_error:
            seen[service, f"{response.status_code}"] += 1
        seen[service, "replayed"] += "Idempotent-Replayed" in response.headers


@dataclass
class _Walk:
    """One vehicle's path through the store."""

    load: Load
    store_id: str
    visit: SimulatedVisit
    number: int
    rng: random.Random

    async def stay(self) -> None:
        """Run the whole visit, from arrival to follow-up."""
        advisor = self.load.person("service_advisor", self.store_id, self.number)
        agent = self.load.person("customer_care_agent", self.store_id, self.number)
        customer = await self._identify(advisor)
        order_id = await self._arrive(agent)
        await self._decide(order_id, advisor, "greet")
        await self._open(order_id, advisor, customer)
        await self._work(order_id, advisor)
        await self._deliver(order_id, advisor)
        await self._call(order_id, agent)

    async def come(self, *, opens: bool) -> str:
        """Open the order without customer records, or stop after the arrival."""
        advisor = self.load.person("service_advisor", self.store_id, self.number)
        order_id = await self._arrive(
            self.load.person("customer_care_agent", self.store_id, self.number)
        )
        if opens:
            await self._decide(order_id, advisor, "greet")
            details = dataclasses.asdict(self.visit.customer)
            await self._open(order_id, advisor, {"customer": details})
        return order_id

    async def leave(self) -> None:
        """Leave after the greeting, every second time even after a promise: the customer does not
        want to wait.
        """
        advisor = self.load.person("service_advisor", self.store_id, self.number)
        customer = await self._identify(advisor)
        order_id = await self._arrive(
            self.load.person("customer_care_agent", self.store_id, self.number)
        )
        await self._decide(order_id, advisor, "greet")
        if self.rng.random() < 0.5:
            await self._open(order_id, advisor, customer)
        why = {"reason": "waited_too_long", "note": "等待时间太长"}
        await self._decide(order_id, advisor, "cancellation", why)

    async def _identify(self, advisor: Person) -> JsonObject:
        """Return the order's data on its customer: references, or details while there are none."""
        details = dataclasses.asdict(self.visit.customer)
        try:
            known = await self._say("crm", advisor, "customers", details, _AT_THE_DESK)
        except AbandonedError:
            return {"customer": details}
        return {name: known[name] for name in ("customer_ref", "vehicle_ref")}

    async def _open(self, order_id: str, advisor: Person, customer: JsonObject) -> None:
        opened = await self._decide(order_id, advisor, "open", self._write_up(customer))
        seen = self.load.history.seen
        seen["reception", "opened"] += 1
        seen["reception", "provisional"] += opened["promise_provisional"]
        seen["reception", "details kept"] += "customer" in customer

    async def _arrive(self, agent: Person) -> str:
        plate = {"plate": self.visit.customer.plate}
        arrived = await self._say("reception", agent, "arrivals", plate)
        return str(arrived["order_id"])

    def _write_up(self, customer: JsonObject) -> JsonObject:
        visit = self.visit
        return {
            **customer,
            "odometer_km": visit.odometer_km,
            "customer_concern": visit.customer_concern,
            "symptoms": list(visit.symptoms),
            "op_codes": [each.op_code for each in visit.operations],
            "parts": [
                {"part_number": part_number, "quantity": quantity}
                for part_number, quantity in visit.parts.items()
            ],
            "waiting_customer": visit.waiting_customer,
        }

    async def _work(self, order_id: str, advisor: Person) -> None:
        """Start, finish and accept all jobs of the order, until it is ready."""
        async with asyncio.timeout(_RETRY_TIMEOUT_S):
            while True:
                order = await self._ask("reception", advisor, f"orders/{order_id}")
                if order and order["status"] == "ready":
                    return
                jobs = await self._ask("workshop", advisor, "jobs", order_id=order_id)
                for job in jobs or []:
                    with suppress(RejectedError):
                        await self._advance(job)
                await asyncio.sleep(_POLL_S)

    async def _advance(self, job: JsonObject) -> None:
        if not job["technician_ids"]:
            return
        technician = self.load.named(job["technician_ids"][0], self.store_id)
        match job["status"]:
            case "planned":
                await self._on_job(job, technician, "start")
            case "in_progress":
                await self._on_job(job, technician, "finish")
            case "finished":
                inspector = self.load.person("quality_inspector", self.store_id, self.number)
                accepted = {**self.load.accepted(job), "version": job["version"]}
                await self._on_job(job, inspector, "inspection", accepted)

    async def _deliver(self, order_id: str, advisor: Person) -> None:
        invoice = await self._decide(order_id, advisor, "invoice")
        payment = {"method": self.visit.payment, "amount_cents": invoice["balance_cents"]}
        await self._decide(order_id, advisor, "payments", payment)
        for step in self.load._steps[:-1]:
            await self._on_order(order_id, advisor, "delivery-steps", {"step": step})
        await self._decide(order_id, advisor, "signature", {"strokes": [[[0, 0], [9, 9]]]})
        await self._decide(order_id, advisor, "delivery")

    async def _call(self, order_id: str, agent: Person) -> None:
        """Make the follow-up as soon as it is known."""
        async with asyncio.timeout(_RETRY_TIMEOUT_S):
            while True:
                calls = await self._ask("crm", agent, "follow-ups", status=["scheduled", "due"])
                for call in calls or []:
                    if call["order_id"] == order_id:
                        await self._complete(call, agent)
                        return
                await asyncio.sleep(_POLL_S)

    async def _complete(self, call: JsonObject, agent: Person) -> None:
        visit = self.visit
        await self._say(
            "crm",
            agent,
            f"follow-ups/{call['follow_up_id']}/calls",
            {
                "reached": visit.reached,
                "satisfaction": visit.satisfaction if visit.reached else None,
                "channel": "phone",
                "record": visit.said_on_the_phone,
            },
        )

    async def _decide(
        self, order_id: str, person: Person, verb: str, body: Mapping[str, Any] | None = None
    ) -> JsonObject:
        """Send a command on the order as the person sees it, as soon as it can be seen."""
        async with asyncio.timeout(_RETRY_TIMEOUT_S):
            while not (order := await self._ask("reception", person, f"orders/{order_id}")):
                await asyncio.sleep(_POLL_S)
        seen = {**(body or {}), "version": order["version"]}
        return await self._on_order(order_id, person, verb, seen)

    async def _on_order(
        self, order_id: str, person: Person, verb: str, body: Mapping[str, Any] | None = None
    ) -> JsonObject:
        return await self._say("reception", person, f"orders/{order_id}/{verb}", body)

    async def _on_job(
        self, job: JsonObject, person: Person, verb: str, body: Mapping[str, Any] | None = None
    ) -> JsonObject:
        return await self._say("workshop", person, f"jobs/{job['job_id']}/{verb}", body)

    async def _say(
        self,
        service: str,
        person: Person,
        path: str,
        body: Mapping[str, Any] | None = None,
        tries: int = _TRIES,
    ) -> JsonObject:
        await asyncio.sleep(self.rng.uniform(0.0, 0.1))
        return await self.load.say(service, person, f"/stores/{self.store_id}/{path}", body, tries)

    async def _ask(self, service: str, person: Person, path: str, **params: Any) -> Any:
        return await self.load.ask(service, person, f"/stores/{self.store_id}/{path}", **params)
