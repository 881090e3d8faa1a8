"""``python -m shared.probe``: whether the service of this container is ready, as exit status."""

import os
import sys
from http.client import HTTPConnection


def is_ready(port: int, timeout_s: float = 4.0) -> bool:
    """Return whether the service that listens on ``port`` of this machine says that it is ready."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_ready(int(os.environ["AFTERSALES_HTTP_PORT"])))
