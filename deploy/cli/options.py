"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from deploy.embedded.settings import PREFIX, EmbeddedSettings, variables
from shared.settings import SettingsError, faults_of, unknown

DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder of the platform.", show_default="var/platform"),
]


def settings_for(data: Path | None) -> EmbeddedSettings:
    """Return settings from the environment; the data folder of the command line overrides them.

    Raises:
        SettingsError: a variable of the embedded platform is none of its settings, or cannot be
            used.
    """
    if faults := unknown(os.environ, PREFIX, variables()):
        raise SettingsError("; ".join(faults))
    try:
        return EmbeddedSettings(data=data) if data else EmbeddedSettings()
    except ValidationError as error:
        raise SettingsError("; ".join(faults_of(error, PREFIX))) from None
