"""What the page runs and how it looks: Vega, Vega-Lite, and a page of our own, all inline."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["policy", "scripts", "style"]

FOLDER: Final = files(__package__)
IMPORT: Final = "import { ascending, isString, DisallowedObjectProperties } from 'vega-util';"
EXPORT: Final = "export { expression as expressionInterpreter };"
SOURCE_MAP: Final = "//# sourceMappingURL=vega-interpreter.js.map"


@cache
def scripts() -> tuple[str, ...]:
    """Give the scripts in their order."""
    return (_read("vendor/vega.min.js"), _read("vendor/vega-lite.min.js"), _interpreter(), _read("assets/page.js"))


@cache
def style() -> str:
    """Give the style sheet."""
    return _read("assets/page.css")


@cache
def policy() -> str:
    """Give the content security policy: these scripts and this style, and nothing else from anywhere.

    Vega's expressions are interpreted, so that no text ever becomes code and 'unsafe-eval' is not needed.

    Example:
        >>> policy().partition(";")[0]
        "default-src 'none'"
    """
    allowed = " ".join(map(_hash, scripts()))
    return f"default-src 'none'; script-src {allowed}; style-src {_hash(style())}; base-uri 'none'; form-action 'none'"


def _interpreter() -> str:
    """Make a plain script of an ES module that imports from what Vega exports as well."""
    module = _read("vendor/vega-interpreter.js")
    for piece in (IMPORT, EXPORT, SOURCE_MAP):
        if module.count(piece) != 1:
            message = f"vendor/vega-interpreter.js is not the one that is known here: no {piece!r}"
            raise ValueError(message)
    script = module.replace(IMPORT, "const { ascending, isString, DisallowedObjectProperties } = vega;")
    script = script.replace(EXPORT, "vega.expressionInterpreter = expression;").replace(SOURCE_MAP, "")
    return f'(() => {{ "use strict";\n{script}}})();\n'


def _read(name: str) -> str:
    text = (FOLDER / name).read_text(encoding="utf-8")
    if "</script" in text.lower() or "<!--" in text:
        message = f"{name} cannot stand in a script element"
        raise ValueError(message)
    return text


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
