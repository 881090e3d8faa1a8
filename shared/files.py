"""Storage of files that are too large for a row: a local folder or an S3-compatible store."""

from datetime import datetime, timedelta
from pathlib import Path

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from shared.problems import unavailable

_RETRIES = 3
_TIMEOUT = timedelta(seconds=10)


class FileStorage:
    """Content by key.

    Writing a key again replaces its content; a written file is always complete.
    """

    def __init__(self, place: str, secret_key: str = "") -> None:
        """``place`` is a folder, or ``s3://bucket/prefix`` with the usual ``AWS_`` variables.

        ``secret_key`` is the store's, where it is not in ``AWS_SECRET_ACCESS_KEY``.
        """
        self._store = _s3(place, secret_key) if place.startswith("s3://") else _folder(Path(place))

    async def put(self, key: str, content: bytes) -> None:
        """Store ``content`` under ``key``.

        Raises:
            Problem: 503, when the store does not respond.
        """
        try:
            await self._store.put_async(key, content)
        except (BaseError, OSError) as error:
            raise unavailable("The file store") from error

    async def put_new(self, key: str, content: bytes) -> bool:
        """Store ``content`` under ``key`` unless the key exists; return whether it was stored.

        Of several concurrent callers, one succeeds.

        Raises:
            Problem: 503, when the store does not respond.
        """
        try:
            await self._store.put_async(key, content, mode="create")
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as error:
            raise unavailable("The file store") from error
        return True

    async def written(self, folder: str = "", *, after: str = "") -> dict[str, datetime]:
        """Return the write time of each key in ``folder``, in the order of keys, from ``after`` on.

        Raises:
            Problem: 503, when the store does not respond.
        """
        try:
            listed = await self._store.list(folder or None, offset=after or None).collect_async()
        except (BaseError, OSError) as error:
            raise unavailable("The file store") from error
        found = {entry["path"]: entry["last_modified"] for entry in listed}
        return dict(sorted(found.items()))

    async def get(self, key: str) -> bytes | None:
        """Return the content, or ``None`` where there is none.

        Raises:
            Problem: 503, when the store does not respond.
        """
        try:
            response = await self._store.get_async(key)
            return bytes(await response.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise unavailable("The file store") from error

    async def delete(self, key: str) -> None:
        """Delete ``key``, whether or not it is there.

        Raises:
            Problem: 503, when the store does not respond.
        """
        try:
            await self._store.delete_async(key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise unavailable("The file store") from error


def _folder(path: Path) -> LocalStore:
    return LocalStore(path.absolute(), mkdir=True)


def _s3(url: str, secret_key: str) -> S3Store:
    return S3Store.from_url(
        url,
        config={
            "disable_bulk_delete": True,
            **({"secret_access_key": secret_key} if secret_key else {}),
        },
        client_options={
            "allow_http": True,
            "timeout": _TIMEOUT,
            "connect_timeout": timedelta(seconds=2),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _TIMEOUT},
    )
