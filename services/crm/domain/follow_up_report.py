"""Summary of a month's calls (回访总结报告)."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel

from services.crm.domain import errors
from services.crm.domain.follow_up import Need
from services.crm.domain.follow_up_reason import Reason


class CallNumbers(BaseModel):
    """Numbers of calls that were due in a month.

    ``attempts`` are calls that did not reach the customer; ``not_reached`` ended without contact.
    """

    due: int
    attempts: int
    reached: int
    not_reached: int
    cancelled: int
    open: int


class ReasonNumbers(CallNumbers):
    """Calls for one reason."""

    reason: Reason


class AgentCalls(CallNumbers):
    """Calls of one agent."""

    agent_id: str


class FollowUpSummary(BaseModel):
    """Calls of a store that were due in a month: by reason, by agent, and what customers said.

    ``satisfaction`` are numbers of customers by their mark, 1 to 5.
    """

    reasons: list[ReasonNumbers]
    agents: list[AgentCalls]
    needs: dict[Need, int]
    satisfaction: dict[int, int]


def require_fileable(
    month: str, ends_at: datetime, filed: Mapping[str, object] | None, now: datetime
) -> None:
    """Check that the report of a month can be filed.

    Raises:
        RuleViolation: the month is not over, or its report is filed already.
    """
    if ends_at > now:
        raise errors.month_not_over(month)
    if filed is not None:
        raise errors.report_filed(month, filed["filed_by"], filed["filed_at"])
