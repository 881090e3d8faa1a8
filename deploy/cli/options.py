"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.embedded.settings import EmbeddedSettings

DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder of the platform.", show_default="var/platform"),
]


def settings_for(data: Path | None) -> EmbeddedSettings:
    """Return settings from the environment; the data folder of the command line overrides them."""
    return EmbeddedSettings(data=data) if data else EmbeddedSettings()
