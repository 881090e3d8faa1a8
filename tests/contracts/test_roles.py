"""Roles (岗位): what each may do, by the interfaces and by HTTP, and the pages it sees (R41)."""

from collections.abc import Mapping, Sequence
from typing import get_args

import httpx
import pytest
from httpx import ASGITransport

from services.desk.page import HOME, MENU
from services.desk.pages.roles import PERSONS, permissions
from shared.security import GROUP_DEPARTMENTS, SEES_MONEY, Role
from tests.support.idle_services import Idle

OWNERS = {
    "management.answer_corrective_action",
    "management.close_corrective_action",
    "management.assess_corrective_action",
}
"""What whoever may own a corrective action may do to it."""

MAY: Mapping[Role, frozenset[str]] = {
    role: frozenset(each.code for each in permissions() if role in each.roles) for role in PERSONS
}
COMMANDS = frozenset(each.code for each in permissions() if each.acts)

APPROVALS = {
    "reception.approve_waiver",
    "reception.approve_discount",
    "reception.approve_on_account",
    "reception.issue_credit_note",
    "reception.pay_refund",
    "reception.write_claim_off",
}

ATTENDS = {
    "management.sign_in",
    "management.sign_out",
    "management.request_leave",
    "management.withdraw_leave",
}
"""What all of a store's staff do."""

ANSWERS_REQUESTS = {
    "crm.answer_inquiry",
    "crm.complete_complaint_task",
    "crm.escalate_complaint_task",
}
ACTS: Mapping[Role, set[str]] = {
    "claims_clerk": {
        *ATTENDS,
        "reception.record_claim_details",
        "reception.submit_claim",
        "reception.record_claim_decision",
        "reception.settle_claim",
        "reception.add_order_photo",
        *ANSWERS_REQUESTS,
        *OWNERS,
    },
    "cashier": {
        *ATTENDS,
        "reception.receive_deposit",
        "reception.issue_invoice",
        "reception.receive_payment",
        "reception.carry_over",
        *ANSWERS_REQUESTS,
        *OWNERS,
    },
    "sales_manager": {*ATTENDS, "crm.answer_lead", *OWNERS},
    "parts_clerk": {*ATTENDS, "workshop.set_parts_eta", *ANSWERS_REQUESTS, *OWNERS},
    "trainer": set(),
    **{role: set() for role in GROUP_DEPARTMENTS},
    "group_customer_care_manager": {
        "crm.answer_public_post",
        "crm.approve_compensation",
        "crm.assign_complaint_task",
        "crm.erase_customer",
        "crm.escalate_complaint",
        "crm.link_public_post",
        "crm.log_public_post",
        "crm.open_complaint",
        "crm.propose_compensation",
        "crm.record_complaint_contact",
        "crm.record_revisit",
        "crm.reopen_complaint",
        "crm.resolve_complaint",
    },
}
"""All that the clerks do besides reading."""

REFUSED: Mapping[Role, Sequence[tuple[str, str, str]]] = {
    "front_desk_supervisor": [
        ("reception", "POST", "/stores/S01/orders/o/discount/approve"),
        ("workshop", "POST", "/stores/S01/jobs/j/pin"),
        ("crm", "GET", "/stores/S01/call-tasks"),
        ("management", "PUT", "/stores/S01/rules/messages"),
    ],
    "claims_clerk": [
        ("reception", "POST", "/stores/S01/claims/c/write-off"),
        ("reception", "GET", "/stores/S01/receivables"),
        ("crm", "GET", "/stores/S01/customers"),
    ],
    "parts_clerk": [
        ("reception", "GET", "/stores/S01/orders/o/invoice"),
        ("workshop", "POST", "/stores/S01/jobs/j/start"),
        ("crm", "POST", "/stores/S01/resolutions"),
    ],
    "cashier": [
        ("reception", "POST", "/stores/S01/orders/o/refunds"),
        ("reception", "POST", "/stores/S01/orders/o/discount"),
        ("workshop", "GET", "/stores/S01/plan"),
        ("crm", "GET", "/stores/S01/customers"),
    ],
    "customer_care_manager": [
        ("reception", "POST", "/stores/S01/orders/o/payments"),
        ("workshop", "POST", "/stores/S01/jobs/j/pin"),
        ("management", "PUT", "/stores/S01/rules/messages"),
    ],
    "sales_manager": [
        ("crm", "POST", "/stores/S01/customers/c/leads"),
        ("crm", "GET", "/stores/S01/customers"),
        ("reception", "GET", "/stores/S01/orders"),
    ],
    "trainer": [
        ("reception", "GET", "/stores/S01/orders"),
        ("workshop", "GET", "/stores/S01/absences"),
        ("crm", "POST", "/stores/S01/resolutions"),
        ("reporting", "GET", "/stores/S01/daily-kpis"),
    ],
    "group_service_manager": [
        ("reception", "POST", "/settlement/preview"),
        ("crm", "POST", "/loyalty/preview"),
        ("management", "PUT", "/group/rules/loyalty"),
    ],
    "group_parts_manager": [
        ("reception", "GET", "/stores/S01/receivables"),
        ("workshop", "GET", "/stores/S01/staffing"),
        ("management", "PUT", "/group/rules/loyalty"),
    ],
    "group_customer_care_manager": [
        ("reception", "GET", "/stores/S01/claims"),
        ("crm", "GET", "/stores/S01/customers"),
        ("management", "PUT", "/group/rules/loyalty"),
    ],
    "group_finance_manager": [
        ("reception", "POST", "/stores/S01/orders/o/discount/approve"),
        ("crm", "POST", "/loyalty/preview"),
        ("management", "PUT", "/group/rules/settlement"),
    ],
}


def test_every_role_may_call_an_operation() -> None:
    assert [role for role, operations in MAY.items() if not operations] == []
    called = {role for each in permissions() for role in each.roles}
    assert called == set(get_args(Role)) - {"system"}


def test_every_operation_serves_a_person() -> None:
    assert [each.code for each in permissions() if not each.roles] == []


def test_supervisor_does_all_that_advisor_does() -> None:
    more = MAY["front_desk_supervisor"] - MAY["service_advisor"]
    assert MAY["service_advisor"] <= MAY["front_desk_supervisor"]
    assert more == {"reception.assign_advisor"}


def test_care_manager_does_all_that_agent_does() -> None:
    assert MAY["customer_care_agent"] <= MAY["customer_care_manager"]


def test_group_manager_does_all_that_departments_do() -> None:
    for role in GROUP_DEPARTMENTS:
        assert MAY[role] <= MAY["group_manager"], role


@pytest.mark.parametrize("role", ACTS)
def test_role_has_no_other_commands(role: Role) -> None:
    assert MAY[role] & COMMANDS == ACTS[role]


def test_only_managers_approve() -> None:
    may_approve = {role for role, operations in MAY.items() if operations & APPROVALS}
    assert may_approve == {"service_manager", "group_manager"}


def test_roles_without_money_read_no_amounts() -> None:
    assert {"parts_clerk", "trainer", "dispatcher"}.isdisjoint(SEES_MONEY)


@pytest.mark.parametrize("role", REFUSED)
async def test_role_is_refused_by_http(idle: Idle, role: Role) -> None:
    token = idle.issuer.token(f"S01-{role}-1", roles=[role], stores=["S01"])
    headers = {"Authorization": f"Bearer {token}"}
    for service, method, path in REFUSED[role]:
        transport = ASGITransport(idle.apps[service], raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://services") as client:
            response = await client.request(method, path, headers=headers)
        assert response.status_code == 403, path
        assert response.json()["type"] == "/problems/role_required", path


@pytest.mark.parametrize("role", PERSONS)
def test_first_page_is_open_to_role(role: Role) -> None:
    assert role in HOME[role].roles
    assert any(HOME[role] in section.pages for section in MENU)


def test_roles_page_lists_every_declared_operation(idle: Idle) -> None:
    declared = {
        f"{service}.{operation['operationId']}"
        for service, app in idle.apps.items()
        for operations in app.openapi()["paths"].values()
        for operation in operations.values()
        if {*operation.get("x-roles", ())} - {"system"} and operation["tags"] != ["platform"]
    }
    assert declared == {
        each.code
        for each in permissions()
        if each.area != "platform" and each.code.partition(".")[0] in idle.apps
    }
