"""Responses of customer relations, for tests in which it is played."""

from typing import Any

SENT_MESSAGE: dict[str, Any] = {
    "message_id": "m-1",
    "customer_ref": "c-1",
    "order_id": None,
    "about": None,
    "message_type": "authorization",
    "values": {},
    "created_at": "2026-03-18T01:00:00Z",
    "expires_at": None,
    "status": "sent",
    "channel": "sms",
    "tries": 1,
    "reason": None,
    "agent_id": None,
    "notified_at": None,
    "contact_set_by": None,
    "contact_set_at": None,
}

UNKNOWN_VEHICLE: dict[str, Any] = {
    "visits": 0,
    "tier": None,
    "entitlements": [],
    "tier_rule": "last_365_days",
}
