"""Makes the README's and the index's pictures from the shipped sample: command line and module.

    python Testing/make_screenshots.py [FOLDER]

Writes sample.png (what the command line made), the panel in each state (panel-empty.png, -ready,
-running, -cancelled, -done, -error, and panel.png with all sections open), slices.png (the MRI
above its colours), tissues.png (their table and surfaces), fade.png (half of each), window.png
(panel, slices and 3D), rendering.png (two sections in 3D), cuts.png (what the panel cuts) and
side-by-side.png into FOLDER, by default
Resources/Screenshots. Takes one to three minutes on a processor.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "Testing"), str(REPOSITORY / "MRIColorize")]

from host import Host  # noqa: E402
from host.views import write_png  # noqa: E402
from MRIColorizeLib import cli  # noqa: E402

SIZE = 360  # pixels of one view
PANEL = 400  # pixels across of Slicer's module panel
NIGHT, DUSK = (0.05, 0.05, 0.06), (0.12, 0.12, 0.15)
# Sections: the share of the head kept along R, A, S (low, high), where the camera stands, its zoom.
CORONAL = (((0.0, 1.0), (0.0, 0.56), (0.0, 1.0)), (0.45, 1.0, 0.35), 1.65)
AXIAL = (((0.0, 1.0), (0.0, 1.0), (0.0, 0.62)), (0.35, 0.7, 1.0), 1.2)


def main(folder: Path) -> None:
    """Colour the sample through the panel and write the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    sample(folder / "sample.png")
    with Host() as host:
        module = host.load_module(REPOSITORY / "MRIColorize" / "MRIColorize.py")
        import slicer

        panels(host, module, folder)
        (node,) = slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")
        mri = slicer.util.getNode("MRIColorizeHead")
        module.widget.ui.showSlicesButton.click()
        grey = host.render_slices(folder / "slices.png", opacity=0.0, size=SIZE)
        color = host.render_slices(folder / "slices.png", opacity=1.0, size=SIZE)
        write_png(folder / "slices.png", np.vstack([grey, color]))
        host.render_slices(folder / "fade.png", opacity=0.5, size=SIZE)
        cuts(host, module, folder / "cuts.png")
        side_by_side(host, module, folder / "side-by-side.png")
        tissues(host, module, folder / "tissues.png")
        display = module.logic.showIn3D(node, mri)
        sections = [section(display, *chosen) for chosen in (CORONAL, AXIAL)]
        write_png(folder / "rendering.png", np.hstack(sections))
        window(host, module, display, folder / "window.png")


def panels(host: Host, module: Any, folder: Path) -> None:
    """The panel in each state; colours the sample on the way."""
    import slicer

    ui, shot = module.ui, lambda name: host.screenshot(module.panel, folder / f"panel-{name}.png")
    shot("empty")
    host.click(ui.sampleButton)
    shot("ready")
    host.click(ui.colorizeButton)
    host.wait_until(lambda: module.widget._run.done > 0, seconds=3600)
    shot("running")
    host.click(ui.colorizeButton)
    shot("cancelled")
    host.click(ui.colorizeButton)
    host.wait_until(lambda: module.widget._run is None, seconds=3600)
    print(ui.statusLabel.text)
    shot("done")
    constant = slicer.util.addVolumeFromArray(np.full((4, 5, 6), 7.0), name="Constant")
    module.widget._parameterNode.inputVolume = constant
    host.click(ui.colorizeButton)
    host.wait_until(lambda: module.widget._run is None, seconds=3600)
    shot("error")
    slicer.mrmlScene.RemoveNode(constant)
    module.widget._parameterNode.inputVolume = slicer.util.getNode("MRIColorizeHead")
    closed = [
        section
        for name, section in vars(ui).items()
        if name.endswith("CollapsibleButton") and section.collapsed
    ]
    for section in closed:
        section.collapsed = False
    host.screenshot(module.panel, folder / "panel.png", width=PANEL)
    for section in closed:
        section.collapsed = True


def cuts(host: Host, module: Any, path: Path) -> None:
    """The six cuts that the panel offers, from where its camera goes."""
    import slicer

    ui, view = module.ui, slicer.app.layoutManager().threeDWidget(0).threeDView()
    view.mrmlViewNode().SetBoxVisible(False)
    view.mrmlViewNode().SetAxisLabelsVisible(False)
    view.resize(SIZE, SIZE)
    view.forceRender()
    ui.viewsCollapsibleButton.collapsed = False
    host.process_events()
    host.click(ui.show3DButton)
    pictures = []
    for index in range(1, ui.cutComboBox.count):
        if index == ui.cutComboBox.count - 1:
            view.look_from((-0.7, 0.8, 0.5))  # a person has turned the view
        ui.cutComboBox.activated.emit(index)
        host.process_events()
        pictures.append(view.picture())
    half = len(pictures) // 2
    write_png(path, np.vstack([np.hstack(pictures[:half]), np.hstack(pictures[half:])]))


def side_by_side(host: Host, module: Any, path: Path) -> None:
    """The MRI and its colours, linked."""
    import slicer

    host.click(module.ui.sideBySideButton)
    widgets = [slicer.app.layoutManager().sliceWidget(name) for name in ("Red", "Yellow")]
    for widget in widgets:
        widget.sliceView().resize(540, 540)
        widget.fitSliceToBackground()
    write_png(path, np.hstack([widget.sliceView().picture() for widget in widgets]))
    host.click(module.ui.sideBySideButton)
    host.click(module.ui.show3DButton)  # off again
    module.ui.viewsCollapsibleButton.collapsed = True


def tissues(host: Host, module: Any, path: Path) -> None:
    """The table of tissues beside skull and brain as surfaces; hides them again."""
    import slicer

    from MRIColorizeLib.panel.palette import ROWS
    from MRIColorizeLib.tissue import Tissue

    ui = module.ui
    ui.paletteCollapsibleButton.collapsed = False
    host.click(ui.surfacesButton)
    inside = (Tissue.GREY_MATTER, Tissue.WHITE_MATTER)
    pictures = []
    for shown in ([*inside, Tissue.MUSCLE, Tissue.SKIN], [Tissue.BONE, Tissue.MUSCLE, Tissue.SKIN]):
        ui.paletteTable.clearSelection()
        selection = ui.paletteTable.selectionModel()
        rows = selection.SelectionFlag.Select | selection.SelectionFlag.Rows
        for tissue in shown:
            selection.select(ui.paletteTable.model().index(ROWS.index(tissue), 0), rows)
        host.click(ui.showOnlyButton)
        view = slicer.app.layoutManager().threeDWidget(0).threeDView()
        dark(view)
        view.resize(SIZE, SIZE)
        view.look_from((0.9, 0.6, 0.4))
        pictures.append(view.picture())
    ui.paletteTable.clearSelection()
    panel = host.screenshot(module.panel, path, width=400)
    views = np.vstack(pictures)
    both = np.full((max(len(panel), len(views)), panel.shape[1] + SIZE, 3), 240, np.uint8)
    both[: len(panel), : panel.shape[1]] = panel
    both[: len(views), panel.shape[1] :] = views
    write_png(path, both)
    host.click(ui.showAllButton)
    host.click(ui.surfacesButton)
    ui.paletteCollapsibleButton.collapsed = True


def dark(view: Any) -> None:
    """A dark 3D view without box and letters."""
    view.mrmlViewNode().SetBoxVisible(False)
    view.mrmlViewNode().SetAxisLabelsVisible(False)
    view.mrmlViewNode().SetBackgroundColor(*NIGHT)
    view.mrmlViewNode().SetBackgroundColor2(*DUSK)


def window(host: Host, module: Any, display: Any, path: Path) -> None:
    """Panel, faded slices and a section in 3D, as they stand in Slicer's window."""
    import slicer

    from MRIColorizeLib.scene.cutting import cut_open

    slicer.util.setSliceViewerLayers(foregroundOpacity=0.5)
    module.widget._views.update()
    module.ui.viewsCollapsibleButton.collapsed = False
    section(display, *CORONAL)
    cut_open(display, "front").SetDisplayVisibility(False)
    module.widget._views.update()
    host.window(path, module)


def sample(path: Path) -> None:
    """What `mri-colorize` writes without an input, its two pictures side by side."""
    with tempfile.TemporaryDirectory() as out:
        if cli.main(["--quiet", "-o", out]):
            raise SystemExit("The sample could not be coloured.")
        slices, space = (
            Image.open(file).convert("RGB") for file in sorted(Path(out).glob("*.png"))
        )
    space = space.resize((round(space.width * slices.height / space.height), slices.height))
    both = Image.fromarray(np.hstack([np.asarray(slices), np.asarray(space)]))
    both.resize((both.width // 2, both.height // 2), Image.Resampling.LANCZOS).save(path)


def section(display: Any, kept: tuple, direction: tuple, zoom: float) -> np.ndarray:
    """The head with a part cut off, as by the panel's *Cut*, uint8 (height, width, 3)."""
    import slicer

    from MRIColorizeLib.scene.cutting import cut

    cut(display, kept).SetDisplayVisibility(False)
    view = slicer.app.layoutManager().threeDWidget(0).threeDView()
    dark(view)
    view.resize(540, 480)
    view.look_from(direction)
    view.renderWindow().GetRenderers().GetFirstRenderer().GetActiveCamera().Zoom(zoom)
    return view.picture()


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "Resources" / "Screenshots")
