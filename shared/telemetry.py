"""Structured logs, and counters for Prometheus."""

import logging

import structlog
from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "aftersales_request_seconds",
    "Time to respond to a request",
    ["service", "operation", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
EVENTS_PUBLISHED = Counter(
    "aftersales_events_published", "Events that the broker acknowledged", ["type"]
)
EVENTS_APPLIED = Counter("aftersales_events_applied", "Events applied", ["consumer"])
DEAD_LETTERS = Counter("aftersales_dead_letters", "Events dead-lettered", ["consumer"])
CONFLICTS = Counter(
    "aftersales_event_conflicts",
    "Events dead-lettered because another one has their sequence",
    ["consumer"],
)
TIMER_ATTEMPTS = Counter(
    "aftersales_timer_attempts", "Tries to handle a timer", ["service", "kind", "outcome"]
)
BACKLOG = Gauge("aftersales_backlog", "What waits, as in /status", ["service", "what"])
DATABASE = Gauge("aftersales_database", "State of a service's database server", ["service", "what"])
KAFKA = Gauge("aftersales_kafka", "State of Kafka's brokers and partitions", ["what"])
SUBSCRIBER_LAG = Gauge(
    "aftersales_subscriber_lag", "Events that wait for another system", ["subscriber"]
)
SUBSCRIBER_UNCOPIED = Gauge(
    "aftersales_subscriber_uncopied",
    "Events that the forwarder has still to look at for a subscriber of some stores",
    ["subscriber"],
)
SUBSCRIBER_FORWARDERS = Gauge(
    "aftersales_subscriber_forwarders",
    "Processes that copy events for a subscriber of some stores",
    ["subscriber"],
)
RECORDS_LOST = Counter(
    "aftersales_records_lost", "Records deleted before they were read", ["consumer"]
)


def configure_logging(service: str, instance: str) -> None:
    """Log one JSON object a line on standard output, each naming the process."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    structlog.contextvars.bind_contextvars(service=service, instance=instance)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
