"""Durations learned from finished jobs, close to the standard where there are few."""

from random import Random

import pytest

from services.workshop.planning import Durations, FinishedJob, learn


def finished(operation: str, factor: float, count: int, who: str = "t1") -> list[FinishedJob]:
    return [FinishedJob(operation, "mechanical", who, 60, 60 * factor) for _ in range(count)]


def test_estimate_without_jobs_equals_standard_hours() -> None:
    estimate = learn([]).estimate("brakes", "mechanical", 90)
    assert (estimate.minutes, estimate.log_stddev) == (90, 0.3)
    assert learn([]).time_factor("t1") == 1.0
    assert Durations().residual_quantiles == pytest.approx(learn([]).residual_quantiles, abs=0.1)


def test_estimate_approaches_observed_time_with_more_jobs() -> None:
    few = learn(finished("brakes", 2.0, 1)).estimate("brakes", "mechanical", 60).minutes
    many = learn(finished("brakes", 2.0, 300)).estimate("brakes", "mechanical", 60).minutes
    assert 60 < few < 90
    assert 116 <= many <= 120


def test_unknown_op_code_uses_estimate_of_skill_code() -> None:
    known = learn(finished("brakes", 1.5, 100))
    assert known.estimate("clutch", "mechanical", 60).minutes > 80
    assert known.estimate("wiring", "electrical", 60).minutes == 60


def test_time_factor_of_technician_is_separated_from_operation() -> None:
    jobs = finished("a", 0.8, 60, "fast") + finished("a", 1.25, 60, "slow")
    known = learn(jobs)
    assert known.time_factor("fast") < 0.9 < 1.1 < known.time_factor("slow")
    assert 55 <= known.estimate("a", "mechanical", 60).minutes <= 65


def test_rare_long_jobs_widen_the_upper_quantiles() -> None:
    rng = Random(3)
    factors = [3.0 if rng.random() < 0.1 else rng.lognormvariate(0, 0.1) for _ in range(600)]
    residual_quantiles = learn(
        [FinishedJob("a", "mechanical", "t1", 60, 60 * f) for f in factors]
    ).residual_quantiles
    assert residual_quantiles == tuple(sorted(residual_quantiles))
    assert residual_quantiles[-3] > 2.2
    assert abs(residual_quantiles[0]) < residual_quantiles[-1]


def test_implausible_time_is_not_learned() -> None:
    jobs = finished("a", 0.8, 30) + finished("b", 1.3, 30, "t2")
    started_and_stopped = FinishedJob("a", "mechanical", "t1", 60, 0)
    never_stopped = FinishedJob("b", "mechanical", "t2", 60, 9 * 60)
    assert learn([*jobs, started_and_stopped, never_stopped]) == learn(jobs)
