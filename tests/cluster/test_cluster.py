"""Short form of the run: three brokers, two instances of reception and workshop."""

from pathlib import Path

from deploy.embedded.secrets import SERVICES
from tests.cluster.run import Plan, deployed, kill_a_broker
from tests.support.forking import ForkServer

INSTANCES = dict.fromkeys(SERVICES, 1) | {"reception": 2, "workshop": 2}


async def test_killed_broker_loses_and_doubles_nothing(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    lines: list[str] = []
    plan = Plan(seconds=2, advisors=4, think_s=0.5, instances=INSTANCES)
    async with deployed(tmp_path, plan, lines.append, fork_server.launch) as deployment:
        result = await kill_a_broker(deployment, plan, lines.append)
    print("\n".join([*lines, *result.lines]))  # noqa: T201
    assert result.wrong == []
    assert all(result.waits[name] for name in ("before", "one broker down", "after"))
    assert result.led > 0
