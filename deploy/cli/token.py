"""``aftersales token``: an access token for calls of the services' interfaces."""

import asyncio

from deploy.cli.options import DataFolder
from deploy.cli.running import token_source
from deploy.cli.terminal import print_line
from deploy.embedded.errors import EmbeddedError
from deploy.management import access_token
from shared.calls import ServiceUnavailableError
from shared.db import EVERYWHERE


def token(data: DataFolder = None) -> None:
    """Print an access token with which to call a service; it holds for some minutes.

    In a deployment it is one of AFTERSALES_CLIENT_ID, otherwise an operator's.
    """
    tokens = token_source(data)
    wanted = access_token(
        tokens, "administration", ("operator", "group_manager"), stores=(EVERYWHERE,)
    )
    try:
        print_line(asyncio.run(wanted))
    except ServiceUnavailableError as error:
        raise EmbeddedError(f"{error.service} does not respond; ask again later") from None
