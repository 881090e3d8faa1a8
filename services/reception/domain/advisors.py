"""Assignment of the next customers to advisors (接待分派)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class AdvisorWorkload:
    """Advisor's customers now, between greeting and the opened order, and the last greeting."""

    customers: int = 0
    last_greeted_at: datetime = _NEVER


def suggest_advisors(
    advisors: Sequence[str], advisor_workloads: Mapping[str, AdvisorWorkload], waiting: int
) -> list[str]:
    """Suggest an advisor for each of the ``waiting`` customers, in their turn.

    The one with the fewest customers comes first; of several, the one whose last greeting is the
    longest ago. Without any advisor there is no suggestion.
    """
    customers = {
        advisor: advisor_workloads.get(advisor, AdvisorWorkload()).customers for advisor in advisors
    }
    turn = sorted(
        advisors,
        key=lambda each: (advisor_workloads.get(each, AdvisorWorkload()).last_greeted_at, each),
    )
    chosen: list[str] = []
    for _ in range(waiting if turn else 0):
        freest = min(turn, key=lambda each: customers[each])
        customers[freest] += 1
        turn.remove(freest)
        turn.append(freest)
        chosen.append(freest)
    return chosen
