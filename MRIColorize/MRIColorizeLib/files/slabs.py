"""Voxels of a file read and written slab by slab: memory holds one volume, not several."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nibabel.arrayproxy import ArrayProxy

SLAB_BYTES = 1 << 24


def slabs(array: np.ndarray) -> Iterator[np.ndarray]:
    """Parts of an array along its first axis, about SLAB_BYTES each."""
    step = max(1, SLAB_BYTES // max(1, array.nbytes // max(1, len(array))))
    for start in range(0, len(array), step):
        yield array[start : start + step]


def read_slabs(proxy: ArrayProxy, shape: tuple[int, ...], offset: int) -> np.ndarray:
    """The scaled voxels of a NIfTI or MGH file as float32 in C order, axes reversed: (K, J, I).

    proxy: nibabel's; shape: its shape (I, J, K), without trailing ones, which `check_declared` has
    held against the file; offset: bytes before the first voxel. Compressed files are unpacked as
    they are read. Raises OSError, EOFError or zlib.error for a file that is damaged or ends too
    early.
    """
    from nibabel.openers import ImageOpener

    stored = proxy.dtype
    array = np.empty(shape[::-1], dtype=np.float32)
    with ImageOpener(proxy.file_like) as file:
        file.seek(offset)
        for slab in slabs(array):
            raw = file.read(slab.size * stored.itemsize)
            if len(raw) < slab.size * stored.itemsize:
                raise EOFError("the voxels end too early")
            values = np.frombuffer(raw, dtype=stored).reshape(slab.shape)
            if (proxy.slope, proxy.inter) == (1, 0):
                slab[...] = values
            else:
                slab[...] = values * np.float64(proxy.slope) + np.float64(proxy.inter)
        file.read(SLAB_BYTES)  # of a compressed file the checksum, which comes after its end
    return array


def write_gzipped(array: np.ndarray, file: IO[bytes], level: int) -> None:
    """Append an array in C order to a file, gzip-compressed; no name and no time go with it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for slab in slabs(array):
        file.write(packer.compress(np.ascontiguousarray(slab).data))
    file.write(packer.flush())
