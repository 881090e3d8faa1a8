"""``aftersales new-store``: open a store like another one, by the command that people give."""

import asyncio
from datetime import datetime
from typing import Annotated

import typer
from pydantic import ValidationError

from deploy.cli.options import DataFolder
from deploy.cli.running import reach_service
from deploy.cli.terminal import error_line, invalid_line, print_line
from deploy.embedded.errors import EmbeddedError
from deploy.management import TokenSource, open_management
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.management.models import OpenedStore, OpenStoreRequest
from shared.ids import new_id

_OPENER, _REASON = "new-store", "新店开业"
_MANAGER = "service_manager"

_OPTIONS = {
    "code": "CODE",
    "like": "--like",
    "first_day": "--first-day",
    "zh": "--names",
    "en": "--names",
    "city": "--city",
    "staff": "--manager",
}

Names = tuple[str, str]


def new_store(
    code: Annotated[str, typer.Argument(help="Code of the store, such as S07.")],
    like: Annotated[str, typer.Option(help="Store whose profile and bays it gets.")],
    first_day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Today or later.")],
    names: Annotated[Names, typer.Option(help="Its names in Chinese and English.")],
    city: Annotated[Names, typer.Option(help="The city's names in Chinese and English.")],
    manager: Annotated[
        tuple[str, str, str] | None,
        typer.Option(help="Its service manager: id, names in Chinese and English."),
    ] = None,
    own_prices_and_rules: Annotated[
        bool, typer.Option(help="Take over the own prices and own rules of that store.")
    ] = True,
    data: DataFolder = None,
) -> None:
    """Open a store like another one, while the platform runs."""
    url, tokens = reach_service("management", data)
    asked = {
        "like": like,
        "first_day": first_day.date(),
        "reason": _REASON,
        "zh": names[0],
        "en": names[1],
        "city": {"zh": city[0], "en": city[1]},
        "own_prices_and_rules": own_prices_and_rules,
        "staff": [_person(*manager)] if manager else [],
    }
    try:
        body = OpenStoreRequest.model_validate(asked)
        opened = asyncio.run(_open(code, body, url, tokens))
    except ValidationError as error:
        raise EmbeddedError(invalid_line(error, _OPTIONS)) from None
    except ApiError as error:
        raise EmbeddedError(error_line(error, _OPTIONS)) from None
    except ServiceUnavailableError as error:
        raise EmbeddedError(f"{error.service} does not respond; open the store later") from None
    print_line(
        f"{code} opens on {opened.first_day} with {len(opened.bays)} bays, "
        f"{len(opened.rules)} own rules, {opened.prices} own prices and "
        f"{len(opened.staff)} people"
    )


def _person(code: str, zh: str, en: str) -> dict[str, str]:
    return {"code": code, "zh": zh, "en": en, "role": _MANAGER}


async def _open(code: str, body: OpenStoreRequest, url: str, tokens: TokenSource) -> OpenedStore:
    async with open_management(url, tokens, _OPENER, "group_manager") as management:
        return await management.open_store(code, body, idempotency_key=str(new_id()))
