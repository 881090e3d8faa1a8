"""Import of a sheet into management, through the commands that people give."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

from deploy.management import TokenSource, open_management
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import (
    SheetImportKind,
    SheetImportView,
    SheetRowView,
    UploadSheetRequest,
    VersionedRequest,
)
from shared.ids import new_id
from shared.security import Role

_IMPORTER = "import"
_TIMEOUT_S = 300.0
_LOOK_AGAIN_S = 0.2
_PAGE = 200


@dataclass(frozen=True)
class Sheets:
    """Sheets of the group, in the name of a group manager, or of a store, in that of its manager.

    Each call raises what ``ServiceCalls`` raises.
    """

    management: ManagementApi
    store: str | None = None

    async def upload(
        self, file: bytes, valid_from: date, reason: str, kind: SheetImportKind | None = None
    ) -> SheetImportView:
        """Have the content of a file checked and staged; nothing is applied."""
        content = base64.b64encode(file).decode()
        body = UploadSheetRequest(kind=kind, valid_from=valid_from, reason=reason, content=content)
        key = str(new_id())
        if self.store is None:
            staged = await self.management.upload_group_sheet(body, idempotency_key=key)
        else:
            staged = await self.management.upload_store_sheet(self.store, body, idempotency_key=key)
        return await self._get(staged.import_id)

    async def apply(self, staged: SheetImportView) -> AsyncIterator[SheetImportView]:
        """Apply what was staged, and yield the import until it is applied."""
        import_id, key = staged.import_id, str(new_id())
        body = VersionedRequest(version=staged.version)
        if self.store is None:
            await self.management.apply_group_sheet(import_id, body, idempotency_key=key)
        else:
            await self.management.apply_store_sheet(
                self.store, import_id, body, idempotency_key=key
            )
        while (shown := await self._get(import_id)).status == "applying":
            yield shown
            await asyncio.sleep(_LOOK_AGAIN_S)
        yield shown

    async def refused(self, applied: SheetImportView) -> AsyncIterator[SheetRowView]:
        """Yield the rows that were refused when they were applied."""
        after = 0
        while rows := await self._refused(applied.import_id, after):
            for row in rows:
                yield row
            after = rows[-1].row

    async def _get(self, import_id: str) -> SheetImportView:
        if self.store is None:
            return await self.management.get_group_sheet_import(import_id)
        return await self.management.get_store_sheet_import(self.store, import_id)

    async def _refused(self, import_id: str, after: int) -> list[SheetRowView]:
        if self.store is None:
            return await self.management.list_group_sheet_rows(
                import_id, refused=True, after=after, limit=_PAGE
            )
        return await self.management.list_store_sheet_rows(
            self.store, import_id, refused=True, after=after, limit=_PAGE
        )


@asynccontextmanager
async def open_sheets(
    management_url: str, tokens: TokenSource, store: str | None = None
) -> AsyncIterator[Sheets]:
    """Open the sheets of the group, or of a store."""
    role: Role = "service_manager" if store else "group_manager"
    stores = [store] if store else []
    opened = open_management(
        management_url, tokens, _IMPORTER, role, stores=stores, timeout_s=_TIMEOUT_S
    )
    async with opened as management:
        yield Sheets(management, store)
