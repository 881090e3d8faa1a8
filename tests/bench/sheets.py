"""Time to import a sheet of parts: from the upload until all of them are applied."""

import time
from dataclasses import asdict, dataclass
from datetime import date

from deploy.embedded.platform import Platform
from deploy.sheet_import import open_sheets
from services.management.clients.workbooks import write_workbook
from tests.bench.own_platform import start_business_day

_FIRST_DAY = date(2026, 1, 1)


@dataclass(frozen=True)
class Imported:
    """Seconds for ``rows`` parts: to check and stage them, and then to apply them."""

    rows: int
    megabytes: float
    staging_s: float
    applying_s: float

    @property
    def figures(self) -> dict[str, float]:
        return asdict(self) | {"import_s": self.staging_s + self.applying_s}


async def measure(platform: Platform, rows: int) -> Imported:
    """Import a sheet of ``rows`` new parts into management, which runs alone."""
    start_business_day(platform)
    content = write_workbook("part", [_part(number) for number in range(rows)])
    async with open_sheets(platform.url("management"), platform.issuer) as sheets:
        began = time.perf_counter()
        staged = await sheets.upload(content, _FIRST_DAY, "目录导入")
        uploaded = time.perf_counter()
        assert staged.new == rows, staged
        async for shown in sheets.apply(staged):
            staged = shown
        applied = time.perf_counter()
    assert (staged.status, staged.defined) == ("applied", rows), staged
    return Imported(rows, len(content) / 1e6, uploaded - began, applied - uploaded)


def _part(number: int) -> tuple[str, None, dict[str, object]]:
    content = {
        "kind": "part",
        "zh": f"备件 {number}",
        "en": f"Part {number}",
        "skill_code": "maintenance",
        "unit": "piece",
        "list_price_cents": 1000 + number,
        "cost_cents": 500 + number,
    }
    return f"part:P-{number:06}", None, content
