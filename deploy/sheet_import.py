"""Import of a sheet into management, through the commands that people give."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

from deploy.management import open_management
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import (
    SheetImportKind,
    SheetImportView,
    SheetRowView,
    UploadSheetRequest,
    VersionedRequest,
)
from shared.ids import new_id
from shared.issuer import DevelopmentIssuer

_IMPORTER = "import"
_TIMEOUT_S = 300.0
_LOOK_AGAIN_S = 0.2
_PAGE = 200


@dataclass(frozen=True)
class GroupSheets:
    """Sheets of the group, uploaded and applied in the name of a group manager.

    Each call raises what ``ServiceCalls`` raises.
    """

    management: ManagementApi

    async def upload(
        self, file: bytes, valid_from: date, reason: str, kind: SheetImportKind | None = None
    ) -> SheetImportView:
        """Have the content of a file checked and staged; nothing is applied."""
        content = base64.b64encode(file).decode()
        body = UploadSheetRequest(kind=kind, valid_from=valid_from, reason=reason, content=content)
        return await self.management.upload_group_sheet(body, idempotency_key=str(new_id()))

    async def apply(self, staged: SheetImportView) -> AsyncIterator[SheetImportView]:
        """Apply what was staged, and yield the import until it is applied."""
        body = VersionedRequest(version=staged.version)
        shown = await self.management.apply_group_sheet(
            staged.import_id, body, idempotency_key=str(new_id())
        )
        yield shown
        while shown.status == "applying":
            await asyncio.sleep(_LOOK_AGAIN_S)
            shown = await self.management.get_group_sheet_import(staged.import_id)
            yield shown

    async def refused(self, applied: SheetImportView) -> AsyncIterator[SheetRowView]:
        """Yield the rows that were refused when they were applied."""
        after = 0
        while rows := await self.management.list_group_sheet_rows(
            applied.import_id, refused=True, after=after, limit=_PAGE
        ):
            for row in rows:
                yield row
            after = rows[-1].row


@asynccontextmanager
async def group_sheets(
    management_url: str, issuer: DevelopmentIssuer
) -> AsyncIterator[GroupSheets]:
    """Open the sheets of the group."""
    opened = open_management(
        management_url, issuer, _IMPORTER, "group_manager", timeout_s=_TIMEOUT_S
    )
    async with opened as management:
        yield GroupSheets(management)
