"""Imports of customers (客户导入), as their pages name and show them."""

from collections.abc import Mapping

from services.desk.context import PageContext

PATH = "/stores/{store_id}/customer-imports"

TONES: Mapping[str, str] = {
    "staged": "warn",
    "applying": "busy",
    "applied": "good",
    "cancelled": "quiet",
    "expired": "quiet",
}
"""Tones of the states."""


def address(ctx: PageContext, import_id: str = "") -> str:
    """Return the address of the page of an import, or of all."""
    return f"{ctx.store_path}/customer-imports/{import_id}".rstrip("/")
