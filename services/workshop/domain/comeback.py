"""A vehicle that is back for what should have been repaired (返修进厂)."""

from collections.abc import Iterable
from datetime import timedelta

WITHIN = timedelta(days=30)
"""How long after an order's finish a return for the same symptom counts as a comeback."""


def same_symptoms(now: Iterable[str], earlier: Iterable[str]) -> tuple[str, ...]:
    """Those of today's symptom codes that the earlier order had too, under whatever condition.

    A code is system, symptom and condition (``ENG-IDLE-COLD``); system and symptom are compared.
    """
    known = {_symptom(code) for code in earlier}
    return tuple(code for code in now if _symptom(code) in known)


def _symptom(code: str) -> str:
    return "-".join(code.split("-")[:2])
