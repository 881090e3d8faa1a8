"""Open recalls and service campaigns of the catalog (召回, 服务活动)."""

from datetime import date

from shared.contracts.dated import version_on
from shared.contracts.management import CatalogItemDefined, RecallCampaign
from shared.contracts.recalls import Recall
from shared.db import Connection
from shared.master_data import MasterData


async def open_recalls(connection: Connection, master_data: MasterData, day: date) -> list[Recall]:
    """Return the recalls and campaigns that are open on ``day``."""
    states = await master_data.starting(connection, CatalogItemDefined, "recall:")
    versions = {key: version_on(state.versions, day) for key, state in states.items()}
    return [
        Recall(
            recall_id=key.partition(":")[2],
            brand=version.content.brand,
            models=version.content.models,
            vin_prefixes=version.content.vin_prefixes,
            op_codes=version.content.op_codes,
            opened_on=date.fromisoformat(version.valid_from),
        )
        for key, version in versions.items()
        if version is not None and isinstance(version.content, RecallCampaign)
    ]
