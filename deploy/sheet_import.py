"""Import of a sheet into management, through the commands that people give."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

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

IMPORTER = "import"
TIMEOUT_S = 300.0
PAGE = 200
_LOOK_AGAIN_S = 0.2


class _Import(Protocol):
    @property
    def status(self) -> str: ...


class _Row(Protocol):
    @property
    def row(self) -> int: ...


I = TypeVar("I", bound=_Import)  # noqa: E741
R = TypeVar("R", bound=_Row)


async def until_applied(get: Callable[[], Awaitable[I]]) -> AsyncIterator[I]:
    """Yield an import again and again, at last as it has ended."""
    while (shown := await get()).status == "applying":
        yield shown
        await asyncio.sleep(_LOOK_AGAIN_S)
    yield shown


async def rows_after(page: Callable[[int], Awaitable[list[R]]]) -> AsyncIterator[R]:
    """Yield the rows of all pages, each of which begins after a row."""
    after = 0
    while rows := await page(after):
        for row in rows:
            yield row
        after = rows[-1].row


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
        async for shown in until_applied(lambda: self._get(import_id)):
            yield shown

    def refused(self, applied: SheetImportView) -> AsyncIterator[SheetRowView]:
        """Yield the rows that were refused when they were applied."""
        return rows_after(lambda after: self._refused(applied.import_id, after))

    async def _get(self, import_id: str) -> SheetImportView:
        if self.store is None:
            return await self.management.get_group_sheet_import(import_id)
        return await self.management.get_store_sheet_import(self.store, import_id)

    async def _refused(self, import_id: str, after: int) -> list[SheetRowView]:
        if self.store is None:
            return await self.management.list_group_sheet_rows(
                import_id, refused=True, after=after, limit=PAGE
            )
        return await self.management.list_store_sheet_rows(
            self.store, import_id, refused=True, after=after, limit=PAGE
        )


@asynccontextmanager
async def open_sheets(
    management_url: str, tokens: TokenSource, store: str | None = None
) -> AsyncIterator[Sheets]:
    """Open the sheets of the group, or of a store."""
    role: Role = "service_manager" if store else "group_manager"
    stores = [store] if store else []
    opened = open_management(
        management_url, tokens, IMPORTER, role, stores=stores, timeout_s=TIMEOUT_S
    )
    async with opened as management:
        yield Sheets(management, store)
