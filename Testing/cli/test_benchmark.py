"""Claims about the benchmark command: every part runs and says its numbers twice."""

from __future__ import annotations

import json
import math

import numpy as np
import torch

from benchmarks.interleaved import Candidate, measure
from benchmarks.network import BareNetwork, PublishedForward
from benchmarks.report import Part
from benchmarks.run import PARTS, Sizes, main
from benchmarks.volumes import head, trunk
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.generator import DualDecoderGenerator
from MRIColorizeLib.network.model import load_model

TINY = Sizes(head=2, published=1, bodies=((2, 16), (4, 16)), cubes=(16,), endings=(".nrrd",))


def test_every_part_prints_a_table_and_writes_the_same_numbers(tmp_path, capsys, small_model):
    threads = torch.get_num_threads()
    out = tmp_path / "found.json"
    parts = [part for part in PARTS if part != "published"]  # takes seconds whatever its size
    words = ["--only", *parts, "--model", str(small_model), "--out", str(out), "--repeats", "1"]
    try:
        assert main([*words, "--threads", "1"], TINY) == 0
    finally:
        torch.set_num_threads(threads)
    found = json.loads(out.read_text())
    printed = capsys.readouterr().out
    assert found["setting"]["torch"] == torch.__version__
    titles = [part["title"] for part in found["parts"]]
    assert len(titles) == len(parts)
    assert all(f"### {title}" in printed for title in titles)
    by_title = dict(zip(titles, found["parts"], strict=True))
    engine = by_title["Engine and network, CPU, 1 thread"]
    assert engine["summary"]["slices that show the body"] == 2
    assert engine["summary"]["engine / network"] > 0
    assert "4 / 2 slices of 16" in by_title["Growth, cpu, 1 thread"]["summary"]
    for row in by_title["Command line, whole process"]["rows"]:
        assert row["peak MiB"] > row["input MiB"] + row["output MiB"]


def test_candidates_are_timed_in_turns_and_each_round_starts_elsewhere():
    calls: list[str] = []
    candidates = [Candidate(name, "", 2, lambda name=name: calls.append(name)) for name in "abc"]
    timings = measure(candidates, 2)
    assert "".join(calls) == "abcbcacab"
    assert [one.name for one in timings] == ["a", "b", "c"]
    assert all(one.fastest <= one.clock <= one.slowest for one in timings)
    assert all(one.seconds == 2 * one.clock for one in timings)


def test_the_published_forward_is_the_published_network_painted_twice():
    torch.manual_seed(0)
    network = DualDecoderGenerator(GeneratorConfig.published()).eval()
    twice = PublishedForward().eval()
    twice.encoder.load_state_dict(network.encoder.state_dict(), strict=False)
    twice.blocks.load_state_dict(network.encoder.blocks.state_dict())
    twice.decoder.load_state_dict(network.semantic.state_dict())
    x = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        first, second = twice(x)
        torch.testing.assert_close(first, network(x).color)
    assert torch.equal(first, second)


def test_operations_are_counted_for_one_slice(small_model):
    model = load_model(small_model)
    one, more = (BareNetwork(model, trunk(slices, 32), "cpu") for slices in (1, 5))
    assert more.slices == 5
    assert one.operations() == more.operations() > 0


def test_the_head_lies_in_the_middle_of_its_square():
    volume = head(8)
    assert volume.array.shape == (8, 256, 256)
    shown = volume.array > np.percentile(volume.array, 60)
    for axis in (1, 2):
        middle = np.average(np.arange(256), weights=shown.any(0).sum(2 - axis))
        assert abs(middle - 128) < 20


def test_tables_show_three_digits_and_json_all():
    part = Part("title", ("what", "value"), [("x", math.pi), ("y", 1234.5)], {"ratio": 2 / 3})
    assert "| x | 3.14 |" in part.markdown()
    assert "- ratio: 0.667" in part.markdown()
    assert part.numbers()["rows"][0] == {"what": "x", "value": math.pi}
