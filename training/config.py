"""The configuration of a training: frozen dataclasses filled from TOML and the command line."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.scale import Scale
from training.errors import ConfigError

CONFIGS = Path(__file__).parent / "configs"
SEQUENCE_COUNT = 9  # of training/data/contrast.py


@dataclass(frozen=True)
class SliceConfig:
    """How slices are drawn and bent."""

    # Millimetres a pixel: the longer side of a section spans `section` pixels, within the bounds.
    # The same rule holds at use; it is written on the model's card.
    section: int = 224
    least_mm: float = 0.7
    most_mm: float = 2.0
    spacing_jitter: float = 0.15  # +- share of the millimetres a pixel
    crops: tuple[int, ...] = (160, 192, 224)  # pixels; one size a batch
    stretched: float = 0.6  # share of batches whose crops are wide or tall
    parts: float = 0.25  # share of samples that show one of the parts that a section falls into
    cuts: float = 0.5  # share of samples whose field of view cuts the body
    tilt_degrees: float = 8.0  # standard deviation
    any_rotation: float = 0.05  # share of samples turned by up to 60 degrees
    proportions: float = 0.08  # relative spread of the width and of the height of a body
    fluid: float = 0.35  # share of the samples of bodies that get bags of clear fluid
    elastic_mm: float = 5.0  # at 1 mm a pixel
    strip: float = 0.25  # share of the samples with more than a brain that are reduced to it
    csf_rim: float = 0.3  # share of cryosection samples whose brain gets a wider rim of CSF
    photographs: float = 0.15  # share of samples that come from cryosections
    heads: float = 0.3  # share that come from heads and brains; the rest are bodies
    misregistration_mm: float = 0.0  # how far the targets of training pairs are shifted
    misregistration_elastic_mm: float = 0.0  # and bent: root mean square of a smooth field

    @property
    def scale(self) -> Scale:
        """The rule for millimetres a pixel."""
        return Scale(self.section, self.least_mm, self.most_mm)

    @property
    def registered(self) -> SliceConfig:
        """The same without misregistration."""
        return replace(self, misregistration_mm=0.0, misregistration_elastic_mm=0.0)


@dataclass(frozen=True)
class SynthesisConfig:
    """How strongly the synthetic MRI is randomised at the end of the ramp."""

    ramp_from: float = 0.3  # share of the full strength in the first step
    ramp_steps: float = 0.8  # share of the training after which the strength is full
    synthetic: float = 0.5  # share of labelled real MRI that gets a synthetic contrast
    random_contrast: float = 0.12  # share with class intensities from nowhere
    properties: float = 0.12  # relative spread of the tissues' proton density, T1 and T2
    class_jitter: float = 0.04
    texture: float = 0.08
    photo_texture: float = 0.3  # how far the picture's own fine structure enters
    bias: float = 0.5
    surface_coil: float = 0.3  # share of samples whose brightness falls in each of three ways
    coil_range: float = 10.0  # by up to this factor
    noise: float = 0.06
    gamma: float = 0.3
    gain: float = 0.2
    blur: float = 2.5  # largest loss of resolution, in pixels
    # How often each sequence of training/data/contrast.py is drawn, in its order.
    shares: tuple[float, ...] = (0.14, 0.10, 0.16, 0.24, 0.12, 0.09, 0.03, 0.07, 0.05)
    fat_suppressed: float = 0.2  # share of the samples
    dixon: float = 0.12  # share that are Dixon's water, fat or opposed-phase images
    inflow: float = 0.2  # share whose blood is fresh and bright
    outflow: float = 0.5  # share of spin echoes whose blood has left
    agent: float = 0.25  # share of T1-weighted samples with contrast agent
    organ_texture: float = 0.3  # relative spread of intensity from one region to the next


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses; a term of weight 0 is not computed.

    The supervised terms, `segmentation` and `*_pseudo` compare registered pairs; the adversarial,
    cycle, `*_color` and `*_radiometric` terms need no registration (see TrainConfig.unpaired).
    """

    color: float = 3.0
    pseudo: float = 1.5
    gradient: float = 1.5
    tissue: float = 0.4
    dice: float = 0.0  # of the tissues that a batch shows, all alike
    structure: float = 0.15  # through the lightness residual; palette head, two decoders
    background: float = 0.25  # weight of a background pixel in the colour and cycle losses
    segmentation: float = 0.0  # the frozen SegNet on the pseudo-cryosection
    adversarial: float = 0.0  # LSGAN, sum of both directions
    cycle: float = 0.0  # L1, sum of both directions
    ssim_color: float = 0.0  # colourised MRI against MRI; each is summed over the windows
    ssim_pseudo: float = 0.0  # pseudo-cryosection against cryosection
    ssim_radiometric: float = 0.0  # the cryosection's MRI against the cryosection's grey
    ms_ssim_color: float = 0.0
    ms_ssim_pseudo: float = 0.0
    ms_ssim_radiometric: float = 0.0
    # Of networks that predict a and b alone: |error| in CIELAB units, or its square.
    chroma: float = 0.0
    chroma_squared: bool = False
    classes: float = 0.0  # the tissues' shares of the body, where a network predicts them
    colorfulness: float = 0.0  # rewards colour whether it is right or not, as DDColor does
    windows: tuple[int, ...] = (11, 9, 7, 5, 3)  # of SSIM, pixels; sigma grows with them
    # What the *_color terms may move under the palette head: more than lightness repaints tissues.
    reach: Literal["lightness", "all"] = "lightness"


@dataclass(frozen=True)
class CriticConfig:
    """The two discriminators."""

    kind: Literal["patch", "published"] = "patch"  # published: its map averaged to one number
    width: int = 64
    conditioned: bool = False  # whether they see the labels beside the picture
    learning_rate: float = 2e-4


@dataclass(frozen=True)
class SegNetConfig:
    """The segmentation network: where it lies, and how `segnet` trains it."""

    path: str = ""  # folder that `python -m training segnet` wrote
    width: int = 24
    levels: int = 4
    steps: int = 3000
    pixels: int = 16 * 128 * 128  # in a batch
    learning_rate: float = 1e-3
    jitter: float = 0.15  # relative, of each colour channel


@dataclass(frozen=True)
class TrainConfig:
    """One training run."""

    name: str = "visible-human-head"
    # Competitors paint a and b on the MRI's lightness; they take width and classes of `generator`.
    network: Literal["dual-decoder", "chroma-gan", "color-queries"] = "dual-decoder"
    seed: int = 1
    steps: int = 6000
    pixels: int = 16 * 128 * 128  # in a batch of each process
    unpaired: float = 0.0  # share of them from MRI and cryosections that do not belong together
    initial: str = ""  # run, checkpoint or model folder whose averaged weights start this run
    learning_rate: float = 3e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup: int = 200
    weight_decay: float = 1e-4
    clip: float = 5.0  # largest norm of a network's gradient; 0 lets all pass
    ema: float = 0.998
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    threads: int = 2
    save_every: int = 250
    validate_every: int = 500
    validation_batches: int = 12
    tensorboard: bool = False
    temperature: float = 0.6  # of the softmax at use; written on the card
    back_width: int = 0  # of the back generator; 0: as wide as the generator
    slices: SliceConfig = field(default_factory=SliceConfig)
    synthesis: SynthesisConfig = field(default_factory=SynthesisConfig)
    losses: LossConfig = field(default_factory=LossConfig)
    critic: CriticConfig = field(default_factory=CriticConfig)
    segnet: SegNetConfig = field(default_factory=SegNetConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)

    @property
    def needs_back(self) -> bool:
        """Whether a term needs the generator from colour back to MRI."""
        losses = self.losses
        radiometric = losses.ssim_radiometric or losses.ms_ssim_radiometric
        both_ways = losses.adversarial and self.network == "dual-decoder"
        return bool(both_ways or losses.cycle or radiometric)

    @property
    def needs_domains(self) -> bool:
        """Whether a term compares pictures of the two domains without registration."""
        losses = self.losses
        structure = losses.ssim_color or losses.ms_ssim_color
        return bool(self.needs_back or losses.adversarial or structure)


def check_config(config: TrainConfig) -> None:
    """Raise ConfigError when settings contradict each other or leave nothing to train."""
    losses = config.losses
    if config.steps < 1 or config.pixels < 1 or min(config.slices.crops, default=0) < 16:
        raise ConfigError("steps and pixels must be at least 1, slices.crops at least 16 pixels.")
    if min(config.save_every, config.validate_every, config.validation_batches) < 1:
        raise ConfigError("save_every, validate_every and validation_batches must be at least 1.")
    if min(config.slices.misregistration_mm, config.slices.misregistration_elastic_mm) < 0:
        raise ConfigError("slices.misregistration_mm and its elastic part are not negative.")
    shares = config.synthesis.shares
    if len(shares) != SEQUENCE_COUNT or min(shares) < 0 or sum(shares) <= 0:
        raise ConfigError(
            f"synthesis.shares are {SEQUENCE_COUNT} numbers from 0 up, one for each sequence, and "
            f"not all 0; not {shares}."
        )
    if not 0 <= config.unpaired <= 1:
        raise ConfigError(f"unpaired is a share from 0 to 1, not {config.unpaired}.")
    if config.unpaired and not config.needs_domains:
        raise ConfigError(
            "unpaired is above 0, but no loss uses such samples; give losses.cycle, "
            "losses.adversarial or losses.ssim_color a weight."
        )
    if (
        (losses.adversarial or config.needs_back)
        and not config.unpaired
        and config.slices.photographs < 1
    ):
        raise ConfigError(
            "Cycle, adversarial and radiometric losses need real cryosections in every sample; set "
            "unpaired above 0 or slices.photographs to 1."
        )
    if config.network != "dual-decoder":
        if config.needs_back or config.generator.head != "rgb" or config.generator.in_channels != 1:
            raise ConfigError(
                f"network={config.network} goes one way and paints without a palette: set "
                "generator.head to rgb, and the cycle and radiometric losses to 0."
            )
    elif losses.chroma or losses.classes:
        raise ConfigError("losses.chroma and losses.classes need a network that predicts chroma.")
    if losses.segmentation and not config.segnet.path:
        raise ConfigError(
            "losses.segmentation needs a SegNet; train one with `python -m training segnet` and "
            "give its folder as segnet.path, or set the loss to 0."
        )
    if any(window < 3 or window % 2 == 0 for window in losses.windows):
        raise ConfigError(f"losses.windows are odd numbers from 3 up, not {losses.windows}.")
