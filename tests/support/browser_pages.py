"""A page that holds a trace browser and nothing else, under a policy as strict as a report's."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

from cogtrace.corpora.report.browser import BrowserParts

_LIGHT = (
    "--bg:#fff;--fg:#1d2430;--muted:#5b6675;--line:#d9dee6;--accent:#1f5fa8;--panel:#f5f7fa;"
    "--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#b8860b;--c5:#56b4e9;"
    "--c6:#6a3d9a;--c7:#8c564b;--c8:#e69f00;--c9:#117733;--c10:#aa4499;--c11:#666666;"
)
_DARK = (
    "--bg:#14181f;--fg:#e3e7ee;--muted:#9aa5b4;--line:#323a46;--accent:#7fb3ee;--panel:#1a2029;"
    "--c0:#4aa8e0;--c1:#ff8c42;--c2:#2fc79a;--c3:#e3a3c7;--c4:#d9b44a;--c5:#8fd0f5;"
    "--c6:#a98bd6;--c7:#c39a8f;--c8:#f3bd55;--c9:#5fb87a;--c10:#d084c4;--c11:#a5a5a5;"
)
_STYLE = (
    f":root{{color-scheme:light dark;{_LIGHT}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    "body{margin:0 auto;padding:1rem;max-width:90rem;background:var(--bg);color:var(--fg);"
    "font-family:system-ui,sans-serif}"
)


def browser_page(parts: BrowserParts) -> str:
    """Return the page."""
    style = _STYLE + parts.style
    policy = (
        f"default-src 'none'; script-src {_hash(parts.script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Traces</title><style>{style}</style></head>\n"
        f"<body><main>{parts.html}</main>\n"
        f'<script type="application/octet-stream" id="trace-data">{parts.data}</script>\n'
        f"<script>{parts.script}</script></body></html>\n"
    )


def write_browser_page(path: Path, parts: BrowserParts) -> Path:
    """Write the page, and return its path."""
    path.write_text(browser_page(parts), encoding="utf-8")
    return path


def unpacked(data: str) -> dict[str, Any]:
    """Return the JSON in the data of a page."""
    content: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(data)))
    return content


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
