"""Opening an order (开单) in one page: vehicle, its condition, the fault, the work, the promise."""

from services.desk.pages.write_up.page import DUTIES, PAGE

__all__ = ["DUTIES", "PAGE"]
