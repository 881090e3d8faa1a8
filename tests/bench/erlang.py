"""The simulated workshop as a plain queue, against the formula of Erlang."""

from math import factorial
from random import Random

from services.workshop.planning import Bay, Interval, PlanTask, Technician
from tests.bench.policies import arrival, by
from tests.bench.simulated_shop import DAY, Scenario, Shop, Task


def expected_wait(servers: int, load: float, service: float) -> float:
    """Return the mean wait in an M/M/c queue by Erlang's C formula; ``load`` in erlangs, below
    servers.
    """
    busy = load**servers / factorial(servers) * servers / (servers - load)
    waits = busy / (sum(load**k / factorial(k) for k in range(servers)) + busy)
    return waits * service / (servers - load)


def simulated_wait(servers: int, load: float, service: float, customers: int, seed: int) -> float:
    """Return mean minutes between arrival and start, first come first served, day and night."""
    rng = Random(seed)
    clock, tasks = 0.0, []
    for n in range(customers):
        clock += rng.expovariate(load / service)
        minutes = max(1, round(rng.expovariate(1 / service)))
        name = f"c{n:06}"
        job = PlanTask(name, name, "any", 1, "any", minutes, earliest_start=int(clock))
        tasks.append(Task(job, "any", service, minutes, 0))
    days = int(clock) // DAY + 1
    always = (Interval(0, (days + 30) * DAY),)
    staff = tuple(Technician(f"t{i}", {"any": 1}, always) for i in range(servers))
    bays = tuple(Bay(f"b{i}", frozenset({"any"}), always) for i in range(servers))
    simulated = Shop(
        Scenario(staff, bays, tuple((task,) for task in tasks), frozenset(), days), by(arrival)
    ).run()
    waits = [simulated.finished[t.job.order_id] - t.actual - t.job.earliest_start for t in tasks]
    return sum(waits) / len(waits)
