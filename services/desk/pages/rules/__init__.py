"""Rules (规则): an overview, one rule set with its versions and history, and its change."""

from services.desk.pages.rules.change import PAGE as CHANGE
from services.desk.pages.rules.detail import PAGE as DETAIL
from services.desk.pages.rules.overview import PAGE

__all__ = ["CHANGE", "DETAIL", "PAGE"]
