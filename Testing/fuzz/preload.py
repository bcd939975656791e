"""What every child process needs, imported once in their common parent: importing it is its use."""

import dcm2niix  # noqa: F401
import nibabel  # noqa: F401
import nrrd  # noqa: F401
import PIL.Image  # noqa: F401
import pydicom  # noqa: F401
import SimpleITK
import torch
import tqdm  # noqa: F401

import MRIColorizeLib.cli
import MRIColorizeLib.engine.colorizer
import MRIColorizeLib.files.dicom.folder  # noqa: F401

# Threads do not survive a fork.
torch.set_num_threads(1)
SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
