"""Where one run computes: on the device it was given, and on the CPU once that has no room."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import InputError
from ..network.generator import DualDecoderGenerator
from ..notes import tell
from .devices import release_cache, resolve_precision
from .schedule import Plan, plan_work
from .slicing import Layout


class Workplace:
    """The device of one run, the network there, and how many slices it takes at once.

    network_on(device) puts the network on a device. The next run gets a workplace of its own, so
    that a card that was full for one volume is tried again with the next.
    """

    def __init__(
        self, device: str, network_on: Callable[[str], DualDecoderGenerator], precision: str
    ) -> None:
        self.device = device
        self._network_on = network_on
        self._precision = precision
        self._devices: list[str] = []
        self._formats: list[str] = []

    def network(self) -> DualDecoderGenerator:
        """The network on this device; raises what the device does when it has no room."""
        return self._network_on(self.device)

    def plan(self, layout: Layout, width: int, batch_size: int | None) -> Plan:
        """How many slices are in work at once; see `plan_work`."""
        return plan_work(self.device, layout, width, batch_size)

    def note(self) -> None:
        """Keep that this device has painted slices."""
        number_format = str(resolve_precision(self._precision, self.device))
        for told, new in (
            (self._devices, self.device),
            (self._formats, number_format.removeprefix("torch.")),
        ):
            if new not in told:
                told.append(new)

    @property
    def devices(self) -> str:
        """What has painted slices, in order: "cuda", or "cuda, cpu" after running out of memory."""
        return ", ".join(self._devices or [self.device])

    @property
    def precisions(self) -> str:
        """The number formats of the network there, in order."""
        return ", ".join(self._formats)

    def retreat(self, plan: Plan | None) -> Plan | None:
        """After running out of memory: half the slices at once, or None on the CPU.

        plan: what had no room; None when the network itself had none. Raises InputError when the
        CPU has no room for a single slice.
        """
        release_cache(self.device)
        smaller = None if plan is None else plan.smaller()
        if plan is not None and smaller is not None:
            tell(
                f"Out of memory on {self.device} with {plan.slices} slices at once; "
                f"trying {smaller.slices}.",
                stacklevel=2,
            )
            return smaller
        if self.device == "cpu":
            raise InputError(
                "One slice does not fit into memory; crop the volume or close other programs."
            )
        tell(f"Out of memory on {self.device}; going on with the CPU.", stacklevel=2)
        self.device = "cpu"
        return None
