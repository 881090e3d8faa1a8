"""Staff of the stores, read from the group folder."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.group import read_yaml

Staff = Mapping[tuple[str, str], Sequence[str]]
"""Persons by store and role."""


def load_staff(folder: Path) -> Staff:
    """Read the staff once, when the service starts."""
    staff: dict[tuple[str, str], list[str]] = defaultdict(list)
    for person in read_yaml(folder, "staff.yaml")["staff"]:
        for store_id in person["stores"]:
            for role in person["roles"]:
                staff[store_id, role].append(person["id"])
    return dict(staff)
