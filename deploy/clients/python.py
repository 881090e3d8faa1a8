"""Generation of Python text: types, values, docstrings."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping

from deploy.clients.openapi import Schema, UnsupportedError, paragraphs, reference

_WIDTH = 100
_FOLDER = "shared/clients/generated.py"
_TYPES = {
    "boolean": "bool",
    "integer": "int",
    "number": "float",
    "null": "None",
    "string": "str",
}
_FORMATS = {"date-time": "AwareDatetime", "date": "date", "binary": "bytes"}


def type_of(schema: Schema) -> str:
    """Return the type that ``schema`` describes.

    Lengths, patterns and bounds are left to the service, which checks them.

    Raises:
        UnsupportedError: the schema is of a kind that no service has used so far.
    """
    if name := reference(schema):
        return name
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(map(type_of, alternatives)))
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        return f"Literal[{', '.join(map(repr, values))}]"
    match schema.get("type"):
        case None:
            return "Any"
        case "array":
            return _array(schema)
        case "object":
            return _object(schema)
        case kind if kind in _TYPES:
            return _FORMATS.get(schema.get("format", ""), _TYPES[kind])
        case kind:
            raise UnsupportedError(f"type {kind}")


def _array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"tuple[{', '.join(map(type_of, schema['prefixItems']))}]"
    return f"list[{type_of(schema['items'])}]"


def _object(schema: Schema) -> str:
    if "properties" in schema:
        raise UnsupportedError("an object without a name")
    values = schema.get("additionalProperties", True)
    if patterns := schema.get("patternProperties"):
        [values] = patterns.values()
    return f"dict[str, {'Any' if values is True else type_of(values)}]"


def default_of(schema: Schema) -> str:
    """Return the default of a field or a parameter; ``None`` if the description has none."""
    default = schema.get("default")
    if schema.get("format") in ("date", "date-time") and default is not None:
        return f"{schema['format'].replace('-', '')}.fromisoformat({default!r})"
    return repr(default)


def docstring(text: str, indent: int) -> str:
    """Return ``text`` as a docstring, wrapped in lines of at most 100 columns."""
    quotes = '"""'
    width = _WIDTH - indent - len(quotes)
    lines = "\n\n".join(_wrapped(part, width) for part in paragraphs(quotes + text))
    end = "\n" if "\n" in lines else ""
    return textwrap.indent(lines + end + quotes, " " * indent)


def _wrapped(text: str, width: int) -> str:
    """Return ``text`` in lines of ``width`` columns, of which a Chinese character takes two."""
    padded = re.sub(r"([\u1100-\uffff])", "\\1\0", text)
    lines = textwrap.fill(padded, width, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\0", "")


def imports(text: str, origins: Mapping[str, str]) -> str:
    """Return the import statements for those names of ``origins`` that ``text`` uses.

    ``origins`` has names by module.
    """
    used = {name for name in origins if re.search(rf"(?<![.\w]){name}\b", text)}
    return "\n".join(f"from {origins[name]} import {name}" for name in sorted(used))


def formatted(text: str) -> str:
    """Return ``text`` as ``ruff`` sorts and formats it."""
    for command in (["check", "--fix", "--select", "F401,I,UP", "--quiet"], ["format", "--quiet"]):
        text = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", _FOLDER, "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return text
