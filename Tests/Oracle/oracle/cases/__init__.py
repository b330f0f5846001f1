"""Every operator that Martlet converts, as many small models."""

from __future__ import annotations

from collections.abc import Iterator

from ..case import Case
from . import boundary, chains, convolution, elementwise, fully_connected, moving, pooling, resize, slicing, unary


def all_cases() -> Iterator[Case]:
    """All cases, in a fixed order."""
    for module in (
        convolution,
        fully_connected,
        pooling,
        elementwise,
        unary,
        boundary,
        moving,
        slicing,
        resize,
        chains,
    ):
        yield from module.cases()
