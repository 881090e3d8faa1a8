"""What a service keeps about a person (个人信息留存), as it says to customer relations."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel

from shared.contracts.base import Identifier

KeptKind = Literal[
    "order",
    "concern",
    "signature",
    "estimate",
    "photo",
    "feedback",
    "invoice",
    "warranty_claim",
    "appointment",
    "voucher",
    "entitlement",
    "job",
    "work_note",
    "figure",
    "corrective_action",
]
"""工单、客户描述、签名、估价、照片、现场评价、结算单、索赔、预约、卡券、礼遇、作业、作业备注、统计数字、
整改."""

References = Annotated[list[Identifier], Query(max_length=200)]
"""References of a person, or the orders of theirs that customer relations knows."""


class KeptEntries(BaseModel):
    """Entries of one kind about a person, of one order where they belong to one.

    ``kept_until`` is the end of a legal term. ``is_erased``: an erasure takes them; the others stay
    as figures under a reference, without a name.
    """

    kind: KeptKind
    order_id: str | None
    entries: int
    latest: datetime | None
    kept_until: datetime | None = None
    is_erased: bool
