"""The page of the group shows the last reports of its stores, page by page (R40)."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from services.desk.directory import Store
from services.desk.pages.group import latest_reports, stores_on_page
from services.desk.response_cache import ResponseCache

STORES = [Store(f"S{number:03}", f"上海{number}店", f"Shanghai {number}") for number in range(120)]
TODAY = date(2026, 3, 4)
YESTERDAY = TODAY - timedelta(days=1)


def context(*published: date) -> Any:
    """Return the context of a page for which the stores have published reports of these days."""

    async def group_daily_reports(*, day: date) -> list[str]:
        return [f"report of {day}"] if day in published else []

    return SimpleNamespace(
        today=lambda: TODAY,
        person=SimpleNamespace(subject="group-manager-1"),
        app_context=SimpleNamespace(response_cache=ResponseCache()),
        services=SimpleNamespace(
            reporting=SimpleNamespace(group_daily_reports=group_daily_reports)
        ),
    )


@pytest.mark.parametrize(
    ("published", "asked", "shown"),
    [
        ([YESTERDAY], TODAY, YESTERDAY),
        ([YESTERDAY, TODAY], TODAY, TODAY),
        ([], TODAY, TODAY),
        ([YESTERDAY - timedelta(days=1)], YESTERDAY, YESTERDAY),
    ],
)
async def test_yesterday_stands_until_store_closes_today(
    published: list[date], asked: date, shown: date
) -> None:
    day, reports = await latest_reports(context(*published), asked)
    assert day == shown
    assert bool(reports) == (shown in published)


def test_pages_show_every_store_once() -> None:
    shown: list[str] = []
    page = stores_on_page(STORES, "", None)
    while len(page) > 50:
        shown += page[:50]
        page = stores_on_page(STORES, "", shown[-1])
    assert shown + page == [store.id for store in STORES]


def test_search_finds_code_and_both_names() -> None:
    assert stores_on_page(STORES, "s007", None) == ["S007"]
    assert stores_on_page(STORES, "上海119", None) == ["S119"]
    assert stores_on_page(STORES, "SHANGHAI 11", "S112")[0] == "S113"
    assert stores_on_page(STORES, "无锡", None) == []
