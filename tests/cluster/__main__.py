"""The deployment of compose as processes: ``python -m tests.cluster [--keycloak | --whole]``.

Without an option, a broker is killed under load, and tokens are of the development issuer. With
``--keycloak``, persons sign in at Keycloak and no broker is killed; ``--whole`` is both.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from deploy.embedded.secrets import SERVICES
from shared.settings import DESK
from tests.cluster.run import Plan, Report, carry_out, deployed


def main(arguments: Sequence[str] | None = None) -> int:
    """Return exit status 1 when anything was lost, doubled or out of order, or a sign-in is not as
    it should be.
    """
    given = _parser().parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    began = time.monotonic()

    def report(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.0f} s  {line}\n")
        sys.stdout.flush()

    with ExitStack() as kept:
        made = given.folder or kept.enter_context(tempfile.TemporaryDirectory(prefix="cluster-"))
        folder = Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        return asyncio.run(_run(folder, plan_of(given), report))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--keycloak", action="store_true", help="sign-in at Keycloak alone")
    parts.add_argument("--whole", action="store_true", help="with Keycloak, and a broker killed")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each span of the load")
    parser.add_argument("--advisors", type=int, default=20)
    parser.add_argument("--think", type=float, default=2.0, help="seconds between two commands")
    parser.add_argument("--folder", help="of data and logs, which is left")
    return parser


def plan_of(given: argparse.Namespace) -> Plan:
    """Return the plan that the options ask for."""
    signs_in = given.keycloak or given.whole
    processes = (*SERVICES, DESK) if signs_in else SERVICES
    return Plan(
        given.seconds,
        given.advisors,
        given.think,
        dict.fromkeys(processes, 1 if given.keycloak else 2),
        keycloak=signs_in,
        kills=not given.keycloak,
    )


async def _run(folder: Path, plan: Plan, report: Report) -> int:
    async with deployed(folder, plan, report) as deployment:
        wrong = await carry_out(deployment, plan, report)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
