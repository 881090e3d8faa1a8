"""The desk's pages, one module a page."""

from services.desk.page import HOME, MENU
from services.desk.pages import (
    appointments,
    authorize,
    board,
    call_tasks,
    claim,
    claims,
    corrective_actions,
    customer,
    dead_letters,
    facility_checks,
    follow_ups,
    group,
    inspection,
    my_jobs,
    no_page,
    order,
    orders,
    receivables,
    reception,
    rules,
    sign_in,
    today,
    workshop,
    write_up,
)

__all__ = ["authorize", "board", "claim", "no_page", "order", "sign_in", "write_up"]

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
        call_tasks.PAGE,
        follow_ups.PAGE,
        facility_checks.PAGE,
        corrective_actions.PAGE,
        today.PAGE,
        rules.PAGE,
        dead_letters.PAGE,
    )
)
HOME.update(
    {
        "group_manager": group.PAGE,
        "service_manager": today.PAGE,
        "service_advisor": reception.PAGE,
        "dispatcher": workshop.PAGE,
        "technician": my_jobs.PAGE,
        "quality_inspector": inspection.PAGE,
        "customer_care_agent": follow_ups.PAGE,
        "operator": dead_letters.PAGE,
    }
)
