"""Files that are too large for a row: in a local folder, or in an S3-compatible store."""

from datetime import datetime, timedelta
from pathlib import Path

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from shared.problems import unavailable

_RETRIES = 3
_TIMEOUT = timedelta(seconds=10)


class FileStorage:
    """Content by key. Writing a key again replaces its content; what is written is whole."""

    def __init__(self, place: str) -> None:
        """``place`` is a folder, or ``s3://bucket/prefix`` with the usual ``AWS_`` variables."""
        self._store = _s3(place) if place.startswith("s3://") else _folder(Path(place))

    async def put(self, key: str, content: bytes) -> None:
        """Keep ``content`` under ``key``.

        Raises:
            Problem: 503, when the store does not respond.
        """
        try:
            await self._store.put_async(key, content)
        except (BaseError, OSError) as error:
            raise unavailable("The file store") from error

    async def put_new(self, key: str, content: bytes) -> bool:
        """Keep ``content`` under ``key`` unless something is there; whether it was kept.

        Of several who try at once, one succeeds.

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
        """When each key in ``folder`` was written, in the order of keys, from ``after`` one on.

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
        """The content, or ``None`` where there is none.

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
        """Forget ``key``, whether or not it is there.

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


def _s3(url: str) -> S3Store:
    return S3Store.from_url(
        url,
        config={"disable_bulk_delete": True},
        client_options={
            "allow_http": True,
            "timeout": _TIMEOUT,
            "connect_timeout": timedelta(seconds=2),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _TIMEOUT},
    )
