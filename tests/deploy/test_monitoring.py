"""Alert rules and dashboards: correct, and about metrics that the services export."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import shared.telemetry  # noqa: F401 registers the metrics
from shared.contracts import CONTRACTS
from tests.support.monitoring import DASHBOARDS, RULES, of_dashboards, watched

ROOT = Path(__file__).parents[2]
PROMTOOL = ROOT / ".tools" / "promtool"
AMTOOL = ROOT / ".tools" / "amtool"


def test_rules_and_configuration_pass_promtool() -> None:
    subprocess.run(
        [PROMTOOL, "check", "config", RULES.with_name("prometheus.yaml")],
        check=True,
        capture_output=True,
    )


def test_alerts_reach_receiver_of_settings(tmp_path: Path) -> None:
    compose = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())
    content = compose["configs"]["alertmanager"]["content"]
    file = tmp_path / "alertmanager.yaml"
    file.write_text(content.replace("${ALERT_WEBHOOK_URL:?}", "https://hooks.example.com/a?b=c"))
    checked = subprocess.run(
        [AMTOOL, "check-config", file], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for severity in ("critical", "warning"):
        routed = subprocess.run(
            [AMTOOL, "config", "routes", "test", f"--config.file={file}", f"severity={severity}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert routed.stdout.strip() == "operators"
    prometheus = yaml.safe_load(RULES.with_name("prometheus.yaml").read_text())
    [target] = prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert target.split(":")[0] in compose["services"]


def test_alerts_fire_on_what_they_are_for(tmp_path: Path) -> None:
    rules = yaml.safe_load(RULES.read_text())
    tests = yaml.safe_load((Path(__file__).parent / "alerts.test.yaml").read_text())
    for rule in rules["groups"][0]["rules"]:
        assert set(rule.pop("annotations")) == {"summary", "action"}
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(rules))
    shutil.copy(Path(__file__).parent / "alerts.test.yaml", tmp_path)
    tested = subprocess.run(
        [PROMTOOL, "test", "rules", tmp_path / "alerts.test.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    names = {rule["alert"] for rule in rules["groups"][0]["rules"]}
    for case in tests["tests"]:
        assert {each["alertname"] for each in case["alert_rule_test"]} == names


def test_dashboards_have_valid_expressions(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel_{number}", "expr": expression.replace("$__range", "1h")}
        for number, (_, expression) in enumerate(of_dashboards())
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    checked = subprocess.run(
        [PROMTOOL, "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_dashboard_opens_in_grafana(file: Path) -> None:
    board = json.loads(file.read_text())
    assert board["uid"].startswith("aftersales-")
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    places = [place for panel in board["panels"] for place in _places(panel["gridPos"])]
    assert len(set(places)) == len(places), "panels overlap"
    assert max(column for column, _ in places) < 24
    provisioned = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text()
    )
    sources = {panel["datasource"]["uid"] for panel in board["panels"]}
    assert sources == {each["uid"] for each in provisioned["datasources"]}


def test_rules_and_dashboards_select_by_labels_that_exist() -> None:
    for each in watched():
        assert each.metric in REGISTRY._names_to_collectors, each
        collector = REGISTRY._names_to_collectors[each.metric]
        known = {*getattr(collector, "_labelnames", ()), "job", "instance", "le"}
        assert each.labels.keys() <= known, each
        assert each.labels.get("type") in {None, *CONTRACTS}, each


def _places(grid: dict[str, Any]) -> Iterator[tuple[int, int]]:
    for column in range(grid["x"], grid["x"] + grid["w"]):
        for row in range(grid["y"], grid["y"] + grid["h"]):
            yield column, row
