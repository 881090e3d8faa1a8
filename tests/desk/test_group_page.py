"""The page of the group shows many stores page by page (R40)."""

from services.desk.directory import Store
from services.desk.pages.group import stores_on_page

STORES = [Store(f"S{number:03}", f"上海{number}店", f"Shanghai {number}") for number in range(120)]


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
