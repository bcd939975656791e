"""What a network costs, counted by hand where that can be done, and its page."""

import dataclasses

import pandas as pd
import pytest
import torch

from training.measure.arms.cost import Cost, LiveMemory, measure_costs, read_costs, write_costs
from training.measure.arms.manifest import Manifest, read_manifest
from training.measure.arms.records import (
    KEYS,
    Measured,
    Record,
    RecordError,
    Training,
    learnt,
    write_record,
)
from training.measure.colorings.conditions import CONDITIONS
from training.measure.report.cost_page import cost_parts
from training.measure.report.numbers import Evidence
from training.measure.report.report import write_report

MANIFEST = read_manifest()


def _only(*names):
    return Manifest({name: MANIFEST.arms[name] for name in names}, ())


@pytest.fixture(scope="module")
def costs():
    return measure_costs(_only("small", "no_color", "no_attention", "chroma_gan", "DDColor"))


def test_memory_is_the_most_that_lives_at_once():
    image = torch.zeros(1000, dtype=torch.float32)
    with LiveMemory() as memory:
        first = image + 1  # 4000 bytes
        second = first + 1  # both live
        view = second.view(10, 100)  # no memory of its own
        del first
        third = view * 2  # the second and the third
        third.add_(1)
    assert memory.most == 8000
    assert memory.bytes == 8000
    del second, view, third
    assert memory.bytes == 0


def test_arms_with_one_network_share_its_cost_and_what_has_none_has_no_cost(costs):
    assert list(costs) == ["small", "no_color", "no_attention", "chroma_gan"]
    assert costs["small"] == costs["no_color"]
    assert costs["no_attention"].parameters < costs["small"].parameters
    assert costs["no_attention"].megabytes < costs["small"].megabytes
    assert all(cost.milliseconds > 0 for cost in costs.values())


def test_costs_are_kept_beside_the_results(costs, tmp_path):
    assert read_costs(tmp_path) == ({}, "")
    path = write_costs(costs, tmp_path)
    assert read_costs(tmp_path)[0] == costs
    path.write_text("{}")
    with pytest.raises(RecordError, match=r"costs\.json holds no costs"):
        read_costs(tmp_path)


def test_the_page_has_every_network_once_with_its_quality(costs, tmp_path):
    (method,) = (c for c in MANIFEST.comparisons if c.name == "method")
    for arm in ("small", "adversarial"):
        settings = learnt(MANIFEST.arms[arm].settings(1))
        training = Training(settings, 1250, 20000, 600.0, "CPU (2 threads)")
        row = ["plain", "cryosection", "slab", "slab_T1", "T1", "natural", 0, "ciede2000", 11.0]
        scores = pd.DataFrame([row], columns=[*KEYS, "measure", "value"])
        measured = Measured("val", "d", CONDITIONS["plain"].recipe, 9.0)
        record = Record(arm, 1, arm, "", "w", 7, "CPU", training)
        write_record(record.with_condition("plain", measured, scores), tmp_path)
    evidence = Evidence(MANIFEST, method, tmp_path, "val")
    known = {"small": costs["small"], "adversarial": costs["small"], "never": costs["chroma_gan"]}
    lines = "\n".join(cost_parts([evidence], known, "a processor")).splitlines()
    _, _, row = (line.split(" | ") for line in lines if line.startswith("| "))
    assert row[0] == "| small"
    assert row[5:7] == [
        "10.0",
        "11.0 |",
    ]  # minutes, colour error


def test_a_report_without_costs_has_no_such_page(tmp_path):
    report = write_report(dataclasses.replace(MANIFEST, comparisons=()), tmp_path, tmp_path / "out")
    assert "cost.md" not in report.read_text()
    write_costs({"small": Cost(1, 2, 3.0, 4.0)}, tmp_path)
    report = write_report(dataclasses.replace(MANIFEST, comparisons=()), tmp_path, tmp_path / "out")
    assert "[its page](cost.md)" in report.read_text()
