"""Changes of subscribers: who made which, and when."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from deploy.subscribers.model import Subscriber

CHANGES = "aftersales.subscribers.changes.v1"
"""Topic that keeps every change of a subscriber, in their order."""

ChangeKind = Literal["added", "rotated", "removed"]


@dataclass(frozen=True)
class Attempt:
    """One intended change of a person: who, and a key that is the same for each try of it."""

    by: str
    key: str


class Change(BaseModel):
    """What a person did to a subscriber, as it was then; ``attempt`` recognizes a repetition."""

    model_config = ConfigDict(frozen=True)

    kind: ChangeKind
    subscriber: Subscriber
    by: str
    at: datetime
    attempt: str

    @classmethod
    def new(cls, kind: ChangeKind, subscriber: Subscriber, attempt: Attempt) -> Self:
        """Return a change that is made now."""
        return cls(
            kind=kind,
            subscriber=subscriber,
            by=attempt.by,
            at=datetime.now(UTC),
            attempt=hashlib.sha256(f"{attempt.by}\n{attempt.key}".encode()).hexdigest(),
        )

    def is_same_request(self, other: "Change") -> bool:
        """Return whether both are tries of one request; what a subscriber had may differ."""
        mine, others = (
            (each.kind, each.subscriber if each.kind == "added" else each.subscriber.name)
            for each in (self, other)
        )
        return mine == others
