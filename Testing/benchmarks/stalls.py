"""How long Slicer's event loop stands still during a run of the sample, in the test host.

    python Testing/benchmarks/stalls.py [--threads 2]

Presses *Load sample* and *Colorize*, and prints the longest gaps between two turns of the event
loop, from the click until the colours are shown, with what the status line said; the first run,
which imports PyTorch and loads the model, and a second one.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "Testing"), str(REPOSITORY / "MRIColorize")]

from host import Host  # noqa: E402  # found through the path above

SHOWN = 5  # of the longest gaps


def gaps(host: Host, module: Any) -> list[tuple[float, float, str]]:
    """(seconds, seconds since the click, status line) of every gap of a run, the longest first."""
    import slicer
    from PySide6 import QtCore

    found: list[tuple[float, float, str]] = []
    began = last = time.perf_counter()
    module.ui.colorizeButton.click()
    ended = False
    while not ended:  # one more turn after the end, which has shown the colours
        ended = module.widget._run is None
        slicer.app.processEvents(QtCore.QEventLoop.AllEvents)
        now = time.perf_counter()
        found.append((now - last, last - began, module.ui.statusLabel.text))
        last = now
    return sorted(found, reverse=True)


def main(threads: int) -> None:
    """Measure two runs and print them."""
    with Host() as host:
        module = host.load_module(REPOSITORY / "MRIColorize" / "MRIColorize.py")
        host.click(module.ui.sampleButton)
        for name in ("first run", "second run"):
            found = gaps(host, module)
            total = sum(gap for gap, _since, _text in found)
            print(f"{name}: {total:.1f} s, {threads} threads; longest gaps of the event loop:")
            for gap, since, text in found[:SHOWN]:
                print(f"  {gap:.3f} s, {since:.1f} s after the click: {text}")
            sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2, help="cores for PyTorch")
    options = parser.parse_args()
    import os

    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # before PyTorch is imported
    main(options.threads)
