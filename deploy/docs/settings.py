"""Page of all settings of services and desk, from their model."""

from collections.abc import Mapping
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
read or contradict each other names them in one line and ends with exit status 2; so does one that
finds a variable with `AFTERSALES_` that is none of these, such as a misspelled one. Processes may
share variables: each uses what it needs. The embedded platform sets them itself; its own,
`AFTERSALES_EMBEDDED_…`, are in [operations](operations.md#settings).

| variable | default | meaning |
|---|---|---|
"""


_TAIL = """
## Variables of libraries

| variable | read by | meaning |
|---|---|---|
"""

OF_LIBRARIES: Mapping[str, tuple[str, str]] = {
    "FORWARDED_ALLOW_IPS": (
        "services (uvicorn)",
        "addresses and networks whose `X-Forwarded-For` counts, separated by commas, or `*`; "
        "`127.0.0.1` where not set. Of reception: those of the desk, which tells it the addresses "
        "of customers",
    ),
    "AWS_ENDPOINT": ("reception, desk", "address of the S3 store, where it is not Amazon's"),
    "AWS_REGION": ("reception, desk", "its region"),
    "AWS_ACCESS_KEY_ID": ("reception, desk", "access key of its user"),
    "AWS_SECRET_ACCESS_KEY": ("reception, desk", "secret key of its user. **Secret.**"),
}
"""Variables that libraries read, by whom, and what they mean."""


def settings_page() -> dict[Path, str]:
    """Return the page by its path."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    others = [f"| `{name}` | {by} | {means} |\n" for name, (by, means) in OF_LIBRARIES.items()]
    return {_PAGE: "".join([_HEAD, *rows, _TAIL, *others])}


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
