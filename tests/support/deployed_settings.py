"""Settings as a deployment gives them to a process, without its files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.settings import PREFIX, Settings, secrets, variable


def settings_of(environment: Mapping[str, str]) -> Settings:
    """Return the settings of an environment, each file standing for one that can be read.

    Every variable of the platform in it must be a setting.
    """
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    fields = {variable(name): name for name in Settings.model_fields}
    files = {f"{variable(name)}_FILE": name for name in secrets()}
    assert given.keys() <= fields.keys() | files.keys(), given.keys() - fields.keys() - files.keys()
    values: dict[str, Any] = {files[name]: "from its file" for name in given if name in files}
    for name, value in given.items():
        if name in fields:
            values[fields[name]] = Path(__file__) if name.endswith("_FILE") else value
    return Settings(**values)
