"""``python -m deploy.docs``: write the generated documents; with ``--check``, only compare them."""

import sys
from collections.abc import Sequence

from deploy import generated
from deploy.docs.asyncapi import asyncapi
from deploy.docs.events import events_page
from deploy.docs.requirements import find_requirements, requirements_page
from deploy.docs.schemas import breaking_changes, schemas
from deploy.docs.streams import streams
from deploy.generated import REPOSITORY


def main(arguments: Sequence[str]) -> int:
    """Generate all documents, and return the exit status.

    It is 1 when a document is out of date, a change breaks readers, or a name does not exist.
    """
    found = find_requirements(REPOSITORY)
    declared = streams(REPOSITORY / "deploy/topics.yaml")
    documents = {
        **schemas(),
        **asyncapi(declared),
        **events_page(declared),
        **requirements_page(found),
    }
    faults = [*breaking_changes(REPOSITORY), *found.dead]
    if "--check" in arguments:
        faults += [
            f"{path} is out of date: run python -m deploy.docs"
            for path in generated.stale(documents)
        ]
    elif not faults:
        generated.write(documents)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
