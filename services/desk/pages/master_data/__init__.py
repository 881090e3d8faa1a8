"""Master data (主数据): lists, one record with its versions and history, and its change.

The page of the change comes before that of the record, whose code may have slashes.
"""

from services.desk.pages.master_data.change import PAGE as CHANGE
from services.desk.pages.master_data.detail import PAGE as DETAIL
from services.desk.pages.master_data.new_store import PAGE as NEW_STORE
from services.desk.pages.master_data.overview import MENU_PAGE as PAGE
from services.desk.pages.master_data.prices import PAGE as PRICES
from services.desk.pages.master_data.sheet_import import PAGE as SHEET_IMPORT
from services.desk.pages.master_data.sheets import PAGE as SHEETS
from services.desk.pages.master_data.week import PAGE as WEEK

__all__ = ["CHANGE", "DETAIL", "NEW_STORE", "PAGE", "PRICES", "SHEETS", "SHEET_IMPORT", "WEEK"]
