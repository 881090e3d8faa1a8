"""Import of a group folder into management, through the commands that people give."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Literal

import httpx

from deploy.group_rules import RuleDefinition, read_rules
from shared.calls import ApiError, ServiceCalls
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import DefineRulesRequest, RulesResponse, RulesView
from shared.issuer import DevelopmentIssuer

_IMPORTER = "import"
_REASON = "从集团文件夹导入"
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)

Result = Literal["defined", "unchanged", "refused"]


@dataclass(frozen=True)
class ImportedRules:
    """Result of one definition; ``problem`` says which field breaks which rule if it is refused."""

    rule_id: str
    valid_from: date
    result: Result
    problem: str = ""

    def __str__(self) -> str:
        line = f"{self.rule_id} from {self.valid_from}: {self.result}"
        return f"{line} ({self.problem})" if self.problem else line


async def import_group(
    folder: Path,
    management_url: str,
    issuer: DevelopmentIssuer,
    report: Callable[[ImportedRules], None] = lambda _: None,
    *,
    only_new: bool = False,
) -> list[ImportedRules]:
    """Define what the group folder says, and return the results.

    What held already is not defined again, so that an import can be repeated. A version that had
    ended before the import is left out, for nothing reads it. With ``only_new``, a rule set that
    was ever defined stays as it is.

    Raises:
        GroupFileError: a file cannot be read; nothing was defined.
        ServiceUnavailableError: management does not respond; the import can be repeated.
    """
    imported: list[ImportedRules] = []
    async with _management(management_url, issuer) as management_of:
        for _, versions in groupby(read_rules(folder), lambda each: each.rule_id):
            async for each in _import(list(versions), management_of, only_new=only_new):
                report(each)
                imported.append(each)
    return imported


_ManagementOf = Callable[[str | None], ManagementApi]


@asynccontextmanager
async def _management(url: str, issuer: DevelopmentIssuer) -> AsyncIterator[_ManagementOf]:
    """Yield a function that returns management's client for the group or one store."""
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT, trust_env=False) as http:

        def management_of(store_id: str | None) -> ManagementApi:
            token = issuer.token(
                _IMPORTER,
                roles=["group_manager", "service_manager"],
                stores=[store_id] if store_id else [],
            )
            return ManagementApi(ServiceCalls("management", http, token))

        yield management_of


async def _import(
    versions: Sequence[RuleDefinition], management_of: _ManagementOf, *, only_new: bool
) -> AsyncIterator[ImportedRules]:
    """Define the versions of one rule set, the earliest first."""
    management = management_of(versions[0].for_store)
    try:
        present = await _present(management, versions[0])
    except ApiError as error:
        yield _refused(versions[0], error)
        return
    if only_new and present.version != "0":
        return
    version = present.version
    for definition in _still_needed(versions, present.today):
        try:
            defined = await _define(management, definition, version)
        except ApiError as error:
            yield _refused(definition, error)
            continue
        version = defined.version
        result: Result = "defined" if defined.changed else "unchanged"
        yield ImportedRules(definition.rule_id, definition.valid_from, result)


def _still_needed(versions: Sequence[RuleDefinition], today: date) -> Sequence[RuleDefinition]:
    """Leave out the versions that another one had replaced by ``today``."""
    begun = sum(each.valid_from <= today for each in versions)
    return versions[max(0, begun - 1) :]


async def _present(management: ManagementApi, definition: RuleDefinition) -> RulesView:
    kind = definition.content.kind
    if definition.for_store is None:
        return await management.get_group_rules(kind)
    return await management.get_store_rules(definition.for_store, kind)


async def _define(
    management: ManagementApi, definition: RuleDefinition, version: str
) -> RulesResponse:
    body = DefineRulesRequest(
        version=version,
        valid_from=definition.valid_from,
        reason=_REASON,
        content=definition.content,
    )
    kind, key = definition.content.kind, _key(definition.rule_id, body)
    if definition.for_store is None:
        return await management.define_group_rules(kind, body, idempotency_key=key)
    return await management.define_store_rules(
        definition.for_store, kind, body, idempotency_key=key
    )


def _key(rule_id: str, body: DefineRulesRequest) -> str:
    """Return the idempotency key that follows from what is defined on which version."""
    digest = hashlib.sha256(f"{rule_id} {body.model_dump_json()}".encode())
    return f"import-{digest.hexdigest()[:32]}"


def _refused(definition: RuleDefinition, error: ApiError) -> ImportedRules:
    problems = [f"{each.field}: {each.message}" for each in error.field_errors]
    problem = "; ".join(problems) or str(error)
    return ImportedRules(definition.rule_id, definition.valid_from, "refused", problem)
