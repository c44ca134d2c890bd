"""The pinned versions in `pyproject.toml`: with them a stranger's first test run is the one that CI has seen.

`uv.lock` would say the same, but names the package index of whoever wrote it. As a script it moves the pins to the
newest versions that fit each other; with `--remove` it takes them out, so that a scheduled run meets the newest of all.
"""

from __future__ import annotations

import re
import sys

from support.programs import ROOT, UV, succeed

PYPROJECT = ROOT / "pyproject.toml"
BEGIN, END = "  # <pins>\n", "  # </pins>\n"

EXPORT = (
    *("export", "--quiet", "--upgrade", "--all-groups", "--all-extras", "--no-emit-project"),
    *("--no-hashes", "--no-annotate", "--no-header"),
)


def pins(text: str) -> list[str]:
    """The pins in the text of a `pyproject.toml`."""
    between = text.partition(BEGIN)[2].partition(END)[0]
    return re.findall(r'^  "(.+)",$', between, re.MULTILINE)


def with_pins(text: str, requirements: list[str]) -> str:
    """The text of a `pyproject.toml` with these pins in the place of its own."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin
    assert end
    return before + begin + "".join(f'  "{requirement}",\n' for requirement in requirements) + end + after


def main() -> None:
    """Write the pins."""
    without = with_pins(PYPROJECT.read_text(encoding="utf-8"), [])
    PYPROJECT.write_text(without, encoding="utf-8")
    if "--remove" not in sys.argv:
        newest = succeed([*UV, *EXPORT], cwd=ROOT).splitlines()
        PYPROJECT.write_text(with_pins(without, newest), encoding="utf-8")


if __name__ == "__main__":
    main()
