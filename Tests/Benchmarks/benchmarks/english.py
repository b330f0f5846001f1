"""An English text to measure perplexity on: the prose of The Debian Administrator's Handbook.

python -m benchmarks.english TARGET [--folder DIR] [--bytes 290000]

The handbook (Raphaël Hertzog, Roland Mas; GPL-2+ or CC-BY-SA-3.0) is Debian's package `debian-handbook`; without
--folder it is fetched with `apt-get download` and unpacked. Its paragraphs in the book's order, one a line, an empty
line between; screens, listings and menus are left out. The text goes to TARGET, never into the repository.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

from harness.options import Options

PACKAGE = "debian-handbook"
PAGES = "usr/share/doc/debian-handbook/html/en-US"
FIRST = "preface.html"
SMALLEST = 120  # bytes; shorter paragraphs are captions and crumbs


class Page(HTMLParser):
    """Collects `div.para` and headings; `next` is the following page's file name."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.next: str | None = None
        self.open: list[str] = []  # kinds of the open elements: "text", "skip" or ""
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "link" and found.get("rel") == "next":
            self.next = found.get("href")
        if tag in ("link", "meta", "img", "br", "hr", "input"):
            return
        kind = ""
        if tag in ("pre", "table", "script") or "docnav" in (found.get("class") or ""):
            kind = "skip"
        elif found.get("class") == "para" or (tag in ("h1", "h2", "h3") and found.get("class") == "title"):
            self.finish()
            kind = "text"
        self.open.append(kind)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "link":
            self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open.pop() == "text":
            self.finish()

    def handle_data(self, data: str) -> None:
        if "text" in self.open and "skip" not in self.open:
            self.parts.append(data)

    def finish(self) -> None:
        text = re.sub(r"\s+", " ", "".join(self.parts)).strip()
        self.parts = []
        if text:
            self.blocks.append(text)


def text_of(folder: Path, size: int) -> str:
    """At most `size` bytes in whole paragraphs."""
    blocks: list[str] = []
    page: str | None = FIRST
    seen: set[str] = set()
    while page and page not in seen:
        seen.add(page)
        parser = Page()
        parser.feed((folder / page).read_text(encoding="utf-8"))
        parser.close()
        blocks += [block for block in parser.blocks if len(block) >= SMALLEST]
        page = parser.next.split("#")[0] if parser.next else None
    kept, total = [], 0
    for block in blocks:
        total += len(block.encode()) + 2
        if total > size:
            break
        kept.append(block)
    return "\n\n".join(kept) + "\n"


def fetched(place: Path) -> Path:
    """The English pages of the handbook's package, unpacked below `place`."""
    subprocess.run(["apt-get", "download", "-qq", PACKAGE], cwd=place, check=True)
    (package,) = place.glob(f"{PACKAGE}_*.deb")
    subprocess.run(["dpkg", "-x", str(package), str(place / "root")], check=True)
    return place / "root" / PAGES


def write(target: Path, folder: Path | None = None, size: int = 290_000) -> None:
    with tempfile.TemporaryDirectory(prefix="martlet-english-") as name:
        target.write_text(text_of(folder or fetched(Path(name)), size), encoding="utf-8")


def main() -> int:
    parser = Options(__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--folder", type=Path, help="the handbook's pages, where they are unpacked already")
    parser.add_argument("--bytes", type=int, default=290_000)
    options = parser.parse_args()
    write(options.target, options.folder, options.bytes)
    print(f"{options.target}: {options.target.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
