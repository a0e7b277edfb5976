"""Messages by the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T = TypeVar("T")


async def in_pages(items: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    """Yield the items in lists of `size`; the last may be shorter."""
    page: list[T] = []
    async for item in items:
        page.append(item)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page
