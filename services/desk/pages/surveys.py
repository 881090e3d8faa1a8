"""Results of satisfaction surveys (满意度): over time, by person, factor, version and channel."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from services.desk import formats
from services.desk.components.corrective_action import (
    corrective_action_state,
    corrective_actions,
)
from services.desk.components.elements import (
    badge,
    box,
    cell,
    cell_box,
    empty,
    facts,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.intervals import interval_line
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.surveys import SURVEY_TONES, factor_name, version_name
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.page import Page
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    FactorResult,
    Interval,
    PartResult,
    SurveyResults,
    SurveyView,
)
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import CorrectiveActionView

REQUIREMENTS = ("R24",)

PAGE = Page(
    path="/stores/{store_id}/surveys",
    title="Satisfaction surveys",
    icon="sentiment_satisfied",
    roles=roles_of(CrmApi.get_survey_results),
    requirements=REQUIREMENTS,
)

_PERIODS = {"1": "1 month", "3": "3 months", "12": "12 months"}
_LISTED = 50


@dataclass(frozen=True)
class Shown:
    """Results of a period, the latest surveys, and corrective actions by month and factor."""

    results: SurveyResults
    surveys: Sequence[SurveyView]
    actions: Mapping[str, CorrectiveActionView]
    stores: Sequence[PartResult]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the results of one, three or twelve months, and the latest surveys."""
    asked = ctx.query.get("months", "")
    months = asked if asked in _PERIODS else "12"
    with box("tabs"):
        for each, title in _PERIODS.items():
            classes = "tab current" if each == months else "tab"
            test_id(f"months-{each}", link(ctx.t(title), f"?months={each}", classes))
    first_day = _first_day(ctx.today(), int(months))

    def render(shown: Shown, renderer: PartialRenderer) -> None:
        results = shown.results
        renderer.section("head", partial(_head, ctx), results)
        if results.store:
            renderer.section("time", partial(_over_time, ctx), results.months)
            renderer.section("factors", partial(_factors, ctx), results, shown.actions)
            renderer.section("persons", partial(_persons, ctx), results)
            renderer.section("compared", partial(_compared, ctx), results)
        if shown.stores:
            renderer.section("stores", partial(_stores, ctx), shown.stores)
        renderer.section("surveys", partial(_surveys, ctx), shown.surveys)

    await live(ctx, partial(_read, ctx, first_day), render)


def _first_day(today: date, months: int) -> date:
    """Return the first day of the month so many months back, the present one included."""
    first = today.replace(day=1)
    for _ in range(months - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    return first


async def _read(ctx: PageContext, first_day: date) -> Shown:
    crm, store_id, last_day = ctx.services.crm, ctx.store.id, ctx.today()
    results = await ctx.shared(
        f"survey results {first_day}",
        lambda: crm.get_survey_results(store_id, first_day=first_day, last_day=last_day),
    )
    surveys = await ctx.shared(
        "surveys",
        lambda: crm.list_surveys(store_id, status=["open", "answered", "expired"], limit=_LISTED),
    )
    actions: list[CorrectiveActionView] = []
    if ctx.may(ManagementApi.list_corrective_actions):
        with suppress(ServiceUnavailableError, ApiError):
            actions = await corrective_actions(ctx)
    stores: list[PartResult] = []
    if ctx.may(CrmApi.get_group_survey_results):
        stores = await crm.get_group_survey_results(first_day=first_day, last_day=last_day)
    of_months = {each.source_id: each for each in actions if each.source == "survey_month"}
    return Shown(results, surveys, of_months, stores)


def _head(ctx: PageContext, results: SurveyResults) -> None:
    t = ctx.t
    answered = sum(each.csi.answers for each in results.store)
    with panel(t("Satisfaction index"), name="survey-head"):
        facts(
            [
                (t("CSI (of 1,000)"), _points(results.store[0].csi) if results.store else NOTHING),
                (
                    t("95 % confidence"),
                    _limits(results.store[0].csi) if results.store else NOTHING,
                ),
                (t("Asked"), str(results.asked)),
                (t("Answered"), str(answered)),
            ]
        )
        text(
            t(
                "Fewer than {count} answers are shown in gray and not ranked.",
                count=results.least_answers,
            ),
            "hint",
        )
        if not results.store:
            empty(t("No answers in this time."))


def _over_time(ctx: PageContext, months: Sequence[PartResult]) -> None:
    with panel(ctx.t("CSI by month, with its 95 % confidence"), name="survey-months"):
        interval_line(
            [each.part for each in months],
            [each.csi for each in months],
            name=ctx.t("CSI (of 1,000)"),
        )


def _factors(
    ctx: PageContext, results: SurveyResults, actions: Mapping[str, CorrectiveActionView]
) -> None:
    """Show each factor over the whole time and by month, with what was done about weak months."""
    t = ctx.t
    headings = [t("Factor"), t("Answers"), t("Mean"), t("95 % confidence"), t("Weak months")]
    with (
        panel(t("Factors"), name="survey-factors"),
        table(headings, (t("Answers"), t("Mean"), t("95 % confidence"))),
    ):
        for each in results.store[0].factors:
            with test_id(f"factor-{each.factor}", row(_muted(each.result))):
                with cell_box():
                    text(factor_name(ctx, each.factor))
                    if each.weak:
                        badge(t("Weak"), "bad")
                _figures(each.result)
                with cell_box():
                    _weak_months(ctx, each.factor, results.months, actions)


def _weak_months(
    ctx: PageContext,
    factor: str,
    months: Sequence[PartResult],
    actions: Mapping[str, CorrectiveActionView],
) -> None:
    """Show weak months with their corrective action, and how the month after it came out."""
    t = ctx.t
    of_months = [(month.part, _of_factor(month, factor)) for month in months]
    for place, (month, result) in enumerate(of_months):
        action = actions.get(f"{ctx.store.id}/{month}/{factor}")
        if result is None or not (result.weak or action):
            continue
        after = next((each for _, each in of_months[place + 1 :] if each), None)
        with box("card-names"):
            text(f"{month}: {_points(result.result)}")
            if action:
                link(t("Corrective action"), f"{ctx.store_path}/corrective-actions", "text-link")
                corrective_action_state(ctx, action)
            if after:
                change = after.result.mean - result.result.mean
                label = t(
                    "next: {mean} ({change})", mean=_points(after.result), change=f"{change:+,.0f}"
                )
                badge(label, "good" if change > 0 else "bad")


def _of_factor(month: PartResult, factor: str) -> FactorResult | None:
    return next((each for each in month.factors if each.factor == factor), None)


def _persons(ctx: PageContext, results: SurveyResults) -> None:
    t = ctx.t
    with box("columns even"):
        for name, title, parts in (
            ("advisors", t("Service advisors"), results.advisors),
            ("technicians", t("Technicians"), results.technicians),
        ):
            with box("column-wide"), panel(title, name=f"survey-{name}"):
                _ranking(ctx, t("Person"), parts, ctx.colleague)


def _compared(ctx: PageContext, results: SurveyResults) -> None:
    t = ctx.t
    with box("columns even"):
        for name, title, parts, word in (
            ("versions", t("Versions of the questionnaire"), results.versions, version_name),
            (
                "channels",
                t("Channels"),
                results.channels,
                partial(t.code, "survey_channel"),
            ),
        ):
            with box("column-wide"), panel(title, name=f"survey-{name}"):
                _ranking(ctx, title, parts, word, ranked=False)


def _stores(ctx: PageContext, stores: Sequence[PartResult]) -> None:
    t = ctx.t
    with panel(t("Stores of the group"), name="survey-stores"):
        _ranking(ctx, t("Store"), stores, lambda each: t.of(ctx.store_of(each)))


def _ranking(
    ctx: PageContext,
    title: str,
    parts: Sequence[PartResult],
    name: Callable[[str], str],
    *,
    ranked: bool = True,
) -> None:
    """Show parts in their order; those with too few answers have no place and are gray."""
    t = ctx.t
    if not parts:
        empty(t("No answers in this time."))
        return
    headings = ["", title, t("Answers"), t("CSI (of 1,000)"), t("95 % confidence")]
    with table(headings, headings[2:]):
        for place, part in enumerate(parts, 1):
            with test_id(f"part-{part.part}", row(_muted(part.csi))):
                cell(str(place) if ranked and part.csi.enough else "")
                with cell_box():
                    text(name(part.part))
                    if not part.csi.enough:
                        badge(t("Few answers"), "quiet")
                _figures(part.csi)


def _figures(interval: Interval) -> None:
    cell(str(interval.answers), "figure")
    cell(_points(interval), "figure")
    cell(_limits(interval), "figure")


def _surveys(ctx: PageContext, surveys: Sequence[SurveyView]) -> None:
    t = ctx.t
    if not surveys:
        empty(t("No surveys yet."))
        return
    headings = [t("Asked"), t("Channel"), t("Status"), t("CSI (of 1,000)"), t("Low"), ""]
    with panel(t("Latest surveys"), name="survey-list"), table(headings, (t("CSI (of 1,000)"),)):
        for each in surveys:
            with test_id("survey", row()):
                cell(formats.day_and_clock(each.asked_at, ctx.store.timezone, ctx.now()), "number")
                cell(t.code("survey_channel", each.channel))
                with cell_box():
                    badge(t.code("survey_status", each.status), SURVEY_TONES[each.status])
                cell(formats.points(each.csi), "figure")
                cell(t.listed(factor_name(ctx, factor) for factor in each.low_factors))
                with cell_box("cell-actions"):
                    address = f"{ctx.store_path}/surveys/{each.survey_id}"
                    link(t("Details"), address, "text-link")
                    link(t("Order"), f"{ctx.store_path}/orders/{each.order_id}", "text-link")


def _muted(interval: Interval) -> str:
    return "" if interval.enough else "few-answers"


def _points(interval: Interval) -> str:
    return formats.points(interval.mean)


def _limits(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return NOTHING
    return f"{formats.points(interval.low)} – {formats.points(interval.high)}"
