"""A vehicle that is back for what should have been repaired (返修进厂)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

TERM_DAYS = 30
"""So many calendar days after an order's finish a return for the same symptom counts as a comeback;
the last one counts whole."""


@dataclass(frozen=True)
class EarlierOrder:
    """An order of the vehicle that was finished within the term.

    ``comeback_symptoms`` are those of the order for which this one was a comeback itself.
    """

    order_id: str
    ready_at: datetime
    symptoms: tuple[str, ...]
    comeback_symptoms: tuple[str, ...] = ()

    @property
    def first_symptoms(self) -> tuple[str, ...]:
        """The symptoms for which the vehicle came the first time."""
        known = same_symptoms(self.symptoms, self.comeback_symptoms)
        return tuple(code for code in self.symptoms if code not in known)


def first_order(
    symptoms: Sequence[str], earlier: Iterable[EarlierOrder]
) -> tuple[EarlierOrder, tuple[str, ...]] | None:
    """The first order for one of today's symptoms, and which they are.

    A comeback does not restart the term: it is no first order for what it came back for.
    """
    for order in sorted(earlier, key=lambda order: (order.ready_at, order.order_id)):
        if found := same_symptoms(symptoms, order.first_symptoms):
            return order, found
    return None


def same_symptoms(now: Iterable[str], earlier: Iterable[str]) -> tuple[str, ...]:
    """Those of today's symptom codes that the earlier order had too, under whatever condition.

    A code is system, symptom and condition (``ENG-IDLE-COLD``); system and symptom are compared.
    """
    known = {_symptom(code) for code in earlier}
    return tuple(code for code in now if _symptom(code) in known)


def _symptom(code: str) -> str:
    return "-".join(code.split("-")[:2])
