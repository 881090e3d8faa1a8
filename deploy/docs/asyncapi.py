"""The AsyncAPI 3.0 document of the event streams, made from the contracts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from deploy.docs.streams import SUBSCRIPTIONS, Stream, consumers_of, meaning
from shared.contracts import PUBLISHERS, Event, type_name
from shared.envelope import ID_PATTERN, LONGEST_ID, SEQUENCE_PATTERN, TRACE_PATTERN

FILE = Path("shared/contracts/asyncapi.yaml")

_KAFKA = "0.5.0"
_SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
_UUID = {"type": "string", "format": "uuid"}
_TEXT = {"type": "string", "minLength": 1}
_ID = {"type": "string", "pattern": ID_PATTERN, "maxLength": LONGEST_ID}

_HEADERS: dict[str, dict[str, Any]] = {
    "content-type": {"const": "application/json"},
    "ce_specversion": {"const": "1.0"},
    "ce_id": {**_UUID, "description": "Unique; a repeated record has the same one."},
    "ce_source": {"type": "string", "pattern": "^/stores/[^/]+/[a-z]+$"},
    "ce_type": {"type": "string", "pattern": r"^aftersales\.[a-z]+\.[A-Za-z]+\.v[0-9]+$"},
    "ce_subject": {**_TEXT, "description": "The record's key."},
    "ce_time": {
        "type": "string",
        "format": "date-time",
        "description": "Business time of the decision, in UTC.",
    },
    "ce_dataschema": {"type": "string", "format": "uri-reference"},
    "ce_partitionkey": {**_TEXT, "description": "The record's key."},
    "ce_sequence": {
        "type": "string",
        "pattern": SEQUENCE_PATTERN,
        "description": "Place of the event in its topic, key and store.",
    },
    "ce_storeid": {**_TEXT, "description": "The store that the event belongs to."},
    "ce_correlationid": {
        **_ID,
        "description": "Common to all that followed from one command or timer.",
    },
    "ce_causationid": {
        **_ID,
        "description": "ce_id of the event, or key of the command, that this one follows from.",
    },
    "traceparent": {
        "type": "string",
        "pattern": TRACE_PATTERN,
        "description": "W3C trace context; may be absent.",
    },
}


def asyncapi(declared: Iterable[Stream]) -> dict[Path, str]:
    """Return the document as a YAML file beside the schemas."""
    streams = [stream for stream in declared if stream.events]
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "After-sales events",
            "version": "1.0.0",
            "description": (
                "CloudEvents 1.0.2 in Kafka's binary mode: the value is the data as JSON, the "
                "headers say what it is. Inside a major version only optional fields are added; "
                "readers ignore fields and types that they do not know. No event carries personal "
                "data: customer_ref, vehicle_ref and plate_ref are references."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {stream.title: _channel(stream) for stream in streams},
        "operations": _operations(streams),
        "components": {
            "schemas": {
                "headers": {
                    "type": "object",
                    "required": [name for name in _HEADERS if name != "traceparent"],
                    "properties": _HEADERS,
                }
            },
            "messages": {
                event.__name__: _message(event) for stream in streams for event in stream.events
            },
        },
    }
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return {FILE: text}


def _channel(stream: Stream) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "cleanup.policy": [stream.configuration["cleanup.policy"]],
    }
    for name in ("retention.ms", "retention.bytes"):
        if name in stream.configuration:
            configuration[name] = int(stream.configuration[name])
    return {
        "address": stream.name,
        "title": stream.title,
        "description": stream.promise,
        "messages": {
            event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}
            for event in stream.events
        },
        "bindings": {
            "kafka": {
                "topic": stream.name,
                "partitions": stream.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": _KAFKA,
            }
        },
    }


def _message(event: type[Event]) -> dict[str, Any]:
    kind = type_name(event)
    key = event.model_json_schema()["properties"][event.key_field]
    return {
        "name": kind,
        "title": event.__name__,
        "summary": meaning(event),
        "contentType": "application/json",
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/headers"},
                {
                    "properties": {
                        "ce_type": {"const": kind},
                        "ce_dataschema": {"const": f"/schemas/{kind}.json"},
                    }
                },
            ]
        },
        "payload": {
            "schemaFormat": _SCHEMA_FORMAT,
            "schema": {"$ref": f"./schemas/{kind}.json"},
        },
        "bindings": {
            "kafka": {
                "key": {**key, "description": f"{event.key_field} of the data"},
                "bindingVersion": _KAFKA,
            }
        },
        "x-requirements": list(event.requirements),
        "x-consumers": consumers_of(event),
    }


def _operations(streams: Iterable[Stream]) -> dict[str, Any]:
    operations = {}
    for stream in streams:
        operations[f"{stream.publisher}.sends.{stream.title}"] = {
            "action": "send",
            **_on(stream, stream.events),
        }
        for service in PUBLISHERS:
            wanted = [event for event in stream.events if event in SUBSCRIPTIONS[service]]
            if wanted:
                operations[f"{service}.receives.{stream.title}"] = {
                    "action": "receive",
                    **_on(stream, wanted),
                    "bindings": {
                        "kafka": {
                            "groupId": {"type": "string", "const": service},
                            "bindingVersion": _KAFKA,
                        }
                    },
                }
    return operations


def _on(stream: Stream, events: Iterable[type[Event]]) -> dict[str, Any]:
    channel = f"#/channels/{stream.title}"
    return {
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.__name__}"} for event in events],
    }
