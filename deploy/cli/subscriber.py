"""``aftersales subscriber``: other systems that read the platform's events."""

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import is_deployment, kafka_settings, running_platform
from deploy.cli.terminal import console, print_line
from deploy.embedded.secrets import ADMINISTRATOR
from deploy.subscribers.administration import Progress, Subscribers
from deploy.subscribers.changes import Attempt
from deploy.subscribers.handover import SubscriberAccess, reached_by_subscribers
from deploy.subscribers.model import Offer, Subscriber
from shared.ids import new_id
from shared.kafka import administration_options
from shared.settings import Settings

app = typer.Typer(
    help="Other systems that read the platform's events. In a deployment, the AFTERSALES_KAFKA_ "
    "settings name Kafka and its administrator.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of the subscriber, such as an insurer's.")]
Comma = "separated by commas"


@app.command()
def add(
    name: Name,
    topics: Annotated[str, typer.Option("--topics", help=f"What it reads, {Comma}.")],
    stores: Annotated[
        str,
        typer.Option("--stores", help=f"What it sees, {Comma}.", show_default="all stores"),
    ] = "",
    data: DataFolder = None,
) -> None:
    """Make a user with the least rights, and print once what its owner needs."""
    offer = Offer.declared(settings_for(data).topics_file)
    subscriber = Subscriber.checked(name, _listed(topics), _listed(stores), offer)
    password = _subscribers(data).add(subscriber, offer, _attempt())
    _show_once(subscriber, password, data)


@app.command("list")
def list_subscribers(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: DataFolder = None,
) -> None:
    """Show each subscriber, how many events wait for it, and when the last one it read was sent."""
    found = _subscribers(data).progress()
    if as_json:
        console.print_json(data=[_plain(each) for each in found])
    elif found:
        console.print(_table(found))
    else:
        print_line("there are no subscribers")


@app.command()
def rotate(name: Name, data: DataFolder = None) -> None:
    """Give a subscriber a new password; the old one signs in no more."""
    subscriber, password = _subscribers(data).rotate(name, _attempt())
    _show_once(subscriber, password, data)


@app.command()
def remove(name: Name, data: DataFolder = None) -> None:
    """Remove a subscriber with its user, rights, consumer groups and own streams."""
    _subscribers(data).remove(name, _attempt())
    print_line(f"subscriber {name} is removed")


def _subscribers(data: Path | None) -> Subscribers:
    return Subscribers(administration_options(kafka_settings(data, ADMINISTRATOR)))


def _attempt() -> Attempt:
    """Return a change by the account that the command runs under."""
    return Attempt(f"cli:{getpass.getuser()}", str(new_id()))


def _listed(text: str) -> list[str]:
    return [word for each in text.split(",") if (word := each.strip())]


def _show_once(subscriber: Subscriber, password: str, data: Path | None) -> None:
    """Print what the owner of a subscriber needs."""
    kafka = _reached_by_subscribers(data)
    access = SubscriberAccess.of(subscriber, password, kafka, str(kafka.kafka_ca_file))
    for label, value in {
        "bootstrap": access.bootstrap,
        "security": access.security,
        "mechanism": access.mechanism,
        "user": access.user,
        "password": f"{access.password}  (shown only now)",
        "CA file": str(kafka.kafka_ca_file or "the system's"),
        "stores": ", ".join(access.stores) or "all",
        "topics": "\n            ".join(access.topics),
        "groups": f"{access.group_prefix}…",
        "try": access.command,
    }.items():
        print_line(f"{label:<12}{value}")


def _reached_by_subscribers(data: Path | None) -> Settings:
    """Return the listener of Kafka that is for others than the platform."""
    if is_deployment():
        return reached_by_subscribers(kafka_settings(data, ADMINISTRATOR))
    kafka = running_platform(data).kafka
    return kafka.tls_settings_of(ADMINISTRATOR)


def _table(found: list[Progress]) -> Table:
    table = Table("subscriber", "stores", "topics", box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("consumers", "lag", "last read"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found:
        table.add_row(
            each.subscriber.name,
            ", ".join(each.subscriber.stores) or "all",
            ", ".join(each.subscriber.topics),
            str(each.members),
            "" if each.lag is None else f"{each.lag:,}",
            f"{each.last_read:%Y-%m-%d %H:%M:%S}Z" if each.last_read else "never",
        )
    return table


def _plain(progress: Progress) -> dict[str, object]:
    return {
        **progress.subscriber.model_dump(mode="json"),
        "groups": list(progress.groups),
        "consumers": progress.members,
        "lag": progress.lag,
        "last_read": progress.last_read.isoformat() if progress.last_read else None,
    }
