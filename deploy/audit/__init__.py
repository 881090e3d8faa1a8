"""Audit of the services' tables against the events.

It shares no code with the services: it has its own consumer, its own reading of events and its own
arithmetic. It audits an idle platform; events still under way show as differences.
"""

from collections.abc import Mapping
from typing import Any

from deploy.audit.audit_data import CONSUMES, AuditData
from deploy.audit.corrective_actions import check_corrective_actions
from deploy.audit.crm import check_crm
from deploy.audit.management import check_management
from deploy.audit.reception import check_reception
from deploy.audit.reporting import check_reporting
from deploy.audit.result import AuditResult, Check, Difference
from deploy.audit.streams import check_streams
from deploy.audit.tables import SERVICES, read_tables
from deploy.audit.topics import declared_topics, read_log
from deploy.audit.workshop import check_workshop
from deploy.embedded.settings import EmbeddedSettings

__all__ = ["AuditResult", "Check", "Difference", "run_audit"]

_CHECKS = (
    check_streams,
    check_reception,
    check_workshop,
    check_crm,
    check_reporting,
    check_management,
    check_corrective_actions,
)


async def run_audit(
    databases: str | Mapping[str, str], kafka: Mapping[str, Any], settings: EmbeddedSettings
) -> AuditResult:
    """Compare every table with every event.

    ``databases`` is the address of all services' tables, or of each service's, as the
    administrator, for whom row-level security hides no rows; ``kafka`` are the connection arguments
    of a client; ``settings`` say which topics there are.
    """
    topics = declared_topics(settings.topics_file)
    of_each = dict.fromkeys(SERVICES, databases) if isinstance(databases, str) else databases
    tables = await read_tables(of_each)
    log = await read_log(kafka, topics, tuple(CONSUMES))
    audit_data = AuditData(log, tables)
    return AuditResult(
        checks=tuple(each for checks in _CHECKS for each in checks(audit_data)),
        counted=_counted(audit_data),
    )


def _counted(audit_data: AuditData) -> dict[str, int]:
    letters = [row for service in SERVICES for row in audit_data.tables.of(service, "dead_letter")]
    parked = {
        (service, row["topic"], row["key"], row["store_id"])
        for service in SERVICES
        for row in audit_data.tables.of(service, "parked_event")
    }
    return {
        "events": len(audit_data.log.events),
        "repeated_records": audit_data.log.repeated,
        "records_without_publisher": len(audit_data.unpublished_events)
        + len(audit_data.log.unaddressed_records),
        "sequences_of_several_events": len(audit_data.rivals),
        "dead_letters": sum(row["resolved_at"] is None for row in letters),
        "dead_letters_resolved": sum(row["resolved_at"] is not None for row in letters),
        "parked_keys": len(parked),
    }
