"""The engine: a volume in, a colour volume out, slice by slice in batches on one device."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import torch

from ..errors import Cancelled, InputError
from ..memory import free_memory
from ..network.folding import fold_batch_norm
from ..network.generator import DualDecoderGenerator
from ..network.model import Model
from ..notes import tell
from ..options import ColorizeOptions
from ..orientation import Turn
from ..provenance import Provenance, without_arrays
from ..tissue import fit_palette
from ..volume import (
    ColorVolume,
    Volume,
    bounding_box,
    check_volume,
    choose_plane,
    planes_to_color,
)
from .body import Window, find_window
from .canvas import BYTES_TO_JOIN, KEPT, Canvas, Finish, make_canvas
from .certainty import Certainty
from .devices import is_out_of_memory, resolve_device
from .painting import Painter
from .recoloring import TissueMixture
from .schedule import Batch, Plan, in_lanes, make_batches
from .slicing import Layout, lay_out
from .suspicion import warn_of_no_air, warn_of_no_mri, warn_of_size, warn_of_the_unknown
from .workplace import Workplace

Progress = Callable[[int, int], "bool | None"]
Steps = Generator[tuple[int, int], None, ColorVolume]


class Colorizer:
    """Colours volumes with one model on one device: load once, colour many.

    A volume for which the device has no room goes on with the CPU; the next one tries it again.
    model: from `load_model`. device: "auto", "cuda", "mps" or "cpu"; raises DeviceError.
    """

    def __init__(self, model: Model, device: str = "auto") -> None:
        self.model = model
        self.device = resolve_device(device)
        self._networks: dict[str, DualDecoderGenerator] = {}

    def colorize(
        self,
        volume: Volume,
        options: ColorizeOptions | None = None,
        progress: Progress | None = None,
    ) -> ColorVolume:
        """Colour a volume; the result lies on the same grid.

        progress(done, total) is called after every batch of slices; when it returns False the run
        ends with Cancelled. Raises InputError for a volume that cannot be used.
        """
        steps = self.start(volume, options)
        while True:
            try:
                done, total = next(steps)
            except StopIteration as finished:
                return finished.value
            go_on = None if progress is None else progress(done, total)
            if isinstance(go_on, bool | np.bool_) and not go_on:
                steps.close()
                raise Cancelled

    def start(self, volume: Volume, options: ColorizeOptions | None = None) -> Steps:
        """The same, stepwise: yields (done, total) slices and returns the ColorVolume.

        The result is `StopIteration.value`; drop or close the generator to cancel. Slices count
        once for each plane that they are seen in.
        """
        began = time.perf_counter()
        volume = check_volume(volume)
        turn = Turn.of(volume.ijk_to_ras)
        seen = turn.volume(volume)  # from here on, it does not matter how the voxels are stored
        warn_of_no_mri(seen.array)
        options = self._checked(options or ColorizeOptions(), volume)
        mask = None if options.mask is None else turn.view(options.mask)
        window, body = find_window(seen.array, mask)
        planes = self._planes(seen, options, body)
        scale = self.model.card.scale
        layouts = [lay_out(seen, plane, body, window, scale) for plane in planes]
        if mask is None:  # told of what can be laid out; the rest is refused
            warn_of_no_air(body)
        warn_of_size(body, seen.spacing)
        alone = None
        if options.slice_index is not None:
            alone = _slice_alone(layouts[0], planes[0], turn, options.slice_index)
        several, has_tissue = len(planes) > 1, self._has_palette()
        result = make_canvas(volume.array, window, options, has_tissue, several)
        canvas = result.turned(turn)
        place = Workplace(self.device, self._network_on, options.precision)
        certainty = Certainty()
        done, total = 0, 1 if alone is not None else sum(each.present().size for each in layouts)
        yield 0, total
        for number, layout in enumerate(layouts):
            for count in self._paint(
                layout, canvas, options, number, len(planes), alone, place, certainty
            ):
                done += count
                yield done, total
        if mask is None and alone is None:  # a part may well be of one tissue
            warn_of_the_unknown(certainty)
        provenance = Provenance(
            model_name=self.model.card.name,
            model_version=self.model.card.version,
            device=place.devices,
            precision=place.precisions,
            plane="consensus" if several else planes[0],
            slices=total,
            seconds=time.perf_counter() - began,
            options=without_arrays(options),
            masked=options.mask is not None,
            confidence=certainty.mean,
            unsure=certainty.unsure,
        )
        body = turn.back(body)
        return ColorVolume(
            result.color,
            body,
            result.tissue,
            volume.ijk_to_ras.copy(),
            provenance,
            result.confidence,
            self._mixture(result, volume, body, window, options),
            self.model.generator.config.classes,
        )

    def _checked(self, options: ColorizeOptions, volume: Volume) -> ColorizeOptions:
        """The options with their mask as bool; raises InputError when they do not fit."""
        if options.palette is not None and not self._has_palette():
            raise InputError(
                f"The model {self.model.card.name} paints without a palette; "
                "choose another model or no palette."
            )
        if options.slice_index is not None:
            if options.plane == "consensus":
                tell(
                    "A single slice is coloured in one plane; three need the whole volume.",
                    stacklevel=3,
                )
            options = replace(options, plane=choose_plane(volume, options.plane))
        if options.palette is not None:
            classes = self.model.generator.config.classes
            options = replace(options, palette=fit_palette(options.palette, classes))
        mask = options.mask
        if mask is None:
            return options
        if mask.shape != volume.array.shape:
            raise InputError("The mask and the volume differ in size; resample the mask first.")
        if not mask.any():
            raise InputError("The mask is empty; draw or choose one that covers tissue.")
        return replace(options, mask=mask.astype(bool))

    def _planes(
        self, volume: Volume, options: ColorizeOptions, body: np.ndarray
    ) -> tuple[str, ...]:
        """The planes to colour; one where "auto" would take three for which there is no room."""
        planes = planes_to_color(volume, options.plane, options.fast)
        free = free_memory()
        # Whole pages are taken, so air beside the body counts as well.
        box = bounding_box(body, (0, 0, 0))
        needed = BYTES_TO_JOIN * int(np.prod([side.stop - side.start for side in box]))
        if options.plane == "auto" and len(planes) > 1 and free is not None and needed > free:
            tell(
                f"Joining three planes needs {needed / 1e9:.1f} GB of memory, and "
                f"{free / 1e9:.1f} GB are free; the {planes[-1]} plane alone is coloured.",
                stacklevel=3,
            )
            return planes[-1:]
        return planes

    def _paint(
        self,
        layout: Layout,
        canvas: Canvas,
        options: ColorizeOptions,
        before: int,
        planes: int,
        wanted: int | None,
        place: Workplace,
        certainty: Certainty,
    ) -> Iterator[int]:
        """Paint the slices of one plane, or the wanted one; yields the number of each batch.

        before, planes: how many planes were painted, and how many there are.
        """
        plan: Plan | None = None
        present = layout.present()
        while present.size:
            try:
                painter = Painter(place.network(), self.model.card, options, planes, certainty)
                plan = plan or place.plan(layout, self._width(), options.batch_size)

                def paint(batch: Batch, painter: Painter = painter) -> None:
                    painter.paint(layout, batch, canvas, before)

                batches = make_batches(present, wanted, plan.size)
                with closing(in_lanes(paint, batches, place.device, plan.lanes)) as lanes:
                    for batch in lanes:
                        place.note()
                        present = np.setdiff1d(present, batch.slices)
                        yield len(batch.wanted)
                return
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Only now, when the error is gone and with it what the batch had taken.
            plan = place.retreat(plan)

    def _mixture(
        self,
        canvas: Canvas,
        volume: Volume,
        body: np.ndarray,
        window: Window,
        options: ColorizeOptions,
    ) -> TissueMixture | None:
        """What `recolor` needs, when it was asked for and the model has a palette."""
        tissues, weights, lab = canvas.tissues, canvas.weights, canvas.lab
        if not options.editable or tissues is None or weights is None or lab is None:
            return None
        own = self.palette
        if own is None:
            return None
        palette = own if options.palette is None else options.palette
        return TissueMixture(
            tissues[..., :KEPT][body],
            weights[..., :KEPT][body],
            lab[body],
            window.scale(volume.array[body]).astype(np.float16),
            palette.astype(np.float32),
            Finish.of(options),
            own,
        )

    @property
    def palette(self) -> np.ndarray | None:
        """The model's own colours, float32 (classes, 3) CIELAB; None when it has no palette."""
        if not self._has_palette():
            return None
        return self.model.generator.palette_lab.float().cpu().numpy()

    def _has_palette(self) -> bool:
        return self.model.generator.config.head == "palette"

    def _network_on(self, device: str) -> DualDecoderGenerator:
        """The network on a device, put there once."""
        if device not in self._networks:
            self._networks[device] = self._prepare(device)
        return self._networks[device]

    def _prepare(self, device: str) -> DualDecoderGenerator:
        network = fold_batch_norm(self.model.generator)
        return network.to(device=device, memory_format=torch.channels_last)

    def _width(self) -> int:
        return self.model.generator.config.width


def _slice_alone(layout: Layout, plane: str, turn: Turn, index: int) -> int:
    """Where a layout has the slice of that index of the volume as it is stored."""
    wanted = turn.index(layout.order[0], index, layout.slices) - layout.box[0].start
    if wanted not in layout.present():
        raise InputError(f"Slice {index} of the {plane} plane shows no body; choose another.")
    return wanted
