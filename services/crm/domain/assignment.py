"""Assignment of customers to agents (客户分配): a family or fleet to one, in equal numbers by
ability and open work.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from services.crm.domain import errors
from shared.contracts.crm import CustomerAssigned

Cause = Literal["new_customer", "agent_left", "workload", "customer_wish", "absence", "other"]
"""Cause of an assignment: 新客户、专员离岗、工作量、客户要求、缺勤、其他."""

ReassignCause = Literal["workload", "customer_wish", "absence", "other"]
"""Cause for which a manager reassigns a customer."""


@dataclass(frozen=True)
class Assignment:
    """Customer and their agent; both wait while there is no ``agent_id``.

    The first contact is due by ``first_contact_due_at``, and was made at ``first_contacted_at``.
    """

    store_id: str
    customer_ref: str
    requested_at: datetime
    agent_id: str | None = None
    assigned_at: datetime | None = None
    assigned_by: str | None = None
    cause: Cause | None = None
    first_contact_due_at: datetime | None = None
    first_contacted_at: datetime | None = None


@dataclass(frozen=True)
class Agent:
    """Agent with the customers and open calls that they have.

    ``time_factor`` is a factor of the usual time for a call: 0.9 is quicker.
    """

    agent_id: str
    time_factor: float
    customers: int = 0
    open_calls: int = 0

    @property
    def burden(self) -> float:
        """Work with one customer more, in the agent's own time."""
        return (self.customers + self.open_calls + 1) * self.time_factor


@dataclass(frozen=True)
class Relative:
    """Customer of the same family or fleet (同一家庭或车队), with their agent if they have one."""

    customer_ref: str
    agent_id: str | None


def distribute(
    customer_refs: Iterable[str],
    agents: Sequence[Agent],
    relatives: Mapping[str, Sequence[Relative]] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the agent of each new customer: the agent of their family or fleet, where one of
    ``agents`` is, else the agent with the least burden.
    """
    load = {agent.agent_id: agent for agent in agents}
    chosen: dict[str, str] = {}
    for customer_ref in customer_refs:
        of_relatives = (
            chosen.get(each.customer_ref) or each.agent_id
            for each in relatives.get(customer_ref, ())
        )
        known = next((load[each] for each in of_relatives if each in load), None)
        agent = known or min(load.values(), key=lambda each: (each.burden, each.agent_id))
        load[agent.agent_id] = replace(agent, customers=agent.customers + 1)
        chosen[customer_ref] = agent.agent_id
    return chosen


def assign(
    assignment: Assignment, agent_id: str, cause: Cause, by: str | None, now: datetime
) -> tuple[Assignment, list[CustomerAssigned]]:
    """Give the customer to an agent; the agent they have already leads to no event."""
    if assignment.agent_id == agent_id:
        return assignment, []
    event = CustomerAssigned(
        store_id=assignment.store_id,
        customer_ref=assignment.customer_ref,
        agent_id=agent_id,
        previous_agent_id=assignment.agent_id,
        cause=cause,
        assigned_at=now,
    )
    assigned = replace(assignment, agent_id=agent_id, assigned_at=now, assigned_by=by, cause=cause)
    return assigned, [event]


def reassign(
    assignment: Assignment,
    agent_id: str,
    *,
    seen_agent_id: str | None,
    agents: Iterable[str],
    cause: ReassignCause,
    by: str,
    now: datetime,
) -> tuple[Assignment, list[CustomerAssigned]]:
    """Give the customer to another agent, as a manager decides who has seen ``seen_agent_id``.

    Raises:
        RuleViolation: another manager has reassigned the customer meanwhile, or ``agent_id`` calls
            no customers of the store.
    """
    if assignment.agent_id != seen_agent_id:
        raise errors.reassigned_meanwhile(assignment.assigned_by, assignment.assigned_at)
    if agent_id not in agents:
        raise errors.no_agent_of_store(agent_id)
    return assign(assignment, agent_id, cause, by, now)
