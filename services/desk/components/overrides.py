"""Manual overrides of the day (人工干预) and their results."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.desk import formats
from services.desk.components.elements import cell, facts, panel, row, table
from services.desk.context import PageContext

Override = Mapping[str, Any]


def overrides(ctx: PageContext, found: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Show each change with the planned lateness before and after it, and the actual one; ``names``
    are those of the day's jobs.
    """
    with panel(ctx.t("Manual overrides"), name="overrides"):
        _totals(ctx, found["totals"])
        _table(ctx, found["overrides"], names)


def _totals(ctx: PageContext, totals: Mapping[str, Any]) -> None:
    t = ctx.t
    facts(
        [
            (t("Changes"), str(totals["count"])),
            (t("Share of the day's jobs"), formats.share(totals["share"])),
            (t("Lateness saved, as planned"), formats.minutes(totals["saved_min"])),
            (t("Lateness added, as planned"), formats.minutes(totals["added_min"])),
            (t("Actual lateness, changed"), formats.minutes(totals["late_overridden_min"])),
            (t("Actual lateness, untouched"), formats.minutes(totals["late_untouched_min"])),
        ]
    )


def _table(ctx: PageContext, made: Sequence[Override], names: Mapping[str, str]) -> None:
    t = ctx.t
    kpis = [t("Lateness before"), t("Lateness after"), t("Actual lateness")]
    with table([t("Time"), t("Who"), t("Job"), t("Change"), t("Reason"), t("Note"), *kpis], kpis):
        for each in reversed(made):
            with row():
                cell(formats.clock(each["made_at"], ctx.store.timezone), "number")
                cell(ctx.colleague(each["made_by"]))
                cell(names.get(each["job_id"], t("another job")))
                cell(_change(ctx, each))
                cell(t.code("manual_override", each["reason"]))
                cell(each["note"] or formats.NOTHING)
                for name in ("late_before_min", "late_after_min", "late_actual_min"):
                    cell(formats.minutes(each[name]), "kpi")


def _change(ctx: PageContext, override: Override) -> str:
    kind = ctx.t.code("override", override["kind"])
    if not override["technician_id"]:
        return kind
    return f"{kind} · {ctx.colleague(override['technician_id'])}"
