"""FAISS, imported when a vector is first written or searched: it and torch take seconds to load."""

import importlib
from functools import cache
from typing import Any


@cache
def faiss_library() -> Any:
    """The module; typed loosely, as its annotations know little of its classes."""
    # Before faiss: on macOS the other order can crash.
    importlib.import_module("torch")
    return importlib.import_module("faiss")
