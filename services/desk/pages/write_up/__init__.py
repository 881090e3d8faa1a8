"""Opening an order (开单) in one page: vehicle, its condition, the concern, the work, the
promise.
"""

from services.desk.pages.write_up.page import PAGE, REQUIREMENTS

__all__ = ["PAGE", "REQUIREMENTS"]
