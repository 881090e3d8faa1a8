"""Reasons for assignments and for promise risks: codes and their sentences (原因).

Moments in a detail are ISO 8601 in the store's own zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

PLANNER: Final = "planner"
"""Author of decisions that no person made."""

Detail = Mapping[str, str | int]

CHANGES: Final[Mapping[str, str]] = {
    "new": "Not planned before.",
    "promised": "Uses the slot reserved for the promised time.",
    "vehicle_late": "The vehicle arrives only at {at}.",
    "part_late": "Its part arrives only at {at}.",
    "technician_absent": "{technician_id} is absent then.",
    "not_qualified": "{technician_id} is not qualified for it then.",
    "bay_closed": "Bay {bay_id} is closed then.",
    "override": "Manual override.",
    "work_in_progress": "Job {job_id}, in progress, takes longer.",
    "reserved": "The slot is reserved for a customer from {at}.",
    "predecessor_moved": "Job {job_id}, which comes first, finishes later.",
    "late_start": "Planned to start at {at}, but not started.",
    "duration_increased": "Now expected to take {minutes} minutes.",
    "moved_earlier": "Can be finished {minutes} minutes earlier.",
    "displaced": "Job {job_id} takes its slot to keep a promised time.",
    "plan_improved": "The plan as a whole is better this way.",
}
"""Reasons for which the planner gave a job its technician, bay and time."""

CAUSES: Final[Mapping[str, str]] = {
    "overrun": "Job {job_id} takes longer than planned.",
    "part_late": "A part for job {job_id} arrives only at {at}.",
    "vehicle_late": "The vehicle arrives only at {at}.",
    "queue": "The technician must finish job {job_id} first.",
    "bay": "Bay {bay_id} is taken by job {job_id}.",
    "reserved": "The technician or the bay is reserved for another customer from {at}.",
    "work": "Little time is left for the work itself.",
}
"""Causes of a promise risk."""


@dataclass(frozen=True)
class Reason:
    """A reason as a code and its values."""

    code: str
    detail: Detail = field(default_factory=dict)


def why_planned(reason: Reason, by: str) -> str:
    """Return one English sentence for an assignment that ``by`` made."""
    if by == PLANNER:
        return _render_reason(CHANGES[reason.code], reason.detail)
    return f"Manual override by {by}: {str(reason.detail['why']).replace('_', ' ')}."


def why_in_danger(reason: Reason) -> str:
    """Return one English sentence for a promise at risk."""
    return _render_reason(CAUSES[reason.code], reason.detail)


def _render_reason(sentence: str, detail: Detail) -> str:
    values = dict(detail)
    if "at" in values:
        values["at"] = f"{datetime.fromisoformat(str(values['at'])):%H:%M on %d %B %Y}"
    return sentence.format_map(values)
