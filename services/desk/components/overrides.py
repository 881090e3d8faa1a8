"""Manual overrides of the day (人工干预) and their results."""

from collections.abc import Mapping, Sequence

from services.desk import formats
from services.desk.components.elements import cell, facts, panel, row, table
from services.desk.context import PageContext
from shared.clients.workshop.models import OverridesView, OverrideTotals, OverrideView


def overrides(ctx: PageContext, found: OverridesView, names: Mapping[str, str]) -> None:
    """Show each change with the planned lateness before and after it, and the actual one; ``names``
    are those of the day's jobs.
    """
    with panel(ctx.t("Manual overrides"), name="overrides"):
        _totals(ctx, found.totals)
        _table(ctx, found.overrides, names)


def _totals(ctx: PageContext, totals: OverrideTotals) -> None:
    t = ctx.t
    facts(
        [
            (t("Changes"), str(totals.count)),
            (t("Share of the day's jobs"), formats.share(totals.share)),
            (t("Planned lateness avoided"), formats.minutes(totals.saved_min)),
            (t("Planned lateness added"), formats.minutes(totals.added_min)),
            (t("Actual lateness, overridden"), formats.minutes(totals.late_overridden_min)),
            (t("Actual lateness, not overridden"), formats.minutes(totals.late_untouched_min)),
        ]
    )


def _table(ctx: PageContext, made: Sequence[OverrideView], names: Mapping[str, str]) -> None:
    t = ctx.t
    kpis = [t("Lateness before"), t("Lateness after"), t("Actual lateness")]
    with table(
        [t("Time"), t("Changed by"), t("Job"), t("Change"), t("Reason"), t("Note"), *kpis], kpis
    ):
        for each in reversed(made):
            with row():
                cell(formats.clock(each.made_at, ctx.store.timezone), "number")
                cell(ctx.colleague(each.made_by))
                cell(names.get(each.job_id, t("another job")))
                cell(_change(ctx, each))
                cell(t.code("manual_override", each.reason))
                cell(each.note or formats.NOTHING)
                for minutes in (each.late_before_min, each.late_after_min, each.late_actual_min):
                    cell(formats.minutes(minutes), "figure")


def _change(ctx: PageContext, override: OverrideView) -> str:
    kind = ctx.t.code("override", override.kind)
    if not override.technician_id:
        return kind
    return f"{kind} · {ctx.colleague(override.technician_id)}"
