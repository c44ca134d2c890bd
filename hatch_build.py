"""The README as PyPI shows it, and the project's addresses: CI knows the repository, so no address stands in a file.

Where the variables of the hosting service are not set, links stay relative and there are no addresses.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)(\[[^\]]*\]\()(?!\w+:|#)([^)\s]+)\)")

CI = "<!-- CI -->"
"""Where the README shows on PyPI whether the tests pass; beside the repository the hosting service shows it."""


class CustomMetadataHook(MetadataHookInterface):
    """Fills in `readme` and `urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the fields that `pyproject.toml` calls dynamic."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        server, repository = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
        if server and repository:
            address = f"{server}/{repository}"
            reference = os.environ.get("GITHUB_REF_NAME", "HEAD")
            tests = f"{address}/actions/workflows/test.yml"
            text = with_absolute_links(text, address=address, reference=reference)
            text = text.replace(CI, f"[![CI]({tests}/badge.svg)]({tests})")
            metadata["urls"] = {
                "Source": address,
                "Documentation": f"{address}/blob/{reference}/docs/index.md",
                "Changelog": f"{address}/blob/{reference}/CHANGELOG.md",
                "Issues": f"{address}/issues",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def with_absolute_links(text: str, *, address: str, reference: str) -> str:
    """Markdown whose relative links lead into a repository, and whose pictures come from there."""

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link[1] else "blob"
        return f"{link[1]}{link[2]}{address}/{kind}/{reference}/{link[3]})"

    return LINK.sub(absolute, text)
