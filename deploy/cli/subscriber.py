"""``aftersales subscriber``: other systems that read the platform's events."""

import getpass
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.admin import NewTopic
from confluent_kafka import KafkaException
from rich.box import SIMPLE
from rich.table import Table

from deploy.access import CLUSTER, Rights
from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import is_deployment, kafka_settings, running_platform, running_ports
from deploy.cli.terminal import console, print_line, print_warning
from deploy.doctor.kafka import require_kafka
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.secrets import ADMINISTRATOR
from deploy.subscribers.administration import Subscribers
from deploy.subscribers.changes import CHANGES, Attempt
from deploy.subscribers.handover import SubscriberAccess, doubts, reached_by_subscribers
from deploy.subscribers.model import REGISTRY, Offer, Subscriber
from deploy.subscribers.progress import Progress
from shared.contracts import CONTRACTS_PATH, contracts_address
from shared.ids import new_id
from shared.kafka import administration_options
from shared.settings import SUBSCRIBERS, Settings, read_settings

app = typer.Typer(
    help="Other systems that read the platform's events. In a deployment, the AFTERSALES_KAFKA_ "
    "settings name Kafka and its administrator.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of the subscriber, such as an insurer's.")]
Comma = "separated by commas"

_OWN_TOPICS = (REGISTRY, CHANGES)
_RIGHTS = Rights(SUBSCRIBERS, writes=_OWN_TOPICS, reads=_OWN_TOPICS, governs=(CLUSTER,))


@app.command()
def add(
    name: Name,
    topics: Annotated[str, typer.Option("--topics", help=f"What it reads, {Comma}.")],
    stores: Annotated[
        str | None,
        typer.Option("--stores", help=f"What it sees, {Comma}.", show_default="all stores"),
    ] = None,
    data: DataFolder = None,
) -> None:
    """Make a user with the least rights, and print once what its owner needs."""
    offer = Offer.declared(settings_for(data).topics_file)
    seen = None if stores is None else _listed(stores)
    subscriber = Subscriber.checked(name, _listed(topics), seen, offer)
    with _subscribers(data) as subscribers:
        password = subscribers.add(subscriber, offer, _attempt())
    _show_once(subscriber, password, data)


@app.command("list")
def list_subscribers(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: DataFolder = None,
) -> None:
    """Show each subscriber, how many events wait for it, and when the last one it read was sent."""
    with _subscribers(data) as subscribers:
        found = subscribers.progress()
        last_read = subscribers.last_read(found)
    if as_json:
        console.print_json(data=[_plain(each, last_read) for each in found])
    elif found:
        console.print(_table(found, last_read))
    else:
        print_line("there are no subscribers")


@app.command()
def rotate(name: Name, data: DataFolder = None) -> None:
    """Give a subscriber a new password; the old one signs in no more."""
    with _subscribers(data) as subscribers:
        subscriber, password = subscribers.rotate(name, _attempt())
    _show_once(subscriber, password, data)


@app.command()
def remove(name: Name, data: DataFolder = None) -> None:
    """Remove a subscriber with its user, rights, consumer groups and own streams."""
    with _subscribers(data) as subscribers:
        subscribers.remove(name, _attempt())
    print_line(f"subscriber {name} is removed")


@contextmanager
def _subscribers(data: Path | None) -> Iterator[Subscribers]:
    """Yield the administration of subscribers, once Kafka has shown that it takes part.

    Raises:
        EmbeddedError: in one line, what is wrong with Kafka and what to do.
    """
    settings = kafka_settings(data, ADMINISTRATOR)
    require_kafka(settings, _RIGHTS, [NewTopic(each, 1, 1) for each in _OWN_TOPICS])
    try:
        yield Subscribers(administration_options(settings))
    except (KafkaException, TimeoutError) as error:
        reason = error.args[0].str() if isinstance(error, KafkaException) else "no response"
        raise EmbeddedError(f"Kafka: {reason}: look at the brokers, then try again") from error


def _attempt() -> Attempt:
    """Return a change by the account that the command runs under."""
    return Attempt(f"cli:{getpass.getuser()}", str(new_id()))


def _listed(text: str) -> list[str]:
    return [word for each in text.split(",") if (word := each.strip())]


def _show_once(subscriber: Subscriber, password: str, data: Path | None) -> None:
    """Print what the owner of a subscriber needs, as lines to paste into a shell."""
    kafka = _reached_by_subscribers(data)
    access = SubscriberAccess.of(subscriber, password, kafka)
    print_line(f"# {subscriber.name} sees {', '.join(access.stores) or 'all stores'}")
    print_line("# its owner pastes these lines into a shell; the password is shown only now")
    print_line(access.shell)
    print_line(f"# its consumer groups begin with {access.group_prefix}")
    print_line(f"# schemas of the events: {_contracts(data)}")
    for seen, remedy in doubts(kafka):
        print_warning(f"{seen}: {remedy}")


def _contracts(data: Path | None) -> str:
    """Return where the desk lists the schemas."""
    if not is_deployment():
        return contracts_address(f"http://127.0.0.1:{running_ports(data).desk}")
    settings = read_settings()
    if "public_url" in settings.model_fields_set:
        return contracts_address(settings.public_url)
    return f"{CONTRACTS_PATH} at the desk"


def _reached_by_subscribers(data: Path | None) -> Settings:
    """Return the listener of Kafka that is for others than the platform."""
    if is_deployment():
        return reached_by_subscribers(kafka_settings(data, ADMINISTRATOR))
    return running_platform(data).kafka.tls_settings_of(ADMINISTRATOR)


def _table(found: Sequence[Progress], last_read: Mapping[str, datetime]) -> Table:
    table = Table("subscriber", "stores", "topics", box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("consumers", "lag", "uncopied", "last read"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found:
        table.add_row(
            each.subscriber.name,
            ", ".join(each.subscriber.stores) or "all",
            ", ".join(each.subscriber.topics),
            str(each.members),
            _figure(each.lag),
            _figure(each.uncopied),
            f"{read:%Y-%m-%d %H:%M:%S}Z"
            if (read := last_read.get(each.subscriber.name))
            else "never",
        )
    return table


def _figure(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _plain(progress: Progress, last_read: Mapping[str, datetime]) -> dict[str, object]:
    read = last_read.get(progress.subscriber.name)
    return {
        **progress.subscriber.model_dump(mode="json"),
        "groups": list(progress.groups),
        "consumers": progress.members,
        "lag": progress.lag,
        "uncopied": progress.uncopied,
        "forwarders": progress.forwarders,
        "last_read": read.isoformat() if read else None,
    }
