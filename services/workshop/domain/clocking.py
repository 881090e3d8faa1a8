"""Time that technicians clock on a job (打卡工时), and their labor credits (工时分配)."""

from collections.abc import Container, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import accumulate, pairwise

from shared.contracts.base import EventPart
from shared.contracts.workshop import LaborCredit

_STEP = Decimal("0.001")


class Clocking(EventPart):
    """Clocked time of one technician on a job, pauses left out.

    ``resumed_at`` is when they last clocked in, None while they are clocked out.
    """

    technician_id: str
    clocked_s: int = 0
    resumed_at: datetime | None = None

    def stopped(self, at: datetime) -> "Clocking":
        """Return the clocking after clocking out, unchanged for a technician not clocked in."""
        if self.resumed_at is None:
            return self
        ran_s = max(0, int((at - self.resumed_at).total_seconds()))
        return self.model_copy(update={"clocked_s": self.clocked_s + ran_s, "resumed_at": None})


Clockings = tuple[Clocking, ...]


def clocked_in(clockings: Clockings) -> frozenset[str]:
    """Return the technicians who are clocked in."""
    return frozenset(each.technician_id for each in clockings if each.resumed_at)


def clock_in(clockings: Clockings, technician_id: str, now: datetime) -> Clockings:
    """Clock in the technician on the job."""
    known = {each.technician_id: each for each in clockings}
    own = known.get(technician_id) or Clocking(technician_id=technician_id)
    known[technician_id] = own.model_copy(update={"resumed_at": now})
    return tuple(known.values())


def clock_out(clockings: Clockings, technician_ids: Container[str], at: datetime) -> Clockings:
    """Clock out these technicians of the job."""
    return tuple(
        each.stopped(at) if each.technician_id in technician_ids else each for each in clockings
    )


def rescale(clockings: Clockings, before_s: int, after_s: int) -> Clockings:
    """Rescale the clockings of a finished job whose time is corrected to ``after_s``.

    ``before_s`` is the time before the correction.
    """
    return tuple(
        each.model_copy(
            update={"clocked_s": each.clocked_s * after_s // before_s if before_s else after_s}
        )
        for each in clockings
    )


def move_start(clockings: Clockings, started_at: datetime, begin: datetime) -> Clockings:
    """Return the clockings of a job in progress whose actual start was ``begin``.

    The start moves for the technician who began it.
    """
    if not clockings:
        return clockings
    first, *others = clockings
    if first.resumed_at == started_at:
        return first.model_copy(update={"resumed_at": begin}), *others
    gained_s = int((started_at - begin).total_seconds())
    clocked_s = max(0, first.clocked_s + gained_s)
    return first.model_copy(update={"clocked_s": clocked_s}), *others


def split_credits(standard_hours: float, clockings: Sequence[Clocking]) -> tuple[LaborCredit, ...]:
    """Return the standard hours of a job by technician, in proportion to their clocked time.

    They are thousandths of an hour, but for the last one, and their decimals sum exactly to
    ``standard_hours``. Where no time was clocked, all have equal parts.
    """
    worked = [each.clocked_s for each in clockings]
    weights = worked if any(worked) else [1] * len(worked)
    hours, total = Decimal(str(standard_hours)), sum(weights)
    bounds = [
        hours if reached == total else (hours * reached / total).quantize(_STEP)
        for reached in accumulate(weights, initial=0)
    ]
    return tuple(
        LaborCredit(
            technician_id=each.technician_id,
            clocked_s=each.clocked_s,
            standard_hours=float(until - since),
        )
        for each, (since, until) in zip(clockings, pairwise(bounds), strict=True)
    )
