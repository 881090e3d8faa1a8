"""Import of a sheet (表格导入): staged whole, then applied in portions, or discarded."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from services.management.domain.difference import Difference
from services.management.domain.references import Doubt
from services.management.domain.sheet_rows import CellError
from services.management.domain.sheets import SheetKind
from shared.contracts.versioned import Versioned
from shared.contracts.violations import RuleViolation

Status = Literal["staged", "applying", "applied", "discarded", "expired"]
"""待应用、应用中、已应用、已放弃、已过期."""

Outcome = Literal["new", "changed", "unchanged", "wrong"]
"""新增、有变化、无变化、有误."""

RowResult = Literal["defined", "unchanged", "refused"]
"""已生效、无变化、未生效."""

KEPT_FOR = timedelta(days=7)
"""Time after which the rows of a sheet are deleted, and one that is only staged expires."""


@dataclass(frozen=True)
class StagedRow:
    """Row of a staged sheet: what it would do to which version of its record, or its errors.

    Once it was applied, it has a ``result``; a refused one says why, and who was first.
    """

    row: int
    code: str
    for_store: str | None
    outcome: Outcome
    content: Mapping[str, Any] | None = None
    seen: str | None = None
    differences: tuple[Difference, ...] = ()
    warnings: tuple[Doubt, ...] = ()
    errors: tuple[CellError, ...] = ()
    result: RowResult | None = None
    rule: str | None = None
    detail: str | None = None
    first_by: str | None = None
    first_at: datetime | None = None


@dataclass(frozen=True)
class SheetImport(Versioned):
    """Import of a sheet of records from the day ``valid_from`` on.

    Of its rows so many are new, changed, unchanged or wrong; ``warned`` have warnings. Of those
    that are new or changed, so many are ``defined`` and ``refused`` so far.
    """

    store_id: str
    import_id: str
    kind: SheetKind | None
    valid_from: date
    staged_by: str
    staged_at: datetime
    expires_at: datetime
    status: Status = "staged"
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    wrong: int = 0
    error_count: int = 0
    warned: int = 0
    defined: int = 0
    refused: int = 0
    applied_by: str | None = None
    applied_at: datetime | None = None

    @property
    def to_apply(self) -> int:
        """Number of rows that change anything."""
        return self.new + self.changed

    @property
    def done(self) -> int:
        """Number of rows that were applied so far."""
        return self.defined + self.refused


def stage(staged: SheetImport, rows: Iterable[StagedRow]) -> SheetImport:
    """Return the import with what its rows would do."""
    given = list(rows)
    outcomes = Counter(row.outcome for row in given)
    return replace(
        staged,
        new=outcomes["new"],
        changed=outcomes["changed"],
        unchanged=outcomes["unchanged"],
        wrong=outcomes["wrong"],
        error_count=sum(len(row.errors) for row in given),
        warned=sum(bool(row.warnings) for row in given),
    )


def begin(staged: SheetImport, by: str, at: datetime) -> SheetImport:
    """Return the import as it is being applied, or applied where nothing changes.

    Raises:
        RuleViolation: it is not staged any more, or a cell is wrong.
    """
    _require_staged(staged)
    if staged.wrong:
        raise RuleViolation(
            "sheet_has_errors",
            "Cells are wrong; correct the file and upload it again.",
            field="status",
            kind="conflict",
            count=staged.error_count,
        )
    begun = replace(staged, status="applying", applied_by=by)
    return begun if begun.to_apply else replace(begun, status="applied", applied_at=at)


def advance(applying: SheetImport, results: Sequence[RowResult], at: datetime) -> SheetImport:
    """Return the import after one more portion."""
    refused = results.count("refused")
    advanced = replace(
        applying,
        refused=applying.refused + refused,
        defined=applying.defined + len(results) - refused,
    )
    if advanced.done < advanced.to_apply:
        return advanced
    return replace(advanced, status="applied", applied_at=at)


def discard(staged: SheetImport) -> SheetImport:
    """Return the import that is never applied.

    Raises:
        RuleViolation: it is not staged any more.
    """
    _require_staged(staged)
    return replace(staged, status="discarded")


def expire(found: SheetImport) -> SheetImport:
    """Return the import whose rows are deleted; one that was not applied in time is expired."""
    return replace(found, status="expired") if found.status == "staged" else found


def _require_staged(found: SheetImport) -> None:
    if found.status != "staged":
        raise RuleViolation(
            "not_staged",
            f"The import is {found.status}.",
            field="status",
            kind="conflict",
            import_status=found.status,
        )
