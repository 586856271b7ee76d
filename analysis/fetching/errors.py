"""Why a model did not come. Each is one line."""

from __future__ import annotations


class FetchError(Exception):
    """A model is not in place. The line names the fault and the cure."""


class SourceError(FetchError):
    """One source does not give the model, or gives other bytes; another source may."""
