"""Comebacks: vehicles that return for the same symptom (外返)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Opened:
    """An opened order: its vehicle, and the symptoms for which it came."""

    order_id: str
    vehicle_ref: str
    symptoms: tuple[str, ...]
    opened_at: datetime


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
    """Return the first order for one of today's symptoms, and those symptoms.

    A comeback does not restart the term: it is not the first order for its own symptoms.
    """
    for order in sorted(earlier, key=lambda order: (order.ready_at, order.order_id)):
        if found := same_symptoms(symptoms, order.first_symptoms):
            return order, found
    return None


def same_symptoms(now: Iterable[str], earlier: Iterable[str]) -> tuple[str, ...]:
    """Return those of today's symptom codes that the earlier order had, under any condition.

    A code is system, symptom and condition (``ENG-IDLE-COLD``); system and symptom are compared.
    """
    known = {_symptom(code) for code in earlier}
    return tuple(code for code in now if _symptom(code) in known)


def _symptom(code: str) -> str:
    return "-".join(code.split("-")[:2])
