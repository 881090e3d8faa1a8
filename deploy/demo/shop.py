"""One store on the simulated day: the work of its staff as commands."""

import dataclasses
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

import simpy

from deploy.demo.clients import Client, JsonObject, Person, RejectedError, Staff
from deploy.demo.rounds import STEP_MIN, Process, Rounds
from deploy.demo.script import SimulatedVisit

BOOKING_MIN = 7 * 60 + 30
"""Time at which agents enter the day's appointments, in minutes since local midnight."""

_STEPS_AT_DESK = 4
_SIGNATURE_STEP = "customer_signed"
_CALL_MIN = 4
_BEFORE_OVERTIME_MIN = 15


@dataclass(frozen=True)
class Services:
    """The services over HTTP."""

    reception: Client
    workshop: Client
    crm: Client
    reporting: Client
    management: Client

    def by_name(self) -> dict[str, Client]:
        return dict(vars(self))


@dataclass(frozen=True)
class Shift:
    """A technician's breaks (休息) in minutes since local midnight.

    A technician who works past the end of the shift has one more.
    """

    breaks: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, entry: JsonObject) -> "Shift":
        """Return the shift of the group's calendar."""
        breaks = [(_minute(each["start"]), _minute(each["finish"])) for each in entry["breaks"]]
        end = _minute(entry["finish"])
        return cls([*breaks, (end, end + _BEFORE_OVERTIME_MIN)])

    def rest_left(self, minute: int) -> int:
        """Return the minutes until the break at ``minute`` is over."""
        return next((end - minute for begin, end in self.breaks if begin <= minute < end), 0)

    def spells(self, begin: int, length: int) -> Iterator[tuple[int, int]]:
        """Return work of ``length`` minutes from ``begin`` as spells between breaks.

        Each spell comes with the length of the break that follows it (0 after the last).
        """
        for rest_begin, rest_end in self.breaks:
            if begin < rest_begin < begin + length:
                yield rest_begin - begin, rest_end - rest_begin
                length -= rest_begin - begin
                begin = rest_end
        yield length, 0


@dataclass(order=True)
class Member:
    """A member of a team, with the number of customers served today."""

    served: int
    number: int
    person: Person = field(compare=False)


class Team:
    """People of one role; of the free ones, the one with the fewest customers serves the next."""

    def __init__(self, env: simpy.Environment, persons: Sequence[Person]) -> None:
        self._free = simpy.PriorityStore(env)
        for number, person in enumerate(persons):
            self._free.put(Member(0, number, person))

    def take(self) -> simpy.Event:
        """Return the event of a :class:`Member` being free."""
        return self._free.get()

    def release(self, member: Member) -> None:
        """Return a member to the team after a customer."""
        self._free.put(Member(member.served + 1, member.number, member.person))


@dataclass
class Case:
    """A visit under way: its order, and the work that inspectors still have to accept."""

    visit: SimulatedVisit
    order_id: str
    unaccepted: int
    ready: simpy.Event


class Shop:
    """One store and its staff.

    Visits come in, advisors receive, technicians work by the plan, inspectors check, advisors
    deliver, and agents call on the next morning.
    """

    def __init__(
        self,
        store_id: str,
        visits: Sequence[SimulatedVisit],
        *,
        services: Services,
        staff: Staff,
        shifts: Mapping[str, Shift],
        delivery_steps: Sequence[str],
        checklists: Mapping[str, Sequence[JsonObject]],
        areas: Sequence[JsonObject],
        rounds: Rounds,
    ) -> None:
        self.store_id = store_id
        self.visits = visits
        self.delivered = 0
        self.calls_made = 0
        self._services = services
        self._staff = staff
        self._shifts = shifts
        self._steps = delivery_steps
        self._checklists = checklists
        self._areas = areas
        self._rounds = rounds
        self._env = rounds.env
        self._cases: dict[str, Case] = {}
        self._jobs: list[JsonObject] = []
        self._plan_changed = self._env.event()
        self._agents = staff.with_role("customer_care_agent", store_id)
        self._dispatcher = staff.with_role("dispatcher", store_id)[0]
        self._advisors = Team(self._env, staff.with_role("service_advisor", store_id))
        self._inspectors = Team(self._env, staff.with_role("quality_inspector", store_id))

    def open(self) -> None:
        """Begin the day."""
        self._env.process(self._look_around())
        for visit in self.visits:
            self._env.process(self._visit(visit))
        for person in self._staff.with_role("technician", self.store_id):
            self._env.process(self._technician(person))

    async def look_at_plan(self) -> None:
        """Read the workshop's board; technicians notice when it has changed."""
        jobs = await self._services.workshop.get(self._dispatcher, self._path("jobs"))
        if jobs != self._jobs:
            self._jobs = jobs
            noticed, self._plan_changed = self._plan_changed, self._env.event()
            noticed.succeed()

    # Reception

    def _look_around(self) -> Process:
        """Check customer lounge and service drive before the first customers come."""
        for area in self._areas:
            yield self._act(self._check, area)

    async def _check(self, area: JsonObject) -> None:
        results = {entry["item"]: "ok" for entry in area["items"]}
        body = {"area": area["area"], "results": results}
        await self._say(self._services.reception, self._agents[0], "facility-checks", body)

    def _visit(self, visit: SimulatedVisit) -> Process:
        appointment_id = None
        if visit.booked_for_min is not None:
            appointment_id = yield self._replan(self._book, visit)
        yield self._until(visit.arrives_min)
        arrived = yield self._act(self._arrive, visit, appointment_id)
        case = Case(visit, arrived["order_id"], len(visit.operations), self._env.event())
        self._cases[case.order_id] = case
        yield from self._receive(case)
        yield case.ready
        yield self._act(self._tell_by_phone, case)
        yield self._rounds.wait(visit.pickup_min)
        yield from self._deliver(case)
        self.delivered += 1

    def _receive(self, case: Case) -> Process:
        """Greet the customer, write the order and promise a time, by the freest advisor."""
        advisor: Member = yield self._advisors.take()
        yield self._rounds.wait(case.visit.approach_min)
        yield self._act(self._decide, case, advisor.person, "greet")
        yield self._rounds.wait(case.visit.write_up_min)
        yield self._replan(self._open_order, case, advisor.person)
        self._advisors.release(advisor)

    def _deliver(self, case: Case) -> Process:
        """Issue the invoice, complete every step of the checklist, and hand over the keys."""
        advisor: Member = yield self._advisors.take()
        at_the_desk, at_the_car = self._steps[:_STEPS_AT_DESK], self._steps[_STEPS_AT_DESK:]
        yield self._act(self._settle_invoice, case, advisor.person)
        yield self._act(self._record_steps, case, advisor.person, at_the_desk)
        yield self._rounds.wait(case.visit.delivery_lead_min)
        yield self._act(self._hand_over, case, advisor.person, at_the_car)
        yield self._act(self._take_feedback, case, advisor.person)
        self._advisors.release(advisor)

    async def _book(self, visit: SimulatedVisit) -> str | None:
        """Book the appointment; a customer whose time is full comes without one."""
        body = {
            "plate": visit.customer.plate,
            "appointment_at": self._moment(visit.booked_for_min or 0),
            "op_codes": [each.op_code for each in visit.operations],
        }
        try:
            booked = await self._say(
                self._services.reception, self._agent(visit), "appointments", body
            )
        except RejectedError:
            return None
        return str(booked["appointment_id"])

    async def _arrive(self, visit: SimulatedVisit, appointment_id: str | None) -> JsonObject:
        body = {"plate": visit.customer.plate, "appointment_id": appointment_id}
        return await self._say(self._services.reception, self._agent(visit), "arrivals", body)

    async def _open_order(self, case: Case, advisor: Person) -> JsonObject:
        visit = case.visit
        customer = await self._say(
            self._services.crm, advisor, "customers", dataclasses.asdict(visit.customer)
        )
        return await self._decide(
            case,
            advisor,
            "open",
            {
                "customer_ref": customer["customer_ref"],
                "vehicle_ref": customer["vehicle_ref"],
                "odometer_km": visit.odometer_km,
                "customer_concern": visit.customer_concern,
                "symptoms": list(visit.symptoms),
                "op_codes": [each.op_code for each in visit.operations],
                "parts": [
                    {"part_number": part_number, "quantity": quantity}
                    for part_number, quantity in visit.parts.items()
                ],
                "waiting_customer": visit.waiting_customer,
            },
        )

    async def _record_steps(self, case: Case, advisor: Person, steps: Sequence[str]) -> None:
        for step in steps:
            if step == _SIGNATURE_STEP:
                await self._decide(case, advisor, "signature", {"strokes": case.visit.signature})
            else:
                await self._on_order(case, advisor, "delivery-steps", {"step": step})

    async def _hand_over(self, case: Case, advisor: Person, steps: Sequence[str]) -> None:
        await self._record_steps(case, advisor, steps)
        await self._decide(case, advisor, "delivery")

    async def _take_feedback(self, case: Case, advisor: Person) -> None:
        rating = case.visit.satisfaction
        ratings = {"work_quality": rating, "technical_skill": rating, "service_attitude": rating}
        await self._on_order(case, advisor, "feedback", ratings)

    async def _settle_invoice(self, case: Case, advisor: Person) -> None:
        invoice = await self._decide(case, advisor, "invoice")
        payment = {"method": case.visit.payment, "amount_cents": invoice["balance_cents"]}
        await self._decide(case, advisor, "payments", payment)

    async def _on_order(
        self, case: Case, person: Person, verb: str, body: Mapping[str, Any] | None = None
    ) -> JsonObject:
        path = f"orders/{case.order_id}/{verb}"
        return await self._say(self._services.reception, person, path, body)

    async def _decide(
        self, case: Case, person: Person, verb: str, body: Mapping[str, Any] | None = None
    ) -> JsonObject:
        """Send a command on the order as the person sees it now."""
        path = self._path(f"orders/{case.order_id}")
        order = await self._services.reception.get(person, path)
        return await self._on_order(
            case, person, verb, {**(body or {}), "version": order["version"]}
        )

    # Workshop

    def _technician(self, person: Person) -> Process:
        """Work by the plan: the next job when its time has come, until the last is delivered."""
        entry = self._staff.entry(person)
        shift, time_factor = self._shifts[entry["shift"]], float(entry["time_factor"])
        while self.delivered < len(self.visits):
            job = self._next_job(person)
            if job is None:
                yield self._plan_changed
                continue
            now = int(self._env.now)
            wait = max(self._minutes_until(job["planned_start_at"]), shift.rest_left(now))
            if wait > STEP_MIN / 2:
                yield self._plan_changed | self._rounds.wait(wait)
                continue
            try:
                yield self._replan(self._on_job, job, person, "start")
            except RejectedError:
                yield self._rounds.wait(STEP_MIN)
                continue
            crew = [person]
            for other in self._staff.named(job["technician_ids"][1:]):
                try:
                    yield self._replan(self._on_job, job, other, "resume")
                except RejectedError:
                    continue
                crew.append(other)
            yield from self._work(crew, job, shift, time_factor)

    def _work(
        self, crew: Sequence[Person], job: JsonObject, shift: Shift, time_factor: float
    ) -> Process:
        visit = self._cases[job["order_id"]].visit
        factor = visit.work_factors[visit.place(job["op_code"])]
        length = max(1, round(job["standard_hours"] * 60 * time_factor * factor))
        for spell, rest in shift.spells(int(self._env.now), length):
            yield self._rounds.wait(spell)
            if rest:
                for person in crew:
                    yield self._replan(self._on_job, job, person, "pause", {"reason": "break"})
                yield self._rounds.wait(rest)
                for person in crew:
                    yield self._replan(self._on_job, job, person, "resume")
        for person in crew:
            yield self._replan(self._on_job, job, person, "finish")
        self._env.process(self._inspect(job))

    def _inspect(self, job: JsonObject) -> Process:
        case = self._cases[job["order_id"]]
        inspector: Member = yield self._inspectors.take()
        yield self._rounds.wait(case.visit.inspection_min)
        accepted = {"items": {each["item"]: "ok" for each in self._checklists[job["skill_code"]]}}
        yield self._act(self._accept, job, inspector.person, accepted)
        self._inspectors.release(inspector)
        case.unaccepted -= 1
        if not case.unaccepted:
            case.ready.succeed()

    def _next_job(self, person: Person) -> JsonObject | None:
        """Return the person's earliest planned job; in a team of two, the first named begins it."""
        own = [
            job
            for job in self._jobs
            if job["status"] == "planned" and job["technician_ids"][:1] == [person.subject]
        ]
        return min(own, key=self._job_sort_key, default=None)

    def _job_sort_key(self, job: JsonObject) -> tuple[str, int, int]:
        visit = self._cases[job["order_id"]].visit
        return job["planned_start_at"], visit.number, visit.place(job["op_code"])

    async def _accept(self, job: JsonObject, inspector: Person, accepted: JsonObject) -> JsonObject:
        """Accept the work that the inspector sees."""
        path = self._path(f"jobs/{job['job_id']}")
        seen = await self._services.workshop.get(inspector, path)
        return await self._on_job(
            job, inspector, "inspection", accepted | {"version": seen["version"]}
        )

    async def _on_job(
        self, job: JsonObject, person: Person, verb: str, body: Mapping[str, Any] | None = None
    ) -> JsonObject:
        return await self._say(
            self._services.workshop, person, f"jobs/{job['job_id']}/{verb}", body
        )

    # Customer relations

    def call_back(self) -> None:
        """Call each agent's own customers on the next morning."""
        for agent in self._agents:
            self._env.process(self._calls(agent))

    async def _tell_by_phone(self, case: Case) -> None:
        """Record that an agent gives the customer a message that no other channel could deliver."""
        agent = self._agent(case.visit)
        for task in await self._services.crm.get(agent, self._path("call-tasks")):
            if task["order_id"] == case.order_id:
                path = f"call-tasks/{task['message_id']}/complete"
                await self._say(self._services.crm, agent, path, {"reached": True})

    def _calls(self, agent: Person) -> Process:
        due = yield self._act(self._due_calls, agent)
        for call in due:
            yield self._rounds.wait(_CALL_MIN)
            yield self._act(self._complete, agent, call)
            self.calls_made += 1

    async def _due_calls(self, agent: Person) -> list[JsonObject]:
        """Return the agent's calls after deliveries, in the order of the visits."""
        due = await self._services.crm.get(agent, self._path("follow-ups"), status="due")
        own = [
            call
            for call in due
            if call["agent_id"] == agent.subject and call["reason"] == "delivery"
        ]
        return sorted(own, key=lambda call: self._cases[call["order_id"]].visit.number)

    async def _complete(self, agent: Person, call: JsonObject) -> JsonObject:
        visit = self._cases[call["order_id"]].visit
        return await self._say(
            self._services.crm,
            agent,
            f"follow-ups/{call['follow_up_id']}/calls",
            {
                "reached": visit.reached,
                "satisfaction": visit.satisfaction if visit.reached else None,
                "channel": "phone",
                "record": visit.said_on_the_phone,
            },
        )

    # Sending of commands

    def _act(self, errand: Callable[..., Awaitable[Any]], *about: Any) -> simpy.Event:
        return self._rounds.act(self.store_id, partial(errand, *about), touches_plan=False)

    def _replan(self, errand: Callable[..., Awaitable[Any]], *about: Any) -> simpy.Event:
        """Return an action after which the workshop may replan."""
        return self._rounds.act(self.store_id, partial(errand, *about), touches_plan=True)

    async def _say(
        self, service: Client, person: Person, path: str, body: Mapping[str, Any] | None = None
    ) -> JsonObject:
        response: JsonObject = await service.post(person, self._path(path), body)
        return response

    def _path(self, path: str) -> str:
        return f"/stores/{self.store_id}/{path}"

    def _agent(self, visit: SimulatedVisit) -> Person:
        return self._agents[visit.number % len(self._agents)]

    def _until(self, minute: int) -> simpy.Event:
        return self._rounds.wait(minute - self._env.now)

    def _moment(self, minute: int) -> str:
        moment = self._rounds.now + timedelta(minutes=minute - self._env.now)
        return moment.isoformat()

    def _minutes_until(self, moment: str) -> int:
        """Return the whole minutes until a moment, rounded up; negative when it has passed."""
        left: timedelta = datetime.fromisoformat(moment) - self._rounds.now
        return -int(-left.total_seconds() // 60)


def _minute(local: str) -> int:
    moment = time.fromisoformat(local)
    return moment.hour * 60 + moment.minute
