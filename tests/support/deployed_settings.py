"""Settings as a deployment gives them to a process, without its files, and what reads them."""

import json
import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from deploy.embedded.certificates import new_authority
from deploy.embedded.secrets import SERVICES
from shared.keyring import new_root
from shared.settings import PREFIX, Settings, secrets, variable

_ROOT = Path(__file__).parents[2]
_KEPT: list[Any] = []

GATEWAYS = {
    name
    for name in Settings.model_fields
    if name.endswith(("_gateway_url", "_host")) and name != "http_host"
}
"""Settings that name servers of others, which a process sends messages to."""


def users_of(settings: Collection[str]) -> set[str]:
    """Return the services whose code reads one of the settings."""
    read = re.compile(rf"\bsettings\.({'|'.join(settings)})\b")
    return {
        service
        for service in SERVICES
        if any(
            read.search(file.read_text()) for file in (_ROOT / "services" / service).rglob("*.py")
        )
    }


def settings_of(environment: Mapping[str, str]) -> Settings:
    """Return the settings of an environment, with files that can be used in place of its own.

    Every variable of the platform in it must be a setting.
    """
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    fields = {variable(name): name for name in Settings.model_fields}
    files = {f"{variable(name)}_FILE": name for name in secrets()}
    assert given.keys() <= fields.keys() | files.keys(), given.keys() - fields.keys() - files.keys()
    values: dict[str, Any] = {files[name]: "from its file" for name in given if name in files}
    for name, value in given.items():
        if name in fields:
            values[fields[name]] = _usable(fields[name]) if name.endswith("_FILE") else value
    return Settings(**values)


@cache
def _usable(name: str) -> Path:
    """Return a file for a setting, which is there until the tests end."""
    is_authority = name.endswith("_ca_file")
    file = NamedTemporaryFile("w")  # noqa: SIM115
    _KEPT.append(file)
    file.write(new_authority("tests").certificate if is_authority else json.dumps(new_root()))
    file.flush()
    return Path(file.name)
