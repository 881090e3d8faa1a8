"""``python -m shared.server FACTORY HOST PORT``: one service behind its HTTP server."""

import os
import sys
from types import FrameType

import uvicorn

_KEEP_ALIVE_S = 30
"""Seconds that a connection stays open when idle, longer than callers keep it.

Otherwise it would be closed under a request.
"""
_FAILED = 3


class Server(uvicorn.Server):
    """Server that ends at once while its service still waits for what it depends on."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End the process; once it serves, after the requests that it has begun."""
        if not self.started:
            os._exit(128 + sig)
        super().handle_exit(sig, frame)


def serve(factory: str, host: str, port: int) -> None:
    """Serve the application that ``factory``, such as ``services.crm.app:create_app``, returns."""
    server = Server(
        uvicorn.Config(
            factory,
            factory=True,
            host=host,
            port=port,
            timeout_keep_alive=_KEEP_ALIVE_S,
            access_log=False,
        )
    )
    server.run()
    if not server.started:
        sys.exit(_FAILED)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
