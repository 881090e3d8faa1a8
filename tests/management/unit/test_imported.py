"""Lines that an import prints: refusals, warnings and a summary (R40)."""

from datetime import date

import pytest

from deploy.cli.import_ import cell_line, show, summary
from deploy.group_import import Imported
from shared.clients.management.models import (
    CellErrorView,
    ContentWarning,
    Definition,
    ImportResult,
    ImportResultResult,
)
from shared.contracts.management import BayProfile
from tests.support.decisions import profile


def imported(
    result: ImportResultResult, *, store: str | None = "S01", detail: str = "", warning: str = ""
) -> Imported:
    definition = Definition(
        collection="bays",
        for_store=store,
        code="lift-1",
        valid_from=date(2026, 1, 1),
        content=BayProfile.model_validate(profile("bays", "S01-lift-1")),
    )
    warnings = [ContentWarning(field="content.number", rule="odd", detail=warning)]
    return Imported(
        definition,
        ImportResult(
            result=result,
            field="content.type" if detail else None,
            detail=detail or None,
            warnings=warnings if warning else [],
        ),
    )


def test_refused_definition_names_its_field() -> None:
    line = f"{imported('refused', detail='There is no type of bay x.')}"
    assert line == (
        "bays: lift-1 of S01 from 2026-01-01: refused (type: There is no type of bay x.)"
    )


def test_only_refusals_and_warnings_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show(imported("defined"))
    show(imported("unchanged"))
    show(imported("defined", store=None, warning="The number is odd."))
    show(imported("refused", detail="No."))
    assert capsys.readouterr().out.splitlines() == [
        "bays: lift-1 from 2026-01-01: defined (number: The number is odd.)",
        "bays: lift-1 of S01 from 2026-01-01: refused (type: No.)",
    ]


def test_summary_counts_results_of_each_collection() -> None:
    results = [imported("defined"), imported("refused", detail="No."), imported("defined")]
    assert summary(results) == ["bays: 2 defined, 1 refused"]
    assert summary([]) == []


def test_wrong_cell_takes_one_line() -> None:
    error = CellErrorView(
        sheet="备件 Part",
        cell="F17",
        column="list_price_cents",
        value="free",
        rule="not_a_number",
        expected="128.50",
        detail="",
        heading="List price",
    )
    assert cell_line(error) == "备件 Part!F17: List price 'free': not a number; right: 128.50"
