"""Throughput of one process: ``python -m tests.bench``, with ``--json`` for programs."""

import argparse
import json
import logging
import sys

import uvloop

from tests.bench.ingest import measure


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=40_000, help="at least so many are published")
    parser.add_argument("--rounds", type=int, default=3, help="each way; the median counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    # New topics have no leader for a moment; the clients say so at length and try again.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    found = uvloop.run(measure(given.events, given.seed, given.rounds))
    if given.json:
        figures = {
            "events": found.events,
            "minimal_loop_per_s": round(found.minimal_per_s),
            "reporting_ingest_per_s": round(found.reporting_per_s),
            "ratio": round(found.ratio, 3),
        }
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    sys.stdout.write(
        f"minimal consumer loop    {found.minimal_per_s:8,.0f} events/s\n"
        f"reporting's real ingest  {found.reporting_per_s:8,.0f} events/s\n"
        f"ratio                    {found.ratio:8.2f}\n"
    )


if __name__ == "__main__":
    main()
