"""Fields of an event in a person's words; fields that only programs need are not shown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.context import PageContext

Written = Callable[[PageContext, Catalog, Any], str]


def event_fields(
    ctx: PageContext, catalog: Catalog, data: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield name and value of each field that is meaningful to a person."""
    for name, write in FIELDS.items():
        if data.get(name) not in (None, [], ""):
            yield ctx.t.code("field", name), write(ctx, catalog, data[name])


def _time(ctx: PageContext, _: Catalog, value: str) -> str:
    return formats.day_and_clock(value, ctx.store.timezone, ctx.now())


def _money(_ctx: PageContext, _: Catalog, value: int) -> str:
    return formats.money(value)


def _share(_ctx: PageContext, _: Catalog, value: float) -> str:
    return formats.share(value)


def _hours(_ctx: PageContext, _: Catalog, value: float) -> str:
    return formats.hours(value)


def _duration(_ctx: PageContext, _: Catalog, value: int) -> str:
    return formats.stopwatch(value)


def _number(_ctx: PageContext, _: Catalog, value: float) -> str:
    return f"{value:,}"


def _yes_or_no(ctx: PageContext, _: Catalog, value: bool) -> str:
    return ctx.t("Yes") if value else ctx.t("No")


def _people(ctx: PageContext, _: Catalog, value: str | Sequence[str]) -> str:
    people = [value] if isinstance(value, str) else value
    return ctx.t.listed(map(ctx.colleague, people))


def _bay(ctx: PageContext, _: Catalog, value: str) -> str:
    return ctx.bay(value)


def _operations(ctx: PageContext, catalog: Catalog, value: str | Sequence[Any]) -> str:
    ordered = [value] if isinstance(value, str) else value
    codes = (each if isinstance(each, str) else each["op_code"] for each in ordered)
    return ctx.t.listed(map(catalog.operation, codes))


def _symptoms(ctx: PageContext, catalog: Catalog, value: Sequence[str]) -> str:
    return ctx.t.listed(map(catalog.symptom, value))


def _lines(ctx: PageContext, catalog: Catalog, value: Sequence[Mapping[str, Any]]) -> str:
    return ctx.t.listed(catalog.line(each["kind"], each["code"]) for each in value)


def _steps(ctx: PageContext, catalog: Catalog, value: Sequence[Mapping[str, Any]]) -> str:
    return ctx.t.listed(catalog.steps.get(each["step"], each["step"]) for each in value)


def _code(*kinds: str) -> Written:
    """Return a coded value in words, from the first of the kinds that has one."""

    def write(ctx: PageContext, _: Catalog, value: str) -> str:
        return ctx.t.first_known(kinds, value) or formats.NOTHING

    return write


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
)

FIELDS: Mapping[str, Written] = {
    "queue_number": _number,
    "advisor_id": _people,
    "technician_id": _people,
    "technician_ids": _people,
    "inspector_id": _people,
    "agent_id": _people,
    "bay_id": _bay,
    "op_code": _operations,
    "op_codes": _operations,
    "labor_operations": _operations,
    "symptoms": _symptoms,
    "lines": _lines,
    "steps": _steps,
    "waivers": _steps,
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
    "requested_by": _people,
    "approved_by": _people,
    "recorded_by": _people,
    "presented_by": _people,
    "submitted_by": _people,
    "issued_by": _people,
    "assigned_by": _people,
}
