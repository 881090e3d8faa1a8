"""The desk's pages, one module a page."""

from services.desk.page import HOME, MENU
from services.desk.pages import (
    appointments,
    authorise,
    board,
    claim,
    claims,
    customer,
    daily_checks,
    dead_letters,
    follow_ups,
    group,
    inspection,
    intake,
    my_jobs,
    nothing,
    order,
    orders,
    phone_tasks,
    receivables,
    reception,
    rectifications,
    sign_in,
    today,
    workshop,
)

__all__ = ["authorise", "board", "claim", "intake", "nothing", "order", "sign_in"]

MENU.extend(
    (
        group.PAGE,
        my_jobs.PAGE,
        inspection.PAGE,
        reception.PAGE,
        appointments.PAGE,
        orders.PAGE,
        claims.PAGE,
        receivables.PAGE,
        workshop.PAGE,
        customer.SEARCH,
        phone_tasks.PAGE,
        follow_ups.PAGE,
        daily_checks.PAGE,
        rectifications.PAGE,
        today.PAGE,
        dead_letters.PAGE,
    )
)
HOME.update(
    {
        "group_manager": group.PAGE,
        "manager": today.PAGE,
        "advisor": reception.PAGE,
        "dispatcher": workshop.PAGE,
        "technician": my_jobs.PAGE,
        "inspector": inspection.PAGE,
        "agent": follow_ups.PAGE,
        "operator": dead_letters.PAGE,
    }
)
