"""The one place where the version is written."""

__version__ = "2.4.0"
