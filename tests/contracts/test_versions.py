"""Commands that name the version that a person saw (R2, R4, R5, R7, R8, R12)."""

from fastapi import FastAPI

from services.crm.entrypoints.http import router as crm
from services.management.entrypoints.http import router as management
from services.reception.entrypoints.http import router as reception
from services.reporting.entrypoints.http import router as reporting
from services.workshop.entrypoints.http import router as workshop
from shared.routing import Router
from tests.support.seen_versions import Sight

RECORDS_WHAT_HAPPENED = {
    "/follow-ups/{follow_up_id}/calls",
    "/orders/{order_id}/delivery-steps",
    "/orders/{order_id}/feedback",
    "/orders/{order_id}/photos",
    "/jobs/{job_id}/additional-work",
    "/jobs/{job_id}/diagnosis",
    "/jobs/{job_id}/finish",
    "/jobs/{job_id}/pause",
    "/jobs/{job_id}/resume",
    "/jobs/{job_id}/start",
    "/campaigns/{campaign_id}/costs",
    "/complaints/{complaint_id}/tasks",
    "/customers/{customer_ref}/contact-points",
    "/customers/{customer_ref}/lapse/cause",
    "/customers/{customer_ref}/leads",
    "/customers/{customer_ref}/birthday",
    "/customers/{customer_ref}/consents/{purpose}",
    "/gateways/{channel}/messages",
    "/insurance/policies/{policy_id}/hand-over",
    "/insurance/policies/{policy_id}/quotes",
    "/orders/{order_id}/entitlements",
    "/registered-vehicles/{vehicle_ref}/first-registration",
    "/registered-vehicles/{vehicle_ref}/odometer-readings",
    "/registered-vehicles/{vehicle_ref}/people",
    "/registered-vehicles/{vehicle_ref}/vin",
    "/technicians/{technician_id}/absences",
}
"""Commands that record an action or a statement, true whatever other users do meanwhile."""

ENDS_WHAT_NEVER_CHANGES = {
    "/absences/{absence_id}/cancel",
    "/authorizations/{token}",
    "/capacity-holds/{hold_id}/release",
    "/orders/{order_id}/estimates/{version}/links",
    "/orders/{order_id}/links/{link_id}/showing",
    "/call-tasks/{message_id}/complete",
    "/campaign-invitations/{invitation_id}/answer",
    "/campaigns/{campaign_id}/end",
    "/survey-links/{token}",
    "/surveys/{survey_id}/answers",
    "/complaint-tasks/{complaint_task_id}/escalation",
    "/complaint-tasks/{complaint_task_id}/result",
    "/customer-imports/{import_id}/cancel",
    "/customers/{customer_ref}/contact-points/{contact_point_id}",
    "/customers/{customer_ref}/lapse/result",
    "/inquiries/{inquiry_id}/answer",
    "/inquiries/{inquiry_id}/department",
    "/insurance/policies/{policy_id}/lose",
    "/insurance/policies/{policy_id}/win",
    "/leads/{lead_id}/answer",
    "/public-posts/{public_post_id}/answer",
    "/public-posts/{public_post_id}/complaint",
    "/registered-vehicles/{vehicle_ref}/people/end",
    "/service-reminders/{reminder_id}/answer",
}
"""Commands that end, once, an object whose content stays as first shown."""

CREATES = {
    "/customers/{customer_ref}/erasure",
    "/follow-up-reports/{month}/file",
    "/group/stores/{code}/open",
}
"""Commands that are refused where the object exists."""

NAMES_WHAT_CHANGES = {
    "/customers/{customer_ref}/merge",
    "/customers/{customer_ref}/reassign",
    "/customers/{customer_ref}/unmerge",
}
"""Commands that name the value that they replace, and are refused where it is another one."""


def without_version(router: Router) -> set[str]:
    """Return the paths of commands on existing objects that name no version."""
    app = FastAPI()
    app.include_router(router)
    description = app.openapi()
    existing = {
        path
        for path, methods in description["paths"].items()
        for method in {"post", "put"} & methods.keys()
        if "{" in path.replace("{store_id}", "")
        and any(each["name"] == "Idempotency-Key" for each in methods[method]["parameters"])
    }
    return {
        path.removeprefix("/stores/{store_id}")
        for path in existing - Sight.of(description).reads.keys()
    }


def test_commands_take_version_unless_listed() -> None:
    found = map(without_version, (reception, workshop, crm, reporting, management))
    assert set[str]().union(*found) == (
        RECORDS_WHAT_HAPPENED | ENDS_WHAT_NEVER_CHANGES | CREATES | NAMES_WHAT_CHANGES
    )
