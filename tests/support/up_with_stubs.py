"""``aftersales up`` on a folder and ports given as JSON, with stubs for the services."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.cli.terminal import print_error
from deploy.cli.up import run_until_told
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.settings import EmbeddedSettings

STUB_SERVER = str(Path(__file__).with_name("stub_server.py"))


def stub_command(service: str, port: int) -> Sequence[str]:
    return (sys.executable, STUB_SERVER, str(port))


if __name__ == "__main__":
    settings = EmbeddedSettings.model_validate_json(sys.argv[1])
    try:
        asyncio.run(run_until_told(settings, stub_command))
    except EmbeddedError as error:
        print_error(str(error))
        sys.exit(1)
