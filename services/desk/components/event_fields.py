"""Fields of an event in a person's words; fields that only programs need are not shown."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Literal, TypeVar

from pydantic import JsonValue, TypeAdapter

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.context import PageContext
from shared.clients.bodies import ResponseBody
from shared.contracts.reception import LaborOperation

T = TypeVar("T")
Write = Callable[[PageContext, Catalog, T], str]
Written = Write[JsonValue]


class _Line(ResponseBody):
    """Line of an estimate, without its price, which not every role sees."""

    kind: Literal["labor", "part"]
    code: str


_LINES = TypeAdapter(list[_Line])


class _Step(ResponseBody):
    """Step of delivery that was done or waived."""

    step: str


def event_fields(
    ctx: PageContext, catalog: Catalog, data: Mapping[str, JsonValue]
) -> Iterator[tuple[str, str]]:
    """Yield name and value of each field that is meaningful to a person."""
    for name, write in FIELDS.items():
        if data.get(name) not in (None, [], ""):
            yield ctx.t.code("field", name), write(ctx, catalog, data[name])


def lines_of(data: Mapping[str, JsonValue]) -> list[_Line]:
    """Return the estimate lines in the data of an event."""
    return _LINES.validate_python(data.get("lines") or [])


def _as(kind: type[T], write: Write[T]) -> Written:
    """Return the same for a value of that kind in an event."""
    adapter = TypeAdapter(kind)
    return lambda ctx, catalog, value: write(ctx, catalog, adapter.validate_python(value))


def _code(*kinds: str) -> Written:
    """Return a coded value in words, from the first of the kinds that has one."""
    return _as(str, lambda ctx, _, code: ctx.t.first_known(kinds, code) or formats.NOTHING)


_time = _as(datetime, lambda ctx, _, at: formats.day_and_clock(at, ctx.store.timezone, ctx.now()))
_money = _as(int, lambda _ctx, _, cents: formats.money(cents))
_share = _as(float, lambda _ctx, _, share: formats.share(share))
_hours = _as(float, lambda _ctx, _, hours: formats.hours(hours))
_duration = _as(int, lambda _ctx, _, seconds: formats.stopwatch(seconds))
_number = _as(int, lambda _ctx, _, number: f"{number:,}")
_yes_or_no = _as(bool, lambda ctx, _, yes: ctx.t("Yes") if yes else ctx.t("No"))
_person = _as(str, lambda ctx, _, person: ctx.colleague(person))
_people = _as(list[str], lambda ctx, _, people: ctx.t.listed(map(ctx.colleague, people)))
_bay = _as(str, lambda ctx, _, bay_id: ctx.bay(bay_id))
_operation = _as(str, lambda _, catalog, op_code: catalog.operation(op_code))
_op_codes = _as(list[str], lambda ctx, catalog, codes: ctx.t.listed(map(catalog.operation, codes)))
_operations = _as(
    list[LaborOperation],
    lambda ctx, catalog, ordered: ctx.t.listed(catalog.operation(each.op_code) for each in ordered),
)
_symptoms = _as(list[str], lambda ctx, catalog, codes: ctx.t.listed(map(catalog.symptom, codes)))
_lines = _as(
    list[_Line],
    lambda ctx, catalog, lines: ctx.t.listed(catalog.line(each.kind, each.code) for each in lines),
)
_steps = _as(
    list[_Step],
    lambda ctx, catalog, steps: ctx.t.listed(
        catalog.steps.get(each.step, each.step) for each in steps
    ),
)


REASON_KINDS = (
    "reason",
    "pause",
    "manual_override",
    "discount",
    "refund",
    "on_account",
    "credit_note",
    "correction",
    "waiver",
    "withdrawal",
    "cancellation",
    "erasure_reason",
)

FIELDS: Mapping[str, Written] = {
    "queue_number": _number,
    "advisor_id": _person,
    "technician_id": _person,
    "technician_ids": _people,
    "inspector_id": _person,
    "agent_id": _person,
    "bay_id": _bay,
    "op_code": _operation,
    "op_codes": _op_codes,
    "labor_operations": _operations,
    "symptoms": _symptoms,
    "lines": _lines,
    "steps": _steps,
    "waivers": _steps,
    "erased_by": _person,
    "severity": _code("severity"),
    "cause": _code("complaint_cause"),
    "compensation_cents": _money,
    "solution_due_at": _time,
    "reason": _code(*REASON_KINDS),
    "risk_cause": _code("risk"),
    "planned_start_at": _time,
    "planned_finish_at": _time,
    "promised_at": _time,
    "promise_provisional": _yes_or_no,
    "probability": _share,
    "best_promise_at": _time,
    "due_at": _time,
    "next_due_at": _time,
    "standard_hours": _hours,
    "clocked_s": _duration,
    "odometer_km": _number,
    "waiting_customer": _yes_or_no,
    "rush": _yes_or_no,
    "estimate_version": _number,
    "estimate_cents": _money,
    "labor_cents": _money,
    "parts_cents": _money,
    "discount_cents": _money,
    "voucher_cents": _money,
    "deposit_cents": _money,
    "amount_cents": _money,
    "total_cents": _money,
    "tax_cents": _money,
    "balance_cents": _money,
    "payer": _code("payer"),
    "method": _code("method"),
    "channel": _code("authorization_channel", "channel"),
    "message_type": _code("message_type"),
    "days_overdue": _number,
    "attempt": _number,
    "reached": _yes_or_no,
    "satisfaction": _number,
    "work_quality": _number,
    "technical_skill": _number,
    "service_attitude": _number,
    "requested_by": _person,
    "approved_by": _person,
    "recorded_by": _person,
    "presented_by": _person,
    "submitted_by": _person,
    "issued_by": _person,
    "assigned_by": _person,
}
