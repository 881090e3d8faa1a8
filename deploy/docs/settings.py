"""Page of all settings of services and desk, from their model."""

from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

from shared.settings import Settings, secrets, variable

_PAGE = Path("docs/settings.md")

_HEAD = """\
# Settings of services and desk

Generated from `shared/settings.py`. Every process reads environment variables. A secret may also
stand in a file, which the variable with `_FILE` at its end names:
`AFTERSALES_KAFKA_PASSWORD_FILE=/run/secrets/kafka`. A process whose settings are missing, cannot be
read or contradict each other names them in one line and ends with exit status 2. The embedded
platform sets them itself ([operations](operations.md)).

| variable | default | meaning |
|---|---|---|
"""


def settings_page() -> dict[Path, str]:
    """Return the page by its path."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return {_PAGE: _HEAD + "".join(rows)}


def _row(name: str, field: FieldInfo) -> str:
    secret = " **Secret.**" if name in secrets() else ""
    return f"| `{variable(name)}` | {_default(field)} | {field.description}.{secret} |\n"


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value in (None, ""):
        return ""
    shown = f"`{str(value).lower() if isinstance(value, bool) else value}`"
    choices = [f"`{each}`" for each in get_args(field.annotation) if isinstance(each, str)]
    return f"{shown} of {', '.join(choices)}" if choices else shown
