"""Fixtures shared by the tests below Testing/."""

from host.plugin import host

__all__ = ["host"]
