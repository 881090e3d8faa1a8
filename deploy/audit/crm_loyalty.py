"""Loyalty tiers, lost customers, leads and campaigns of customer relations against the events."""

from typing import Any

from deploy.audit.audit_data import CUSTOMERS, AuditData, moment
from deploy.audit.result import Check, Comparison

Fields = dict[str, Any]


def check_tiers(audit_data: AuditData) -> Check:
    """Compare the tier of each reviewed customer with the last LoyaltyChanged."""
    comparison = Comparison("tiers are as the events say", "crm")
    tiers = {
        f"{event.store_id} {event.key}": event.data["new_tier"]
        for event in audit_data.of_topic(CUSTOMERS)
        if event.name == "LoyaltyChanged"
        and (event.store_id, event.key) not in audit_data.erased_customers
    }
    for row in audit_data.tables.of("crm", "customer_review"):
        key = f"{row['store_id']} {row['customer_ref']}"
        comparison.equal(f"customer {key}", "tier", tiers.pop(key, None), row["tier"])
    for key, tier in tiers.items():
        comparison.differ(f"customer {key}", "tier", tier, "no row")
    return comparison.check()


def check_lapses(audit_data: AuditData) -> Check:
    """Compare the absences of lost customers with the events that tell them."""
    comparison = Comparison("lost customers are as the events say", "crm")
    lapses: dict[str, Fields] = {}
    for event in audit_data.of_topic(CUSTOMERS):
        data = event.data
        if event.name == "CustomerLapsed":
            lapses[data["lapse_id"]] = {
                "store_id": event.store_id,
                "customer_ref": event.key,
                "tier": data["tier"],
                "basis": data["basis"],
                "lapsed_at": moment(data["lapsed_at"]),
                "cause": None,
                "result": None,
                "won_back_at": None,
            }
        elif event.name == "LapseCauseRecorded":
            lapses[data["lapse_id"]]["cause"] = data["cause"]
        elif event.name == "WinBackRecorded":
            lapses[data["lapse_id"]]["result"] = data["result"]
        elif event.name == "CustomerWonBack":
            lapses[data["lapse_id"]]["won_back_at"] = moment(data["won_back_at"])
    comparison.rows(
        "lapse", lapses, ((row["lapse_id"], row) for row in audit_data.tables.of("crm", "lapse"))
    )
    return comparison.check()


def check_leads(audit_data: AuditData) -> Check:
    """Compare leads with their handover and the last answer."""
    comparison = Comparison("leads are as the events say", "crm")
    leads: dict[str, Fields] = {}
    for event in audit_data.of_topic(CUSTOMERS):
        data = event.data
        if event.name == "LeadHandedOver":
            leads[data["lead_id"]] = {
                "store_id": event.store_id,
                "customer_ref": event.key,
                "lead_kind": data["lead_kind"],
                "model_code": data["model_code"],
                "status": "open",
                "reason": None,
                "reminders": 0,
            }
        elif event.name == "LeadAnswered":
            leads[data["lead_id"]].update(status=data["answer"], reason=data["reason"])
        elif event.name == "LeadAnswerOverdue":
            leads[data["lead_id"]]["reminders"] = data["reminder"]
        elif event.name == "LeadWithdrawn":
            leads[data["lead_id"]]["status"] = "withdrawn"
    comparison.rows(
        "lead", leads, ((row["lead_id"], row) for row in audit_data.tables.of("crm", "lead"))
    )
    return comparison.check()


def check_invitations(audit_data: AuditData) -> Check:
    """Compare who is invited to campaigns, and the last answers, with the events."""
    comparison = Comparison("invitations to campaigns are as the events say", "crm")
    invitations: dict[str, Fields] = {}
    for event in audit_data.of_topic(CUSTOMERS):
        data = event.data
        if event.name == "CampaignInvited":
            invitations[data["invitation_id"]] = {
                "store_id": event.store_id,
                "customer_ref": event.key,
                "campaign_id": data["campaign_id"],
                "tier": data["tier"],
                "wave": data["wave"],
                "channel": data["channel"],
                "invited_at": moment(data["invited_at"]),
                "answer": None,
            }
        elif event.name == "CampaignInvitationAnswered":
            invitations[data["invitation_id"]].update(
                answer=data["answer"], order_id=data["order_id"]
            )
    comparison.rows(
        "invitation",
        invitations,
        (
            (row["invitation_id"], row)
            for row in audit_data.tables.of("crm", "campaign_invitation")
            if row["state"] == "invited"
        ),
    )
    return comparison.check()
