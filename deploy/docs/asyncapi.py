"""The AsyncAPI 3.0 documents of the event streams, made from the contracts."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from deploy.docs.descriptions import meaning, meaning_in_chinese
from deploy.docs.golden import golden_records
from deploy.docs.streams import SUBSCRIPTIONS, Stream, consumers_of
from shared.contracts import PUBLISHERS, Event, schema_address, type_name
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
    "ce_dataschema": {
        "type": "string",
        "format": "uri",
        "description": "$id of the schema of the data.",
    },
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
    """Return the documents as YAML files beside the schemas: of all services, and of each."""
    streams = [stream for stream in declared if stream.events]
    documents = {FILE: _document("After-sales events", streams, PUBLISHERS)}
    for service in PUBLISHERS:
        concerned = [part for each in streams if (part := _concerning(service, each)).events]
        file = FILE.with_name(f"{FILE.stem}.{service}{FILE.suffix}")
        documents[file] = _document(f"After-sales events of {service}", concerned, [service])
    return documents


def _concerning(service: str, stream: Stream) -> Stream:
    """Return a stream with the events that a service sends or receives."""
    sends = stream.publisher == service
    wanted = SUBSCRIPTIONS[service]
    return replace(stream, events=tuple(each for each in stream.events if sends or each in wanted))


def _document(title: str, streams: Sequence[Stream], services: Iterable[str]) -> str:
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": "1.0.0",
            "description": (
                "CloudEvents 1.0.2 in Kafka's binary mode: the value is the data as JSON, the "
                "headers say what it is. Inside a major version only optional fields are added; "
                "readers ignore fields and types that they do not know. No event carries personal "
                "data: customer_ref and vehicle_ref are references.\n"
                "采用 CloudEvents 1.0.2 的 Kafka 二进制模式：消息体为 JSON 数据，消息头说明其类型。"
                "同一主版本内只增加可选字段；读取方应忽略未知的字段和类型。事件不含个人信息。"
            ),
        },
        "defaultContentType": "application/json",
        "channels": {stream.title: _channel(stream) for stream in streams},
        "operations": _operations(streams, services),
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
    return yaml.dump(
        document, Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True, width=100
    )


class _WithoutAliases(yaml.CSafeDumper):
    """Writes each value in its place; YAML's aliases are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


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
        "description": meaning_in_chinese(event),
        "contentType": "application/json",
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/headers"},
                {
                    "properties": {
                        "ce_type": {"const": kind},
                        "ce_dataschema": {"const": schema_address(kind)},
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
        "examples": [
            {"headers": record["headers"], "payload": record["value"]}
            for record in golden_records()[kind]
        ],
        "x-requirements": list(event.requirements),
        "x-consumers": consumers_of(event),
    }


def _operations(streams: Iterable[Stream], services: Iterable[str]) -> dict[str, Any]:
    operations = {}
    for stream in streams:
        if stream.publisher in services:
            operations[f"{stream.publisher}.sends.{stream.title}"] = {
                "action": "send",
                **_on(stream, stream.events),
            }
        for service in services:
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
