"""Which duties (职责) an HTTP operation serves; ``docs/duties.md`` is generated from it."""

from typing import Any


def serves(*duties: str) -> dict[str, Any]:
    """``openapi_extra`` of an operation, such as ``serves("R7")``."""
    return {"x-duties": list(duties)}
