"""The stages of a visit (工单阶段), and what may happen at which of them."""

from collections.abc import Mapping
from typing import Literal

from services.reception.domain import errors

Stage = Literal[
    "arrived", "greeted", "opened", "in_work", "ready", "delivered", "settled", "cancelled"
]
"""到店、已接待、已开单、施工中、已竣工、已交车、已结清、已取消."""

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
    "bill",
    "bill_again",
    "record_step",
    "deliver",
    "receive_payment",
    "give_feedback",
]

_STAGES: Mapping[Action, tuple[Stage, ...]] = {
    "assign": ("arrived", "greeted", "opened", "in_work", "ready"),
    "correct_plate": ("arrived", "greeted"),
    "greet": ("arrived",),
    "estimate": ("greeted", "opened", "in_work", "ready"),
    "open": ("greeted",),
    "add_work": ("opened", "in_work", "ready"),
    "withdraw": ("opened", "in_work", "ready"),
    "cancel": ("arrived", "greeted", "opened"),
    "take_deposit": ("greeted", "opened", "in_work", "ready"),
    "bill": ("ready",),
    "bill_again": ("ready", "delivered", "settled"),
    "record_step": ("ready",),
    "deliver": ("ready",),
    "receive_payment": ("ready", "delivered", "settled"),
    "give_feedback": ("delivered", "settled"),
}


def require_stage(stage: Stage, action: Action) -> None:
    """Refuse ``action`` out of turn.

    Raises:
        RuleViolation: the order's stage does not allow it.
    """
    allowed = _STAGES[action]
    if stage not in allowed:
        raise errors.not_at_stage("order_id", stage, " or ".join(allowed))
