"""Photos (照片) of a visit and of the premises."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

PhotoKind = Literal["walkaround", "damage", "claim_details", "delivery", "premises"]
"""环车检查、损伤、索赔资料、交车、场地."""


@dataclass(frozen=True)
class Photo:
    """Metadata of a picture whose content is in the file store.

    ``order_id`` is absent for a picture of customer lounge or service drive; ``position`` says
    where on the vehicle.
    """

    photo_id: str
    store_id: str
    order_id: str | None
    kind: PhotoKind
    position: str | None
    taken_by: str
    taken_at: datetime

    @property
    def file(self) -> str:
        """Key of its content."""
        return photo_file(self.store_id, self.photo_id)

    @property
    def data_subject_id(self) -> str:
        """Data subject whose key encrypts it: the order, or the photo itself."""
        return self.order_id or self.photo_id


def photo_file(store_id: str, photo_id: str) -> str:
    """Return the key under which a photo's content is kept."""
    return f"{store_id}/photos/{photo_id}"
