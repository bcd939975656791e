"""Model folders that are damaged, or made to harm: what a download from anywhere may hold."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from fuzz.choices import Choices

CARD, WEIGHTS = "model.json", "weights.safetensors"
PATHS = (
    *(
        "../weights.safetensors",
        "/etc/passwd",
        "C:\\weights",
        "weights.safetensors/",
        "",
        ".",
        "\x00",
    ),
    *("./weights.safetensors", "weights.pt", "sub/weights.safetensors", "weights.safetensors\n"),
)
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1 << 40,
        10**400,
        0.5,
        float("nan"),
        float("inf"),
        1e308,
        "",
        "24",
        "a\nb",
    ),
    *([], [[]], [1] * 99, {}, {"a": {}}, "\x1b[2J", "x" * 5000, "\ud800"),
)
FIELDS = (
    *("width", "branch_width", "blocks", "dilations", "norm", "reduction", "head", "classes"),
    *(
        "decoders",
        "output_kernel",
        "in_channels",
        "skips",
        "upsample",
        "chroma_bound",
        "unheard_of",
    ),
)

Harm = Callable[[Path, Choices], None]


class Trap:
    """What a pickle of this would do, were it ever loaded: leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.mkdir, (str(self.path),)  # type: ignore[return-value]


def card_field(folder: Path, choices: Choices) -> None:
    """A field of the card with a value that it cannot have."""
    card = _card(folder)
    where = choices.pick((card, card["weights"], card["generator"], card["generator"]))
    names = FIELDS if where is card["generator"] else tuple(where)
    where[choices.pick(names)] = choices.pick(VALUES)
    _write(folder, card)


def card_lacks(folder: Path, choices: Choices) -> None:
    """A field of the card is not there."""
    card = _card(folder)
    where = choices.pick((card, card["weights"]))
    del where[choices.pick(tuple(where))]
    _write(folder, card)


def card_path(folder: Path, choices: Choices) -> None:
    """The card names weights in another place."""
    card = _card(folder)
    card["weights"]["file"] = choices.pick(PATHS)
    _write(folder, card)


def card_text(folder: Path, choices: Choices) -> None:
    """The card is not what JSON readers like: deep, long, cut off, in another coding, an array."""
    text = (folder / CARD).read_text()
    content = choices.pick(
        (
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b'{"name": "' + b"x" * (2 << 20) + b'"}',
            text[: choices.integer(0, len(text) - 1)].encode(),
            text.encode("utf-16"),
            b"[1, 2]",
            b"null",
            b'{"spacing_mm": 1' + b"0" * 9000 + b"}",
            text.replace("{", '{"name": 3, ', 1).encode(),
            bytes(choices.integer(0, 255) for _ in range(200)),
        )
    )
    (folder / CARD).write_bytes(content)


def weights_bits(folder: Path, choices: Choices) -> None:
    """Bits of the weights are flipped; the card knows the new sum, or does not."""
    raw = bytearray((folder / WEIGHTS).read_bytes())
    first = choices.pick((8, 600, len(raw)))
    for _ in range(choices.integer(1, 8)):
        raw[choices.integer(0, first - 1)] ^= 1 << choices.integer(0, 7)
    _weights(folder, bytes(raw), choices.pick((True, True, False)))


def weights_cut(folder: Path, choices: Choices) -> None:
    """The weights are cut off, or go on."""
    raw = (folder / WEIGHTS).read_bytes()
    size = choices.integer(0, len(raw) - 1)
    _weights(folder, choices.pick((raw[:size], raw + b"\0" * 99)), choices.pick((True, False)))


def weights_header(folder: Path, choices: Choices) -> None:
    """A safetensors header that declares what is not there, or nests without end."""
    raw = (folder / WEIGHTS).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    name = choices.pick(tuple(key for key in header if key != "__metadata__"))
    what = choices.integer(0, 7)
    if what == 0:
        header[name]["data_offsets"] = choices.pick(([0, 1 << 50], [-1, 4], [5, 2], [0], None))
    elif what == 1:
        header[name]["shape"] = choices.pick(([1 << 40], [-4], [1 << 62, 1 << 62], [0], [], [2.5]))
    elif what == 2:
        header[name]["dtype"] = choices.pick(("F64", "I8", "BOOL", "F8_E4M3", "NONE", "C64", 3))
    elif what == 3:
        header[f"extra\n{'x' * 500}"] = header[name]
    elif what == 4:
        del header[name]
    elif what == 5:
        header["__metadata__"] = choices.pick(({"a": "b" * 99999}, {"a": 1}, [], {"format": "pt"}))
    text = json.dumps(header).encode()
    if what == 6:
        text = b'{"a":' * 50_000
    length = choices.pick((0, 1, 1 << 32, (1 << 64) - 1)) if what == 7 else len(text)
    _weights(folder, struct.pack("<Q", length) + text + data, fitting=True)


def weights_tensors(folder: Path, choices: Choices) -> None:
    """Well-formed safetensors that are not those of this network."""
    tensors = load((folder / WEIGHTS).read_bytes())
    name = choices.pick(sorted(tensors))
    what = choices.integer(0, 6)
    if what == 0:
        del tensors[name]
    elif what == 1:
        tensors["extra"] = torch.zeros(3)
    elif what == 2:
        tensors[name] = tensors[name].double().to(choices.pick((torch.int64, torch.uint8)))
    elif what == 3:
        tensors[name] = torch.zeros((*tensors[name].shape, 2))
    elif what == 4:
        real = [key for key, tensor in tensors.items() if tensor.is_floating_point()]
        bad = choices.pick((float("nan"), float("inf"), 1e38, -1e38))
        tensors[choices.pick(real)].fill_(bad)
    elif what == 5:
        tensors = {f"x.{key}": tensor for key, tensor in tensors.items()}
    else:
        half = (torch.float16, torch.bfloat16, torch.float64)
        kind = choices.pick(half)
        tensors = {k: t.to(kind) if t.is_floating_point() else t for k, t in tensors.items()}
    _weights(folder, save(tensors), fitting=True)


def pickled(folder: Path, choices: Choices) -> None:
    """A pickle that runs a command when it is loaded, in the place of the weights."""
    trap = Trap(folder / "sprung")
    stream = io.BytesIO()
    torch.save(trap, stream)
    raw = choices.pick((pickle.dumps(trap), stream.getvalue()))
    _weights(folder, raw, fitting=True)


def no_file(folder: Path, choices: Choices) -> None:
    """A pipe, a device, a folder or a link to nowhere in the place of a file."""
    victim = folder / choices.pick((CARD, WEIGHTS))
    victim.unlink()
    what = choices.pick(("pipe", "/dev/zero", "folder", "none", victim.name))
    if what == "pipe":
        os.mkfifo(victim)
    elif what == "folder":
        victim.mkdir()
    else:
        victim.symlink_to(what)


HARMS: dict[str, Harm] = {
    "field of the card": card_field,
    "card lacks a field": card_lacks,
    "path in the card": card_path,
    "text of the card": card_text,
    "bits of the weights": weights_bits,
    "weights cut off": weights_cut,
    "header of the weights": weights_header,
    "other tensors": weights_tensors,
    "pickle": pickled,
    "no file": no_file,
}


def _card(folder: Path) -> dict[str, Any]:
    return json.loads((folder / CARD).read_text())


def _write(folder: Path, card: dict[str, Any]) -> None:
    (folder / CARD).write_text(json.dumps(card))


def _weights(folder: Path, raw: bytes, fitting: bool) -> None:
    """Write weights; fitting: the card's size and sum are theirs."""
    (folder / WEIGHTS).write_bytes(raw)
    if fitting:
        card = _card(folder)
        card["weights"].update(sha256=hashlib.sha256(raw).hexdigest(), bytes=len(raw))
        _write(folder, card)
