"""Imports of customers (客户导入) from the systems of sales and insurance, row by row."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args
from unicodedata import normalize

from services.crm.domain import errors
from services.crm.domain.birthday import written_month_day
from shared.contracts.versioned import Versioned

Source = Literal["sales", "insurance", "other"]
"""System from which the rows come: 销售系统, 保险系统, 其他."""

Field = Literal[
    "name", "phone", "vin", "plate", "brand", "model", "kind", "vin_confirmed", "birthday"
]
"""姓名、电话、车架号、车牌号、品牌、车型、客户类型、车架号已确认、生日."""

Status = Literal["staged", "applying", "applied", "cancelled", "expired"]
"""待导入、导入中、已导入、已取消、已过期."""

RowState = Literal["ready", "wrong", "registered", "known", "undecided", "refused"]
"""待导入、有误、新建档、已有客户、待确认、未导入."""

REQUIRED: Sequence[Field] = ("name", "phone", "vin", "brand", "model")
"""Columns that every file has; without a plate the vehicle is known by its VIN."""

NOT_IMPORTED: Sequence[RowState] = ("wrong", "undecided", "refused")

MOST_ROWS = 10_000
"""Largest number of rows in a file."""

KEPT_FOR = timedelta(days=7)
"""Time after which the rows of a file are destroyed."""

_HEADINGS: Mapping[Field, Sequence[str]] = {
    "name": (
        "姓名",
        "客户",
        "客户姓名",
        "客户名称",
        "车主",
        "车主姓名",
        "单位名称",
        "被保险人",
        "name",
        "customer",
        "customer name",
        "owner",
    ),
    "phone": (
        "电话",
        "手机",
        "手机号",
        "手机号码",
        "联系电话",
        "电话号码",
        "phone",
        "mobile",
        "telephone",
        "phone number",
    ),
    "vin": ("车架号", "车辆识别代号", "车辆识别码", "底盘号", "vin", "chassis number"),
    "plate": ("车牌", "车牌号", "车牌号码", "号牌号码", "plate", "plate number", "license plate"),
    "brand": ("品牌", "车辆品牌", "brand", "make"),
    "model": ("车型", "车系", "model"),
    "kind": ("客户类型", "客户性质", "kind", "customer type"),
    "vin_confirmed": ("车架号已确认", "vin confirmed"),
    "birthday": ("生日", "出生日期", "出生年月日", "birthday", "date of birth", "birth date"),
}
_KINDS = {
    "个人": "person",
    "person": "person",
    "单位": "company",
    "公司": "company",
    "企业": "company",
    "company": "company",
}
_YES = ("是", "yes", "true", "1")
_FORMULA = ("=", "@")


@dataclass(frozen=True)
class RowError:
    """Error of a row: the column, None for the row as a whole, and the rule that it breaks."""

    column: str | None
    rule: str


@dataclass(frozen=True)
class CustomerImport(Versioned):
    """Import of customers: of its ``rows``, so many are wrong, and what became of the others."""

    store_id: str
    import_id: str
    source: Source
    uploaded_by: str
    uploaded_at: datetime
    expires_at: datetime
    status: Status = "staged"
    rows: int = 0
    wrong: int = 0
    registered: int = 0
    known: int = 0
    undecided: int = 0
    refused: int = 0
    applied_by: str | None = None
    ended_at: datetime | None = None

    @property
    def done(self) -> int:
        """Number of rows that were imported, or could not be, so far."""
        return self.registered + self.known + self.undecided + self.refused

    @property
    def to_do(self) -> int:
        """Number of rows that are still to be imported."""
        return self.rows - self.wrong - self.done


def columns_of(headings: Sequence[str], named: Mapping[str, str]) -> Mapping[Field, int]:
    """Return the places of the columns, by their headings in Chinese or English, or as ``named``.

    Raises:
        RuleViolation: a column that every file has is not among them.
    """
    places = {_heading(each): place for place, each in reversed(list(enumerate(headings)))}
    found: dict[Field, int] = {}
    for each in get_args(Field):
        known = [named[each]] if each in named else _HEADINGS[each]
        place = next((places[_heading(word)] for word in known if _heading(word) in places), None)
        if place is not None:
            found[each] = place
    missing = [each for each in REQUIRED if each not in found]
    if missing:
        raise errors.columns_undecided(
            missing, headings, {each: headings[place] for each, place in found.items()}
        )
    return found


def read_row(cells: Sequence[str], columns: Mapping[Field, int]) -> dict[Field, str]:
    """Return the texts of a row by column."""
    return {
        name: cells[place].strip() if place < len(cells) else "" for name, place in columns.items()
    }


def registration_of(row: Mapping[Field, str]) -> Mapping[str, object]:
    """Return what a row says as a registration (建档)."""
    kind = row.get("kind", "")
    return {
        **{name: row.get(name, "") for name in ("name", "phone", "vin", "brand", "model")},
        "plate": row.get("plate") or row.get("vin", ""),
        "kind": _KINDS.get(kind.casefold(), kind) if kind else "person",
        "vin_confirmed": _heading(row.get("vin_confirmed", "")) in _YES,
    }


def birthday_of(row: Mapping[Field, str]) -> str | None:
    """Return month and day of the birthday that a row says, None where it says none.

    Raises:
        ValueError: it is no such day.
    """
    text = row.get("birthday")
    return written_month_day(text) if text else None


def formulas_in(row: Mapping[Field, str]) -> Sequence[RowError]:
    """Return an error for each cell with a formula, which is never computed."""
    return [RowError(name, "formula") for name, text in row.items() if text.startswith(_FORMULA)]


def stage(staged: CustomerImport, wrong: int, rows: int) -> CustomerImport:
    """Return the import with its numbers of rows."""
    return replace(staged, rows=rows, wrong=wrong)


def begin(staged: CustomerImport, by: str, at: datetime) -> CustomerImport:
    """Return the import as its right rows are being imported; wrong ones are left out.

    Raises:
        RuleViolation: it is not staged any more.
    """
    if staged.status != "staged":
        raise errors.import_not_open(staged.status)
    begun = replace(staged, status="applying", applied_by=by)
    return begun if begun.to_do else replace(begun, status="applied", ended_at=at)


def advance(applying: CustomerImport, states: Iterable[RowState], at: datetime) -> CustomerImport:
    """Return the import after one more portion."""
    counted = Counter(states)
    advanced = replace(
        applying,
        registered=applying.registered + counted["registered"],
        known=applying.known + counted["known"],
        undecided=applying.undecided + counted["undecided"],
        refused=applying.refused + counted["refused"],
    )
    if advanced.to_do:
        return advanced
    return replace(advanced, status="applied", ended_at=at)


def cancel(found: CustomerImport, at: datetime) -> CustomerImport:
    """Return the import that goes no further; rows that were imported stay (取消).

    Raises:
        RuleViolation: it has ended.
    """
    if found.status not in ("staged", "applying"):
        raise errors.import_not_open(found.status)
    return replace(found, status="cancelled", ended_at=at)


def leave_out(found: CustomerImport, refused: int, at: datetime) -> CustomerImport:
    """Return the import of which so many rows are not imported, for their persons are erased."""
    left = replace(found, refused=found.refused + refused)
    if left.status == "applying" and not left.to_do:
        return replace(left, status="applied", ended_at=at)
    return left


def expire(found: CustomerImport, at: datetime) -> CustomerImport:
    """Return the import after its term; its rows are destroyed unless it still goes on.

    One that was never imported is expired. One that is being imported gets a second term, then it
    is cancelled.
    """
    if found.status == "staged":
        return replace(found, status="expired", ended_at=at)
    if found.status != "applying":
        return found
    second_term = found.uploaded_at + 2 * KEPT_FOR
    if at < second_term:
        return replace(found, expires_at=second_term)
    return cancel(found, at)


def neutral(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _heading(text: str) -> str:
    return normalize("NFKC", text).strip(" *：:\ufeff").casefold()
