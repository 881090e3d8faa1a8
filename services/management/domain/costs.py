"""The rule for months (月份), whose costs and sales a store takes over from its accounts."""

from datetime import date

from pydantic import TypeAdapter, ValidationError

from services.management.domain import errors
from shared.contracts.base import Month

_MONTH: TypeAdapter[str] = TypeAdapter(Month)


def check_month(code: str, today: date) -> None:
    """Check that a code is a month that has begun, such as ``2026-03``.

    Raises:
        RuleViolation: it is none, or one to come.
    """
    try:
        month = _MONTH.validate_python(code)
    except ValidationError:
        raise errors.month_unusable(code) from None
    if month > f"{today:%Y-%m}":
        raise errors.month_unusable(code)
