"""Reasons in the person's language: a code of the services, and its values."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from services.desk import formats
from services.desk.context import PageContext
from shared.clients.workshop.models import PlannedJobView, PromiseRiskView, ReasonView

Values = Mapping[str, str | int]
"""Values in a sentence, by name."""

JobName = Callable[[str], str]
"""Function that returns a job's name on the page, by its id."""

_PLANNER = "planner"

DISPLAY_BAD_BELOW = 0.5
"""Probability below which the desk shows a promise in red; it is for display only.

The workshop alerts at its own threshold, the store's ``risk_threshold``.
"""


def sentence(ctx: PageContext, kind: str, code: str, detail: Values, job_name: JobName) -> str:
    """Return the sentence ``kind.code`` with its values in words; the code's name where there is
    none.
    """
    found = ctx.t.known(f"{kind}.{code}")
    return found.format_map(_Spoken(ctx, detail, job_name)) if found else code


def change_text(ctx: PageContext, reason: ReasonView | None, job_name: JobName) -> str:
    """Return the reason for a job's slot (改派原因), with the person who decided it, if any."""
    if not reason:
        return ""
    if reason.by == _PLANNER:
        return sentence(ctx, "why", reason.code, reason.detail, job_name)
    return ctx.t(
        "Manual override by {person}: {reason}",
        person=ctx.colleague(reason.by),
        reason=ctx.t.code("manual_override", str(reason.detail["why"])),
    )


def risk_text(ctx: PageContext, risk: PromiseRiskView | None, job_name: JobName) -> str:
    """Return a promise's probability, its risk and the best new promise (承诺风险)."""
    if not risk:
        return ""
    return ctx.t(
        "On-time probability {probability}: {cause}; best new promised time {time}",
        probability=f"{risk.probability:.0%}",
        cause=sentence(ctx, "risk", risk.cause, risk.detail, job_name),
        time=formats.day_and_clock(risk.best_promise_at, ctx.store.timezone, ctx.now()),
    )


def risk_tone(ctx: PageContext, job: PlannedJobView) -> str:
    """Return ``bad`` where the promise is more likely broken than kept, ``warn`` after a warning of
    the workshop.
    """
    risk, end = job.risk, job.finished_at or job.planned_finish_at
    delivery_lead = timedelta(minutes=ctx.store.delivery_lead_minutes)
    late = end and end + delivery_lead > job.promised_at
    if late or (risk and risk.probability < DISPLAY_BAD_BELOW):
        return "bad"
    return "warn" if risk and risk.alerted_at else ""


class _Spoken(dict[str, str]):
    """Values of a reason in words; a value that the service omitted stays open."""

    def __init__(self, ctx: PageContext, detail: Values, job_name: JobName) -> None:
        t, zone = ctx.t, ctx.store.timezone
        super().__init__({name: str(value) for name, value in detail.items()})
        if at := self.get("at"):
            self["at"] = formats.day_and_clock(datetime.fromisoformat(at), zone, ctx.now())
        if skill_code := self.get("skill_code"):
            self["skill_code"] = t.code("skill_code", skill_code)
        if technicians := self.get("technician_id"):
            people = (ctx.colleague(each) for each in technicians.split(", "))
            self["technician_id"] = t.listed(people)
        if job_id := self.get("job_id"):
            self["job_id"] = job_name(job_id)
        if bay_id := self.get("bay_id"):
            self["bay_id"] = ctx.bay(bay_id)

    def __missing__(self, name: str) -> str:
        return formats.NOTHING
