"""Summary report of a month's calls (回访总结报告): on the page, on paper, as CSV, filed."""

import csv
from collections.abc import Iterator, Sequence
from functools import partial
from io import StringIO

from nicegui import ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    facts,
    link,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import send_now
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import AgentCalls, FollowUpReport, ReasonNumbers

PAGE = Page(
    path="/stores/{store_id}/follow-up-report",
    title="Follow-up report",
    icon="summarize",
    roles=roles_of(CrmApi.get_follow_up_report),
    requirements=("R21",),
)

_YEAR_MONTH = "%Y-%m"
_MONTHS = 12


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the report of the chosen month, this month's where none is chosen."""
    this_month = ctx.now().astimezone(ctx.store.timezone).strftime(_YEAR_MONTH)
    months = list(_months_until(this_month))
    asked = ctx.query.get("month")
    month = asked if asked in months else this_month

    async def fetch() -> FollowUpReport:
        return await ctx.shared(
            f"follow-up report {month}",
            lambda: ctx.services.crm.get_follow_up_report(ctx.store.id, month),
        )

    def render(report: FollowUpReport, renderer: PartialRenderer) -> None:
        renderer.section("months", partial(_months, months), report)
        renderer.section("head", partial(_head, ctx, this_month), report)
        renderer.section("report", partial(_report, ctx), report)

    await live(ctx, fetch, render)


def _months_until(last: str) -> Iterator[str]:
    year, month = map(int, last.split("-"))
    for _ in range(_MONTHS):
        yield f"{year}-{month:02}"
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)


def _months(months: Sequence[str], report: FollowUpReport) -> None:
    with box("tabs"):
        for month in months:
            name = f"{month} ✓" if month in report.filed_months else month
            classes = "tab current" if month == report.month else "tab"
            test_id(f"month-{month}", link(name, f"?month={month}", classes))


def _head(ctx: PageContext, this_month: str, report: FollowUpReport) -> None:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    text(f"{t.of(ctx.store)} · {t('Follow-up report')} · {report.month}", "section-title")
    if report.filed_at is not None:
        filed = formats.day_and_clock(report.filed_at, zone, now)
        badge(t("Filed {at} by {who}", at=filed, who=ctx.colleague(report.filed_by)), "good")
    with box("actions"):
        button(t("Print"), lambda: ui.run_javascript("window.print()"), name="print")
        button(t("Download CSV"), partial(_download, ctx, report), name="download")
        may_file = ctx.may(CrmApi.file_follow_up_report)
        if may_file and report.filed_at is None and report.month < this_month:
            button(t("File report"), partial(_file, ctx, report.month), name="file")


def _report(ctx: PageContext, report: FollowUpReport) -> None:
    t = ctx.t
    numbers = [t("Due"), t("Attempts"), t("Reached"), t("Not reached"), t("Cancelled"), t("Open")]
    with table([t("Reason"), *numbers]):
        for each in report.reasons:
            _numbers(t.code("follow_up_reason", each.reason), each)
    with table([t("Agent"), *numbers]):
        for agent in report.agents:
            _numbers(ctx.colleague(agent.agent_id), agent)
    text(t("Needs"), "section-title")
    facts([(t.code("need", need), str(count)) for need, count in report.needs.items()])
    text(t("Satisfaction"), "section-title")
    facts([("★" * int(mark), str(count)) for mark, count in sorted(report.satisfaction.items())])


def _numbers(name: str, numbers: ReasonNumbers | AgentCalls) -> None:
    with row():
        cell(name)
        for count in _counts(numbers):
            cell(str(count), "number")


def _counts(numbers: ReasonNumbers | AgentCalls) -> Sequence[int]:
    return (
        numbers.due,
        numbers.attempts,
        numbers.reached,
        numbers.not_reached,
        numbers.cancelled,
        numbers.open,
    )


def _download(ctx: PageContext, report: FollowUpReport) -> None:
    """Offer the tables of the report as CSV, in UTF-8 with a mark that spreadsheets know."""
    t, out = ctx.t, StringIO()
    sheet = csv.writer(out)
    numbers = [t("Due"), t("Attempts"), t("Reached"), t("Not reached"), t("Cancelled"), t("Open")]
    sheet.writerow([t("Reason"), *numbers])
    for each in report.reasons:
        sheet.writerow([t.code("follow_up_reason", each.reason), *_counts(each)])
    sheet.writerow([t("Agent"), *numbers])
    for agent in report.agents:
        sheet.writerow([ctx.colleague(agent.agent_id), *_counts(agent)])
    sheet.writerow([t("Needs"), t("Customers")])
    sheet.writerows((t.code("need", need), count) for need, count in report.needs.items())
    sheet.writerow([t("Satisfaction"), t("Customers")])
    sheet.writerows(sorted(report.satisfaction.items()))
    ui.download(out.getvalue().encode("utf-8-sig"), f"{ctx.store.id}-{report.month}.csv")


async def _file(ctx: PageContext, month: str) -> None:
    attempt = new_attempt()
    await send_now(
        ctx,
        lambda: ctx.services.crm.file_follow_up_report(
            ctx.store.id, month, idempotency_key=attempt
        ),
    )
