"""Import of a group folder into management, through the command that people give."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.group_folder import read_group
from deploy.management import TokenSource, open_management
from shared.calls import ApiError
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import Definition, ImportRequest, ImportResult
from shared.ids import new_id

_IMPORTER = "import"
_REASON = "从集团文件夹导入"
_PORTION = 500


@dataclass(frozen=True)
class Imported:
    """Result of one definition; a refused one says which field breaks which rule."""

    definition: Definition
    result: ImportResult

    @property
    def record(self) -> str:
        """The collection, and the code that stands there, with the store that decides on it."""
        owner = f" of {self.definition.for_store}" if self.definition.for_store else ""
        return f"{self.definition.collection}: {self.definition.code}{owner}"

    def __str__(self) -> str:
        line = f"{self.record} from {self.definition.valid_from}: {self.result.result}"
        remarks = [_said(each.field, each.detail) for each in self.result.warnings]
        if self.refused:
            remarks.append(_said(self.result.field or "", self.result.detail or ""))
        return f"{line} ({'; '.join(remarks)})" if remarks else line

    @property
    def refused(self) -> bool:
        return self.result.result == "refused"

    @property
    def remarkable(self) -> bool:
        """Whether a person should look at it: it is refused, or may be a mistake."""
        return self.refused or bool(self.result.warnings)


async def import_group(
    folder: Path,
    management_url: str,
    tokens: TokenSource,
    report: Callable[[Imported], None] = lambda _: None,
    *,
    only_new: bool = False,
) -> list[Imported]:
    """Define what the group folder says, and return the results.

    What is kept, or replaced by a version that has begun too, is not reported.

    Raises:
        GroupFileError: a file cannot be read; nothing was defined.
        ServiceUnavailableError: management does not respond; the import can be repeated.
    """
    definitions = read_group(folder)
    imported: list[Imported] = []
    async for portion in define_all(definitions, management_url, tokens, only_new=only_new):
        for each in portion:
            if each.result.result not in ("kept", "replaced"):
                imported.append(each)
                report(each)
    return imported


async def define_all(
    definitions: Sequence[Definition],
    management_url: str,
    tokens: TokenSource,
    *,
    only_new: bool = False,
) -> AsyncIterator[list[Imported]]:
    """Send the definitions in portions, and yield the results of each portion.

    What held already is not defined again, so that an import can be repeated. With ``only_new``, a
    record that was ever defined stays as it is.

    Raises:
        ServiceUnavailableError: management does not respond; the import can be repeated.
    """
    async with open_management(management_url, tokens, _IMPORTER, "group_manager") as management:
        for start in range(0, len(definitions), _PORTION):
            portion = definitions[start : start + _PORTION]
            body = ImportRequest(reason=_REASON, only_new=only_new, definitions=list(portion))
            results = await _define(management, body)
            yield [Imported(*each) for each in zip(portion, results, strict=True)]


async def _define(management: ManagementApi, body: ImportRequest) -> Sequence[ImportResult]:
    """Define a portion; what does not fit its model is refused, and the rest is defined."""
    try:
        response = await management.import_records(body, idempotency_key=str(new_id()))
    except ApiError as error:
        refused = dict(_refused(error))
        rest = [each for place, each in enumerate(body.definitions) if place not in refused]
        if not refused or not rest:
            raise
        results = iter(await _define(management, body.model_copy(update={"definitions": rest})))
        return [refused.get(place) or next(results) for place, _ in enumerate(body.definitions)]
    return response.results


def _said(field: str, detail: str) -> str:
    """Return what is said about a field, which is named as in the file."""
    name = field.removeprefix("content").removeprefix(".")
    return f"{name}: {detail}" if name else detail


def _refused(error: ApiError) -> Iterator[tuple[int, ImportResult]]:
    """Return the definitions that do not fit their models, by their places."""
    for each in error.field_errors:
        parts = each.field.split(".")
        if parts[0] == "definitions" and len(parts) > 1 and parts[1].isdecimal():
            yield (
                int(parts[1]),
                ImportResult(
                    result="refused", field=".".join(parts[2:]), rule="invalid", detail=each.message
                ),
            )
