"""The desk's pages, one module a page."""

from services.desk.page import HOME, MENU
from services.desk.pages import (
    appointments,
    attendance,
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
    master_data,
    my_jobs,
    no_page,
    order,
    orders,
    receivables,
    reception,
    roles,
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
        attendance.PAGE,
        facility_checks.PAGE,
        corrective_actions.PAGE,
        today.PAGE,
        master_data.PAGE,
        roles.PAGE,
        dead_letters.PAGE,
    )
)
HOME.update(
    {
        "group_manager": group.PAGE,
        "group_service_manager": group.PAGE,
        "group_parts_manager": group.PAGE,
        "group_customer_care_manager": group.PAGE,
        "group_finance_manager": group.PAGE,
        "service_manager": today.PAGE,
        "front_desk_supervisor": reception.PAGE,
        "service_advisor": reception.PAGE,
        "dispatcher": workshop.PAGE,
        "technician": my_jobs.PAGE,
        "quality_inspector": inspection.PAGE,
        "claims_clerk": claims.PAGE,
        "parts_clerk": workshop.PAGE,
        "cashier": orders.PAGE,
        "customer_care_manager": follow_ups.PAGE,
        "customer_care_agent": follow_ups.PAGE,
        "trainer": master_data.PAGE,
        "operator": dead_letters.PAGE,
    }
)
