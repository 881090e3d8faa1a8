"""``aftersales new-store``: open a store like another one, by the command that people give."""

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import service_url
from deploy.cli.terminal import print_line
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.management import open_management
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.management.models import NewPerson, OpenedStore, OpenStoreRequest
from shared.contracts.management import NameInBoth
from shared.ids import new_id
from shared.issuer import DevelopmentIssuer

_OPENER, _REASON = "new-store", "新店开业"
_MANAGER = "service_manager"

Names = tuple[str, str]


def new_store(
    code: Annotated[str, typer.Argument(help="Code of the store, such as S07.")],
    like: Annotated[str, typer.Option(help="Store whose profile, bays and own rules it gets.")],
    first_day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Today or later.")],
    names: Annotated[Names, typer.Option(help="Its names in Chinese and English.")],
    city: Annotated[Names, typer.Option(help="The city's names in Chinese and English.")],
    manager: Annotated[
        tuple[str, str, str] | None,
        typer.Option(help="Its service manager: id, names in Chinese and English."),
    ] = None,
    data: DataFolder = None,
) -> None:
    """Open a store like another one, while the platform runs."""
    url = service_url(data, "management")
    body = OpenStoreRequest(
        like=like,
        first_day=first_day.date(),
        reason=_REASON,
        zh=names[0],
        en=names[1],
        city=NameInBoth(zh=city[0], en=city[1]),
        staff=[NewPerson(code=manager[0], zh=manager[1], en=manager[2], role=_MANAGER)]
        if manager
        else [],
    )
    issuer = Platform(settings_for(data)).issuer
    try:
        opened = asyncio.run(_open(code, body, url, issuer))
    except ApiError as error:
        told = [f"{each.field}: {each.message}" for each in error.field_errors] or [str(error)]
        raise EmbeddedError("; ".join(told)) from None
    except ServiceUnavailableError:
        raise EmbeddedError("management does not respond; open the store later") from None
    print_line(
        f"{code} opens on {opened.first_day} with {len(opened.bays)} bays, "
        f"{len(opened.rules)} own rules and {len(opened.staff)} people"
    )


async def _open(
    code: str, body: OpenStoreRequest, url: str, issuer: DevelopmentIssuer
) -> OpenedStore:
    async with open_management(url, issuer, _OPENER, "group_manager") as management:
        return await management.open_store(code, body, idempotency_key=str(new_id()))
