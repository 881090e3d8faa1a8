"""Generated files: written, or compared with what is committed."""

from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def stale(files: Mapping[Path, str]) -> list[Path]:
    """Return the files that are missing or differ from the generated text."""
    return [
        path
        for path, content in files.items()
        if not (REPOSITORY / path).exists() or (REPOSITORY / path).read_text() != content
    ]


def write(files: Mapping[Path, str]) -> None:
    """Write all ``files``, whose paths are relative to the repository."""
    for path, content in files.items():
        (REPOSITORY / path).parent.mkdir(parents=True, exist_ok=True)
        (REPOSITORY / path).write_text(content)
