"""Text that stands in HTML or SVG as itself, whatever is in it."""

from __future__ import annotations

import re
from html import escape

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (section 2.2) has no way to write, not even as `&#…;`."""


def escape_text(text: str) -> str:
    """Return `text` for use between tags or inside a quoted attribute.

    >>> escape_text('<b a="1">')
    '&lt;b a=&quot;1&quot;&gt;'
    """
    return escape(_FORBIDDEN.sub("\ufffd", text))
