"""Warehouse: every event as a row of Parquet files, for analysis with any tool that reads them.

A file is named by the first offset in it and written before its offsets are committed. A program
that is interrupted between the two writes the same file again, so no event is lost or stands twice.
"""

import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Consumer, KafkaException

HEADERS = ("ce_id", "ce_type", "ce_storeid", "ce_time", "ce_sequence", "ce_causationid")
SCHEMA = pa.schema([(name, pa.string()) for name in ("topic", "key", *HEADERS, "data")])
ROWS = 10_000


def main(folder: Path) -> None:
    """Write the topics into ``folder``, and go on with what comes."""
    consumer = Consumer(_settings())
    consumer.subscribe(os.environ["KAFKA_TOPICS"].split(","))
    while True:
        records = consumer.consume(ROWS, timeout=1.0)
        by_partition: dict[tuple[Any, Any], list[Any]] = defaultdict(list)
        for record in records:
            if error := record.error():
                raise KafkaException(error)
            by_partition[record.topic(), record.partition()].append(record)
        for (topic, partition), rows in by_partition.items():
            _write(folder / topic / f"{partition}-{rows[0].offset()}.parquet", rows)
        if records:
            consumer.commit(asynchronous=False)
            print(f"{len(records)} events", flush=True)


def _settings() -> dict[str, str | bool]:
    environment = os.environ
    settings: dict[str, str | bool] = {
        "bootstrap.servers": environment["KAFKA_BOOTSTRAP"],
        "group.id": environment["KAFKA_GROUP"],
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    if user := environment.get("KAFKA_USER"):
        settings |= {
            "security.protocol": "SASL_SSL",
            "sasl.mechanisms": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": environment["KAFKA_PASSWORD"],
        }
    if authority := environment.get("KAFKA_CA"):
        settings["ssl.ca.location"] = authority
    return settings


def _write(file: Path, records: list[Any]) -> None:
    rows = [_row(record) for record in records]
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), file)


def _row(record: Any) -> dict[str, str]:
    headers = {name: value.decode() for name, value in record.headers() or ()}
    return {
        "topic": record.topic(),
        "key": record.key().decode(),
        "data": record.value().decode(),
        **{name: headers[name] for name in HEADERS if name in headers},
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
