"""The store of files: written, read and deleted once."""

from pathlib import Path
from uuid import uuid4

from deploy.doctor.findings import Finding, error, ok, warning
from shared.files import FileStorage
from shared.problems import Problem

_AREA = "files"
_PROBE = b"aftersales doctor"
_FIRST = "the process makes it when it starts; correct the setting where its files are elsewhere"


async def look_at_files(place: str, secret_key: str) -> list[Finding]:
    """Return whether a file can be written to ``place``, read and deleted; no folder is made."""
    if _is_absent(place):
        return [warning(_AREA, f"{place} is not there yet", _FIRST)]
    key = f"doctor/{uuid4()}"
    try:
        storage = FileStorage(place, secret_key)
        await storage.put(key, _PROBE)
        is_same = await storage.get(key) == _PROBE
        await storage.delete(key)
    except Problem as problem:
        return [_refused(place, problem.__cause__ or problem)]
    except (OSError, ValueError) as failure:
        return [_refused(place, failure)]
    if not is_same:
        return [error(_AREA, f"{place} returns other content", "look at the store")]
    return [ok(_AREA, f"{place} takes files and returns them")]


def _is_absent(place: str) -> bool:
    return not place.startswith("s3://") and not Path(place).exists()


def _refused(place: str, failure: BaseException) -> Finding:
    reason = str(failure).splitlines()[0]
    return error(
        _AREA,
        f"{place} refuses ({reason[:200]})",
        "correct AWS_ENDPOINT, AWS_ACCESS_KEY_ID and the secret key, or the right to the bucket "
        "or folder",
    )
