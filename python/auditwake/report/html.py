"""HTML out of parts: whatever is not markup already is text, and is escaped."""

import html
import json
from collections.abc import Iterable
from typing import Final

__all__ = ["Markup", "data", "join", "tag"]

VOID: Final = frozenset({"meta", "br", "wbr"})


class Markup(str):
    """Text that is HTML already. Nothing that comes from a log is ever made one."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | bool) -> Markup:
    """Make an element.

    Args:
        name: Its name.
        children: What is in it; what is no `Markup` is text.
        attributes: Its attributes; `_` stands for `-`, and one at the end is dropped, as in `class_`.

    Example:
        >>> print(tag("p", "<b>", tag("i", "x"), class_='a"'))
        <p class="a&quot;">&lt;b&gt;<i>x</i></p>
    """
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(value)}"')
        for key, value in attributes.items()
        if value is not False
    )
    return Markup(f"<{name}{said}>" + ("" if name in VOID else f"{join(children)}</{name}>"))


def join(children: Iterable[str]) -> Markup:
    """Put parts one after the other.

    Example:
        >>> print(join(["1 < 2", Markup("<br>")]))
        1 &lt; 2<br>
    """
    return Markup("".join(one if isinstance(one, Markup) else html.escape(one) for one in children))


def data(value: object) -> Markup:
    r"""Write JSON that can stand in a script element: nothing in it ends the element, or opens another.

    Example:
        >>> print(data({"a": "</script>&" + chr(0x2028)}))
        {"a":"\u003c/script\u003e\u0026\u2028"}
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for one in "<>&\u2028\u2029":
        text = text.replace(one, f"\\u{ord(one):04x}")
    return Markup(text)
