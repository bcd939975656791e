"""Devices: what is described can be used, in the order in which "auto" takes it."""

import unittest
from unittest import mock

from MRIColorizeLib.engine.devices import (
    describe_devices,
    free_card_memory,
    is_out_of_memory,
    resolve_device,
)


class DeviceTest(unittest.TestCase):
    def test_every_device_described_can_be_used_and_the_first_is_auto_s(self):
        found = describe_devices()
        self.assertEqual(found[0].name, resolve_device("auto"))
        self.assertEqual(found[-1].name, "cpu")
        for device in found:
            self.assertEqual(resolve_device(device.name), device.name)
            self.assertTrue(device.label)
            self.assertTrue(device.free_bytes is None or device.free_bytes > 0)

    def test_a_gpu_is_described_by_its_name_and_free_memory(self):
        with (
            mock.patch("torch.cuda.is_available", return_value=True),
            mock.patch("torch.cuda.mem_get_info", return_value=(3 << 30, 8 << 30)),
            mock.patch("torch.cuda.get_device_name", return_value="Some GPU"),
        ):
            first = describe_devices()[0]
        self.assertEqual((first.name, first.label, first.free_bytes), ("cuda", "Some GPU", 3 << 30))

    def test_a_gpu_that_has_no_room_even_to_be_asked_is_described_as_full(self):
        with (
            mock.patch("torch.cuda.is_available", return_value=True),
            mock.patch("torch.cuda.mem_get_info", side_effect=RuntimeError("out of memory")),
            mock.patch("torch.cuda.get_device_name", return_value="Some GPU"),
        ):
            self.assertEqual(describe_devices()[0].free_bytes, 0)

    def test_what_the_allocator_holds_without_using_it_is_free(self):
        with (
            mock.patch("torch.cuda.mem_get_info", return_value=(1 << 30, 8 << 30)),
            mock.patch("torch.cuda.memory_reserved", return_value=6 << 30),
            mock.patch("torch.cuda.memory_allocated", return_value=1 << 30),
        ):
            self.assertEqual(free_card_memory(), 6 << 30)

    def test_every_device_s_way_to_say_that_memory_ran_out_is_understood(self):
        import torch

        for error in (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB)"),
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8"),
            RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8"),
            RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(h)`"),
            RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate`"),
            RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
            RuntimeError("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED"),
            RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
            RuntimeError("GET was unable to find an engine to execute this computation"),
            RuntimeError("std::bad_alloc"),
            RuntimeError("Invalid buffer size: 9.75 GB"),
            RuntimeError("Insufficient Memory (kIOGPUCommandBufferCallbackErrorOutOfMemory)"),
            MemoryError(),
        ):
            self.assertTrue(is_out_of_memory(error), error)
        for error in (
            RuntimeError("shapes differ"),
            ValueError("out of memory"),
            RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`"),
            RuntimeError("CUDA error: an illegal memory access was encountered"),
        ):
            self.assertFalse(is_out_of_memory(error), error)


if __name__ == "__main__":
    unittest.main()
