"""``python -m deploy.docs``: write the generated documents; with ``--check``, only compare them."""

import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.docs.asyncapi import asyncapi
from deploy.docs.duties import duties_page, find_duties
from deploy.docs.events import events_page
from deploy.docs.schemas import FOLDER, breaking_changes, schemas
from deploy.docs.streams import streams

REPOSITORY = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Exit status: 1 when something is out of date, breaks readers, or names what is not there."""
    found = find_duties(REPOSITORY)
    declared = streams(REPOSITORY / "deploy/topics.yaml")
    documents = {
        **schemas(),
        **asyncapi(declared),
        **events_page(declared),
        **duties_page(found),
    }
    faults = [*breaking_changes(REPOSITORY), *found.dead]
    if "--check" in arguments:
        faults += [
            f"{path} is out of date: run python -m deploy.docs" for path in _stale(documents)
        ]
    elif not faults:
        _write(documents)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _stale(documents: dict[Path, str]) -> list[Path]:
    return [
        path
        for path, text in documents.items()
        if not (REPOSITORY / path).exists() or (REPOSITORY / path).read_text() != text
    ]


def _write(documents: dict[Path, str]) -> None:
    (REPOSITORY / FOLDER).mkdir(exist_ok=True)
    for path, text in documents.items():
        (REPOSITORY / path).write_text(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
