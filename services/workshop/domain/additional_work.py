"""Additional work (增项) that a technician recommends and a customer decides on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

AdditionalWorkDecision = Literal["authorized", "declined"]


@dataclass(frozen=True)
class AdditionalWork:
    """Additional work, with its encrypted note and the customer's decision, if there is one."""

    additional_work_id: str
    job_id: str
    op_codes: tuple[str, ...]
    part_numbers: tuple[str, ...]
    note: bytes | None
    recommended_by: str
    recommended_at: datetime
    decision: AdditionalWorkDecision | None = None
