"""Claims about the web page in a real browser: colours in their places, switches, no errors."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from cli.made_page import PALETTE, TISSUES, corner, corner_color, corner_grey, made_result
from MRIColorizeLib.files.webpage import write_page
from MRIColorizeLib.tissue import tissue_name

# Without a graphics card Chromium draws WebGL with the processor; as root it has no sandbox.
DRAWN = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox")
EVIL = "<script>document.title = 'taken'; window.taken = true</script>"
# NiiVue's numbers of the planes.
AXIAL, CORONAL, SAGITTAL = 0, 1, 2
# Grids with axes that run elsewhere than to the right, the front and up.
GRIDS = {
    "right, front, up": (np.diag((1.0, 1.0, 1.0, 1.0)), (0, 1, 2)),
    "left, back, up": (np.diag((-1.0, -1.2, 1.5, 1.0)), (0, 1, 2)),
    "sagittal slices": (
        np.array([[0, 0, -1.0, 40], [-1.0, 0, 0, 3], [0, -1.3, 0, 9], [0, 0, 0, 1]]),
        (2, 0, 1),
    ),
    "oblique": (
        np.array([[-0.97, 0.2, 0.1, 0], [0.2, 0.97, 0.1, 0], [0.1, -0.1, 0.99, 0], [0, 0, 0, 1]]),
        (0, 1, 2),
    ),
}


@dataclass
class Opened:
    """A page that is open, and what its console said and what it asked the net for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def picture(self) -> np.ndarray:
        """The canvas as it is on the screen, uint8 (H, W, 3)."""
        self.page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        png = self.page.locator("#canvas").screenshot()
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))

    def place(self, plane: int, right: float, down: float) -> tuple[int, int]:
        """A place on the canvas: shares of a plane's tile from its left and upper edge."""
        left, top, width, height = self.page.evaluate(
            "(plane) => Array.from(nv.screenSlices.find((one) => one.axCorSag === plane)"
            ".leftTopWidthHeight)",
            plane,
        )
        return int(left + right * width), int(top + down * height)

    def color(self, plane: int, right: float, down: float) -> tuple[int, ...]:
        x, y = self.place(plane, right, down)
        return tuple(int(value) for value in self.picture()[y, x])

    def set(self, slider: str, value: float) -> None:
        self.page.locator(slider).fill(str(value))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "These tests need Chromium: apt-get install chromium."
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=list(DRAWN))
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Write a made result's page and open it; afterwards nothing may have gone wrong in it."""
    shown: list[Opened] = []

    def show(grid: str = "right, front, up", title: str = "head", **options: Any) -> Opened:
        path = tmp_path / "head.html"
        write_page(*made_result(*GRIDS[grid], **options), PALETTE, path, title)
        it = Opened(browser.new_page(viewport={"width": 700, "height": 420}))
        it.page.on("console", lambda message: it.said.append(message.text))
        it.page.on("pageerror", lambda error: it.said.append(str(error)))
        it.page.on("request", lambda request: it.asked.append(request.url))
        shown.append(it)
        it.page.goto(path.as_uri())
        it.page.evaluate("window.opened")
        # Off the middle, where the corners meet.
        it.page.evaluate("nv.moveCrosshairInVox(2, 2, 2)")
        return it

    yield show
    for it in shown:
        it.page.close()
        assert it.said == []
        assert {url.split(":")[0] for url in it.asked} <= {"file", "data", "blob"}


def corners(it: Opened, plane: int, right: float, down: float) -> tuple[bool, bool, bool]:
    """Which corner (superior, anterior, right) lies at a place of a plane, by the convention.

    The patient's right is on the left of the picture, the front of a sagittal plane too. The third
    axis is that of the crosshair.
    """
    superior, anterior, right_side = it.page.evaluate(
        "Array.from(nv.frac2vox(nv.scene.crosshairPos)).reverse()"
        ".map((n, axis) => n >= facts.size[2 - axis] / 2)"
    )
    if plane == AXIAL:
        return superior, down < 0.5, right < 0.5
    if plane == CORONAL:
        return down < 0.5, anterior, right < 0.5
    return down < 0.5, right < 0.5, right_side


QUARTERS = [(right, down) for right in (0.2, 0.8) for down in (0.2, 0.8)]


@pytest.mark.parametrize("grid", GRIDS)
def test_every_corner_lies_where_a_radiologist_looks_for_it(opened, grid):
    it = opened(grid)
    for plane in (AXIAL, CORONAL, SAGITTAL):
        for place in QUARTERS:
            expected = corner_color(*corners(it, plane, *place))
            assert it.color(plane, *place) == pytest.approx(expected, abs=2), (plane, place)


def test_the_fade_goes_from_the_colours_to_the_mri(opened):
    it = opened()
    place = (AXIAL, 0.25, 0.25)
    where = corners(it, *place)
    grey = 255 * corner_grey(*where) / corner_grey(True, True, True)
    painted = np.array(corner_color(*where))
    it.set("#fade", 0)
    assert it.color(*place) == pytest.approx((grey,) * 3, abs=4)
    it.set("#fade", 0.5)
    assert it.color(*place) == pytest.approx(tuple((painted + grey) / 2), abs=4)
    it.set("#fade", 1)
    assert it.color(*place) == pytest.approx(tuple(painted), abs=2)


def test_a_tissue_hides_in_all_planes_and_in_3d(opened):
    it = opened()
    place = (CORONAL, 0.2, 0.8)
    where, other = corners(it, *place), (CORONAL, 0.8, 0.8)
    before = it.color(*other)
    tissue = TISSUES[corner(*where)]
    button = it.page.get_by_role("button", name=tissue_name(tissue).capitalize(), exact=True)
    button.click()
    assert it.color(*place) == (0, 0, 0)
    assert it.color(*other) == before
    button.click()
    assert it.color(*place) == pytest.approx(corner_color(*where), abs=2)
    it.page.get_by_role("button", name="None").click()
    it.page.get_by_role("button", name="3D").click()
    solid = (it.picture().max(axis=2) > 20).sum()
    for tissue in TISSUES:
        it.page.get_by_role("button", name=tissue_name(tissue).capitalize(), exact=True).click()
    assert (it.picture().max(axis=2) > 20).sum() < solid / 20


def test_the_tissue_map_lies_over_the_picture_in_the_palette_s_colours(opened):
    it = opened()
    place = (SAGITTAL, 0.25, 0.25)
    where = corners(it, *place)
    it.page.locator("#map").check()
    flat = 255 * PALETTE.rgb[TISSUES[corner(*where)]]
    mixed = 0.75 * flat + 0.25 * np.array(corner_color(*where))
    assert it.color(*place) == pytest.approx(tuple(mixed), abs=4)
    it.page.locator("#map").uncheck()
    assert it.color(*place) == pytest.approx(corner_color(*where), abs=2)


def test_the_tissue_under_the_cursor_has_a_name(opened):
    it = opened("left, back, up")
    for plane in (AXIAL, CORONAL, SAGITTAL):
        for place in QUARTERS:
            x, y = it.place(plane, *place)
            it.page.locator("#canvas").hover(position={"x": x, "y": y})
            tissue = TISSUES[corner(*corners(it, plane, *place))]
            assert it.page.locator("#tissue").inner_text() == tissue_name(tissue).capitalize()


def test_a_click_moves_the_crosshair_of_all_planes(opened):
    it = opened()
    x, y = it.place(AXIAL, 0.25, 0.25)
    it.page.locator("#canvas").click(position={"x": x, "y": y})
    assert it.color(CORONAL, 0.25, 0.25) == pytest.approx(corner_color(True, True, True), abs=2)
    assert it.color(SAGITTAL, 0.75, 0.25) == pytest.approx(corner_color(True, False, True), abs=2)
    assert it.page.locator("#place").inner_text().startswith("12 R")


def test_keys_and_wheel_move_through_the_slices(opened):
    it = opened()
    start = it.page.evaluate("Array.from(nv.frac2vox(nv.scene.crosshairPos))")
    for key in ("ArrowLeft", "ArrowUp", "ArrowUp", "PageUp", "PageUp", "PageUp"):
        it.page.keyboard.press(key)
    assert it.page.evaluate("Array.from(nv.frac2vox(nv.scene.crosshairPos))") == [
        n + step for n, step in zip(start, (1, 3, 2), strict=True)
    ]
    x, y = it.place(AXIAL, 0.5, 0.4)
    it.page.locator("#canvas").hover(position={"x": x, "y": y})
    it.page.mouse.wheel(0, -100)
    it.page.wait_for_function(f"nv.frac2vox(nv.scene.crosshairPos)[2] !== {start[2] + 2}")
    it.page.keyboard.press("f")
    assert it.page.locator("#fade").input_value() == "0"
    it.page.keyboard.press("t")
    assert it.page.locator("#map").is_checked()


def test_the_cut_moves_through_the_rendering(opened):
    it = opened()
    it.page.get_by_role("button", name="3D").click()
    it.page.get_by_role("button", name="Top").click()
    seen = []
    for depth in (0.1, 0.5, 0.9):
        it.set("#depth", depth)
        seen.append(int((it.picture().max(axis=2) > 20).sum()))
    assert seen[0] > seen[1] > seen[2]


def test_a_volume_called_script_is_a_name_and_no_script(opened):
    it = opened(title=EVIL, palette_name=f"</dd>{EVIL}")
    assert it.page.locator("h1").inner_text() == EVIL
    assert it.page.title() == f"{EVIL} in the colours of tissue"
    assert it.page.evaluate("window.taken") is None


def test_the_page_says_what_it_is_and_is_not(opened):
    text = opened().page.locator("body").text_content()
    for words in ("not for diagnosis", "made", "1.0", "Apache-2.0", "BSD-2-Clause", "axial"):
        assert words in text


def test_on_a_phone_nothing_sticks_out_at_the_side(opened):
    it = opened(title="a_name_that_is_as_long_as_a_name_can_be_and_has_no_blank_in_it.nii.gz")
    it.page.set_viewport_size({"width": 390, "height": 844})
    assert it.page.evaluate("document.documentElement.scrollWidth") == 390
    assert it.page.locator("#canvas").bounding_box()["width"] == 390
