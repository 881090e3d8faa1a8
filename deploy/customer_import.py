"""Import of a file of customers into a store, through the commands that people give."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from deploy.management import TokenSource, open_service
from deploy.sheet_import import IMPORTER, PAGE, TIMEOUT_S, rows_after, until_applied
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    CustomerImportSource,
    CustomerImportView,
    ImportColumns,
    ImportedRowView,
    UploadCustomersRequest,
    VersionedRequest,
)
from shared.ids import new_id


@dataclass(frozen=True)
class CustomerFiles:
    """Files of customers of a store, in the name of its service manager.

    Each call raises what ``ServiceCalls`` raises.
    """

    crm: CrmApi
    store: str

    async def upload(
        self, file: bytes, source: CustomerImportSource, columns: Mapping[str, str]
    ) -> CustomerImportView:
        """Have the content of a file checked and staged; nothing is imported.

        ``columns`` has the headings of columns that are not known by theirs.
        """
        body = UploadCustomersRequest(
            source=source,
            columns=ImportColumns.model_validate(columns),
            content=base64.b64encode(file).decode(),
        )
        return await self.crm.upload_customers(self.store, body, idempotency_key=str(new_id()))

    async def begin(self, staged: CustomerImportView) -> AsyncIterator[CustomerImportView]:
        """Import the right rows of what was staged, and yield the import until it has ended."""
        place = (self.store, staged.import_id)
        body = VersionedRequest(version=staged.version)
        await self.crm.begin_import(*place, body, idempotency_key=str(new_id()))
        async for shown in until_applied(lambda: self.crm.get_import(*place)):
            yield shown

    def left_out(self, found: CustomerImportView) -> AsyncIterator[ImportedRowView]:
        """Yield the rows that are not imported, with their errors."""

        async def page(after: int) -> list[ImportedRowView]:
            return await self.crm.list_import_rows(
                self.store,
                found.import_id,
                state=["wrong", "undecided", "refused"],
                after=after,
                limit=PAGE,
            )

        return rows_after(page)


@asynccontextmanager
async def open_customer_files(
    crm_url: str, tokens: TokenSource, store: str
) -> AsyncIterator[CustomerFiles]:
    """Open the files of customers of a store."""
    opened = open_service(
        "crm", crm_url, tokens, IMPORTER, "service_manager", stores=[store], timeout_s=TIMEOUT_S
    )
    async with opened as calls:
        yield CustomerFiles(CrmApi(calls), store)
