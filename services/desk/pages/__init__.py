"""The desk's pages, one module a page."""

from services.desk.page import MENU
from services.desk.pages import (
    appointments,
    follow_ups,
    group,
    inspection,
    intake,
    my_jobs,
    nothing,
    order,
    orders,
    reception,
    sign_in,
    today,
    workshop,
)

__all__ = ["intake", "nothing", "order", "sign_in"]

MENU.extend(
    (
        group.PAGE,
        reception.PAGE,
        appointments.PAGE,
        orders.PAGE,
        my_jobs.PAGE,
        inspection.PAGE,
        follow_ups.PAGE,
        workshop.PAGE,
        today.PAGE,
    )
)
