"""Fuzz the product: `python Testing/fuzz/run.py --volumes 2000 --files 2000 --models 500 --seed 0`.

Prints what was tried, accepted and refused, and every failure with the seed that makes it again:
`python Testing/fuzz/run.py --again files 1234`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "MRIColorize"), str(ROOT)]

from cli.made import write_model  # noqa: E402  # found through the path above
from fuzz.child import GIB, each  # noqa: E402
from fuzz.outcome import Outcome, reason  # noqa: E402
from fuzz.try_files import file_trial  # noqa: E402
from fuzz.try_kills import kill_trial  # noqa: E402
from fuzz.try_models import model_trial  # noqa: E402
from fuzz.try_scenes import scene_trial  # noqa: E402
from fuzz.try_volumes import volume_trial  # noqa: E402
from MRIColorizeLib.network.model import DEFAULT_MODEL, models_directory  # noqa: E402

Trial = Callable[[tuple[int, Path]], Outcome]
# Trial, and the memory that it may take beyond what its process starts with.
TRIALS: dict[str, tuple[Trial, int]] = {
    "files": (file_trial, GIB),
    "volumes": (volume_trial, 3 * GIB),
    "scenes": (scene_trial, 4 * GIB),
    "models": (model_trial, GIB),
    "kills": (kill_trial, 4 * GIB),
    "shipped": (volume_trial, 8 * GIB),
}
# What the trials count by default: a quarter of an hour on two cores.
USUAL = {"files": 2000, "volumes": 1800, "scenes": 200, "models": 500, "kills": 50, "shipped": 5}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 when anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, count in USUAL.items():
        parser.add_argument(f"--{name}", type=int, default=count, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="of the first trial of each kind")
    parser.add_argument("--seconds", type=float, default=120.0, help="that one trial may take")
    parser.add_argument("--minutes", type=float, default=1e9, help="after which it stops")
    parser.add_argument("--json", type=Path, help="also write the counts to this file")
    parser.add_argument("--again", nargs=2, metavar=("KIND", "SEED"), help="one trial alone")
    chosen = parser.parse_args(arguments)
    deadline = time.monotonic() + 60 * chosen.minutes
    failures: list[tuple[str, int, str]] = []
    report = {}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        small = write_model(Path(folder))
        if chosen.again:
            kind, seed = chosen.again
            trial, _ = TRIALS[kind]
            print(trial((int(seed), _model(kind, small))))
            return 0
        for kind in TRIALS:
            count = getattr(chosen, kind)
            jobs = [(seed, _model(kind, small)) for seed in range(chosen.seed, chosen.seed + count)]
            report[kind] = _run(kind, jobs, chosen.seconds, deadline, failures)
    if chosen.json is not None:
        chosen.json.write_text(json.dumps({"failures": failures, **report}, indent=1))
    print(f"\n{len(failures)} failures")
    for kind, seed, fault in failures:
        print(f"--again {kind} {seed}: {fault}")
    return 1 if failures else 0


def _model(kind: str, small: Path) -> Path:
    return models_directory() / DEFAULT_MODEL if kind == "shipped" else small


def _run(
    kind: str,
    jobs: list[tuple[int, Path]],
    seconds: float,
    deadline: float,
    failures: list[tuple[str, int, str]],
) -> dict[str, dict[str, int]]:
    """Try all of a kind, print its tables, and note what failed."""
    if not jobs:
        return {}
    trial, memory = TRIALS[kind]
    began = time.perf_counter()
    tried: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    done = failed = 0
    for ended in each(trial, jobs, seconds, memory):
        seed = ended.argument[0]
        if ended.result is None:
            lines = (ended.fault or "").strip().splitlines()
            failures.append((kind, seed, lines[-1] if lines else "?"))
            failed += 1
        else:
            done += ended.result.refusal is None
            for part in ended.result.kind.split(": "):  # each file's kind, and each damage
                tried[part] += 1
                accepted[part] += ended.result.refusal is None
            if ended.result.refusal is not None:
                reasons[reason(ended.result.refusal, Path(tempfile.gettempdir()))] += 1
        if time.monotonic() > deadline:
            break
    spent = time.perf_counter() - began
    count = done + failed + reasons.total()
    print(
        f"\n{kind}: {count} of {len(jobs)} tried, {done} done, {reasons.total()} refused, ", end=""
    )
    print(f"{failed} failed, {spent:.0f} s")
    for name, count in sorted(tried.items()):
        print(f"  {count:5d} tried {accepted[name]:5d} done  {name}")
    for text, count in reasons.most_common():
        print(f"  {count:5d} refused: {text}", flush=True)
    return {"tried": dict(tried), "accepted": dict(accepted), "refused": dict(reasons)}


if __name__ == "__main__":
    sys.exit(main())
