"""`python -m MRIColorizeLib`: the command line."""

from .cli import run

run()
