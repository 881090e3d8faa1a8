"""One example of every event, with all its fields."""

from pathlib import Path
from typing import Any

import yaml

EXAMPLES: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_suffix(".yaml").read_text()
)
