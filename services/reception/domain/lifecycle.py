"""Statuses of a repair order (工单状态), and the actions that each allows."""

from collections.abc import Mapping, Sequence
from typing import Literal

from services.reception.domain import errors
from shared.contracts.violations import RuleViolation

RepairOrderStatus = Literal[
    "arrived", "greeted", "opened", "in_progress", "ready", "delivered", "closed", "cancelled"
]
"""到店、已接待、已开单、施工中、已竣工、已交车、已结清、已取消."""

ENDED: Sequence[RepairOrderStatus] = ("delivered", "closed", "cancelled")
"""Statuses of an order whose vehicle has left."""

Action = Literal[
    "assign",
    "correct_plate",
    "greet",
    "estimate",
    "open",
    "add_work",
    "withdraw",
    "cancel",
    "take_deposit",
    "invoice",
    "reissue_invoice",
    "record_step",
    "deliver",
    "receive_payment",
    "submit_feedback",
]

_STATUSES: Mapping[Action, tuple[RepairOrderStatus, ...]] = {
    "assign": ("arrived", "greeted", "opened", "in_progress", "ready"),
    "correct_plate": ("arrived", "greeted"),
    "greet": ("arrived",),
    "estimate": ("greeted", "opened", "in_progress", "ready"),
    "open": ("greeted",),
    "add_work": ("opened", "in_progress", "ready"),
    "withdraw": ("opened", "in_progress", "ready"),
    "cancel": ("arrived", "greeted", "opened"),
    "take_deposit": ("greeted", "opened", "in_progress", "ready"),
    "invoice": ("ready",),
    "reissue_invoice": ("ready", "delivered", "closed"),
    "record_step": ("ready",),
    "deliver": ("ready",),
    "receive_payment": ("ready", "delivered", "closed"),
    "submit_feedback": ("delivered", "closed"),
}


def allows(status: RepairOrderStatus, action: Action) -> bool:
    """Return whether a status allows ``action``."""
    return status in _STATUSES[action]


def status_violation(status: RepairOrderStatus, action: Action) -> RuleViolation:
    """Return the violation of an ``action`` that the status does not allow."""
    return errors.invalid_status("order_id", status, " or ".join(_STATUSES[action]))


def require_status(status: RepairOrderStatus, action: Action) -> None:
    """Refuse ``action`` in a status that does not allow it.

    Raises:
        RuleViolation: the order's status does not allow it.
    """
    if not allows(status, action):
        raise status_violation(status, action)
