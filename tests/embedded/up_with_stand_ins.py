"""``aftersales up`` on a folder and ports given as JSON, with stand-ins for the services."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.cli.terminal import print_error
from deploy.cli.up import run_until_told
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.settings import EmbeddedSettings

STAND_IN = str(Path(__file__).with_name("stand_in.py"))


def stand_in_command(service: str, port: int) -> Sequence[str]:
    return (sys.executable, STAND_IN, str(port))


if __name__ == "__main__":
    settings = EmbeddedSettings.model_validate_json(sys.argv[1])
    try:
        asyncio.run(run_until_told(settings, stand_in_command))
    except EmbeddedError as error:
        print_error(str(error))
        sys.exit(1)
