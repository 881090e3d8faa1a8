"""Query of the warehouse's Parquet files with DuckDB: revenue by store and day.

Where there is nothing to sum, it says so on standard error.
"""

import sys
from pathlib import Path

import duckdb

REVENUE = Path(__file__).with_name("revenue.sql")


def main(folder: str) -> None:
    """Print one line of JSON for each store and day."""
    files = f"{folder}/*/*.parquet"
    if not any(Path(folder).glob("*/*.parquet")):
        sys.exit(f"no events in {files}: let collect.py run until it has printed some")
    found = duckdb.execute(REVENUE.read_text(), {"files": files}).fetchall()
    for (line,) in found:
        print(line)
    if not found:
        print("no invoices among the events yet", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
