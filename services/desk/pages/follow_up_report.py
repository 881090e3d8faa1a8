"""Summary report of a month's calls (回访总结报告): on the page, on paper, as a file, filed."""

import csv
from collections.abc import Iterator, Sequence
from functools import partial
from io import BytesIO, StringIO
from typing import Literal

import xlsxwriter
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
_FILES: tuple[Literal["xlsx", "csv"], ...] = ("xlsx", "csv")


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
        for kind in _FILES:
            offer = partial(_download, ctx, report, kind)
            button(t("Download {kind}", kind=kind.upper()), offer, name=f"download-{kind}")
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


def _rows(ctx: PageContext, report: FollowUpReport) -> list[list[str | int]]:
    """Return the tables of the report, one below the other."""
    t = ctx.t
    numbers = [t("Due"), t("Attempts"), t("Reached"), t("Not reached"), t("Cancelled"), t("Open")]
    rows: list[list[str | int]] = [[t("Reason"), *numbers]]
    rows += [[t.code("follow_up_reason", each.reason), *_counts(each)] for each in report.reasons]
    rows += [[t("Agent"), *numbers]]
    rows += [[ctx.colleague(agent.agent_id), *_counts(agent)] for agent in report.agents]
    rows += [[t("Needs"), t("Customers")]]
    rows += [[t.code("need", need), count] for need, count in report.needs.items()]
    rows += [[t("Satisfaction"), t("Customers")]]
    rows += [[*each] for each in sorted(report.satisfaction.items())]
    return rows


def _csv(rows: Sequence[list[str | int]]) -> bytes:
    """Return a table in UTF-8 with a mark that spreadsheets know."""
    out = StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def _xlsx(rows: Sequence[list[str | int]]) -> bytes:
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.set_column(0, 0, 24)
        for number, each in enumerate(rows):
            sheet.write_row(number, 0, each)
    return out.getvalue()


def _download(ctx: PageContext, report: FollowUpReport, kind: Literal["csv", "xlsx"]) -> None:
    """Offer the tables of the report as a file."""
    rows = _rows(ctx, report)
    content = _xlsx(rows) if kind == "xlsx" else _csv(rows)
    ui.download(content, f"{ctx.store.id}-{report.month}.{kind}")


async def _file(ctx: PageContext, month: str) -> None:
    attempt = new_attempt()
    await send_now(
        ctx,
        lambda: ctx.services.crm.file_follow_up_report(
            ctx.store.id, month, idempotency_key=attempt
        ),
    )
