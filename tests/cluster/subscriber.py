"""Another company's system reads what it may; it finds the brokers by their public name."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from deploy.subscribers.administration import Subscribers
from deploy.subscribers.changes import Attempt
from deploy.subscribers.handover import SubscriberAccess, reached_by_subscribers
from deploy.subscribers.model import Offer, Subscriber
from shared.kafka import administration_options, client_options
from shared.settings import SUBSCRIBERS, Settings
from tests.cluster.deployment import KAFKA_HOST, Deployment
from tests.cluster.load import records

_TOPIC = "aftersales.reception.order.v1"


async def faults_of_subscriber(deployment: Deployment) -> list[str]:
    """Return what a subscriber lacks of the orders' events that stand on the topic."""
    settings = deployment.settings_of(SUBSCRIBERS)
    offer = Offer.declared(deployment.settings.topics_file)
    access = await asyncio.to_thread(_added, settings, offer)
    authority = deployment.composition.folder("insurer") / "ca.pem"
    authority.write_text(access.authority)
    own = Settings.model_construct(
        kafka_bootstrap=access.bootstrap,
        kafka_security="SASL_SSL",
        kafka_username=access.user,
        kafka_password=access.password,
        kafka_ca_file=authority,
    )
    wrong = [
        f"a subscriber is told of {each}"
        for each in access.bootstrap.split(",")
        if not each.startswith(f"{KAFKA_HOST}:")
    ]
    group = {"group_id": f"{access.group_prefix}first"}
    with _found_here(KAFKA_HOST):
        read = await _ids({**client_options(own), **group})
    if unlike := read ^ await _ids(deployment.kafka_of_audit()):
        wrong.append(f"a subscriber read {len(read)} events, {len(unlike)} others than there are")
    return wrong


def _added(settings: Settings, offer: Offer) -> SubscriberAccess:
    """Add a subscriber by the settings of the process that does so; return what it is told."""
    insurer = Subscriber.checked("insurer", [_TOPIC], None, offer)
    attempt = Attempt("operator-1", "first")
    password = Subscribers(administration_options(settings)).add(insurer, offer, attempt)
    return SubscriberAccess.of(insurer, password, reached_by_subscribers(settings))


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
