"""Time zone of each store, by which its days begin."""

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

_DEFAULT = "Asia/Shanghai"


def store_zones(group_folder: Path) -> Mapping[str, ZoneInfo]:
    """Return zones by store, as the group's ``stores.yaml`` names them."""
    stores = yaml.safe_load((group_folder / "stores.yaml").read_text())["stores"]
    return {store["id"]: ZoneInfo(store.get("zone", _DEFAULT)) for store in stores}
