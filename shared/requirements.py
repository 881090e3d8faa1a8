"""Requirements (需求) that an HTTP operation serves; ``docs/requirements.md`` lists them."""

from typing import Any


def serves(*requirements: str) -> dict[str, Any]:
    """Return ``openapi_extra`` of an operation, such as ``serves("R7")``."""
    return {"x-requirements": list(requirements)}
