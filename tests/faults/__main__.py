"""``python -m tests.faults --seed S --minutes M [--json FILE]``: disturb the working platform."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.invariants import INVARIANTS
from tests.faults.run import Result, disturb, known_faults
from tests.faults.schedule import Round, described, plan
from tests.faults.testbed import Testbed

_WIDTH = 150

console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)


def main() -> int:
    """Return exit status 1 on a violation, an error, or a planned fault that never hit."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--json", type=Path, help="write the result to this file as well")
    parser.add_argument(
        "--only", nargs="+", default=[""], help="only faults whose name contains one of these"
    )
    parser.add_argument("--concurrency", type=int, default=8, help="vehicles under way at a time")
    arguments = parser.parse_args()
    console.print(f"seed {arguments.seed}, {arguments.minutes:g} minutes")
    began = time.monotonic()

    def report(line: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {line}")

    def rounds(testbed: Testbed) -> Sequence[Round]:
        if not testbed.has_disks:
            report("no small disks can be mounted here: faults of a full disk are left out")
        faults = [
            fault
            for fault in known_faults(testbed)
            if any(text in fault.name for text in arguments.only)
        ]
        chosen = plan(arguments.seed, arguments.minutes, faults)
        for line in described(chosen, faults):
            console.print(line)
        return chosen

    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        result = asyncio.run(
            disturb(Path(folder), arguments.seed, arguments.concurrency, rounds, report)
        )
    console.print(table(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result.as_json(), indent=1, ensure_ascii=False))
    console.print(result.last_line)
    return 0 if result.ok else 1


def table(result: Result) -> Table:
    """Return a table of fault by invariant; a cell shows the hits after which the invariant was
    checked.
    """
    shown = Table("fault", "injected")
    for invariant in INVARIANTS:
        shown.add_column(invariant, justify="right")
    for name in sorted(result.planned):
        cells = [_cell(result, name, invariant) for invariant in INVARIANTS]
        shown.add_row(name, str(result.planned[name]), *cells)
    return shown


def _cell(result: Result, fault: str, invariant: str) -> str:
    hits = result.hits[fault]
    if invariant in result.guilty[fault]:
        return f"[bold red]{hits} ✗[/]"
    return f"{hits}" if hits else "[bold red]0[/]"


if __name__ == "__main__":
    sys.exit(main())
