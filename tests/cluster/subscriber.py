"""Another company's system reads what it may; it finds the brokers by their public name."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from shared.kafka import client_options
from shared.settings import SUBSCRIBERS, Settings
from tests.cluster.deployment import KAFKA_HOST, Deployment
from tests.cluster.load import records

_TOPIC = "aftersales.reception.order.v1"
_ADD = ("subscriber", "add", "insurer", "--topics", "reception.order")
_PRINTED = re.compile(r"^(\w+(?: \w+)?) {2,}(\S+)", re.MULTILINE)


async def faults_of_subscriber(deployment: Deployment) -> list[str]:
    """Return what a subscriber lacks of the orders' events that stand on the topic."""
    printed = dict(_PRINTED.findall(await deployment.command(SUBSCRIBERS, *_ADD)))
    settings = Settings(
        kafka_bootstrap=printed["bootstrap"],
        kafka_security=printed["security"],
        kafka_username=printed["user"],
        kafka_password=printed["password"],
        kafka_ca_file=Path(printed["CA file"]),
    )
    wrong = [
        f"a subscriber is told of {each}"
        for each in settings.kafka_bootstrap.split(",")
        if not each.startswith(f"{KAFKA_HOST}:")
    ]
    group = {"group_id": f"{settings.kafka_username}.first"}
    with _found_here(KAFKA_HOST):
        read = await _ids({**client_options(settings), **group})
    if unlike := read ^ await _ids(deployment.kafka_of_audit()):
        wrong.append(f"a subscriber read {len(read)} events, {len(unlike)} others than there are")
    return wrong


async def _ids(kafka: dict[str, Any]) -> set[str]:
    return {headers["ce_id"] async for _, _, headers in records(kafka, [_TOPIC])}


@contextmanager
def _found_here(name: str) -> Iterator[None]:
    """Let a host name lead to this machine, and no other one anywhere."""
    resolve = socket.getaddrinfo

    def found(host: str, *arguments: Any, **options: Any) -> Any:
        if host != name:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known outside")
        return resolve("127.0.0.1", *arguments, **options)

    with patch("socket.getaddrinfo", found):
        yield
