"""Query of the warehouse's Parquet files with DuckDB: revenue by store and day."""

import sys
from pathlib import Path

import duckdb

REVENUE = Path(__file__).with_name("revenue.sql")


def main(folder: str) -> None:
    """Print one line of JSON for each store and day."""
    found = duckdb.execute(REVENUE.read_text(), {"files": f"{folder}/*/*.parquet"})
    for (line,) in found.fetchall():
        print(line)


if __name__ == "__main__":
    main(sys.argv[1])
