"""Stub of a service: it reports that it is ready, and returns its settings."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STATUS = {
    "lag": 0,
    "outbox": 0,
    "outbox_age_s": 0.0,
    "due_timers": 0,
    "waiting_timers": 0,
    "parked_keys": 0,
    "dead_letters": 0,
    "conflicts": 0,
    "published": 0,
    "applied": 0,
    "lost": 0,
}

RULES: dict[str, Any] = {
    "record_id": "known",
    "kind": "loyalty",
    "for_store": None,
    "version": "1",
    "changed_by": "import",
    "changed_at": "2026-03-04T00:00:00Z",
    "today": "2026-03-04",
    "holds": None,
    "versions": [],
}


class StubHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_responding = {
            "/health/ready": {},
            "/status": STATUS,
            "/environment": dict(os.environ),
            "/group/rules/loyalty": RULES,
            "/group/rules/messages": RULES,
            "/group/rules/settlement": RULES,
            "/group/rules/delivery_checklist": RULES,
            "/group/rules/facility_checklist": RULES,
            "/group/rules/corrective_actions": RULES,
        }
        content = json.dumps(is_responding[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    if "STUB_FAILS" in os.environ:
        raise KeyError("a setting is missing")
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), StubHandler).serve_forever()
