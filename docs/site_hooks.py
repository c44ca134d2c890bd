"""Documents that lie beside `docs/`, where their readers look for them, as pages of the site."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

BESIDE = {
    "orchestrate/README.md": "airflow.md",
    "benchmarks/README.md": "benchmarks.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "README.md": "index.md",
}
"""Path in the repository, and page of the site."""

LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the documents as pages; the index of the site is `docs/index.md`."""
    root = Path(config.docs_dir).parent
    for source, page in BESIDE.items():
        if page != "index.md":
            files.append(File.generated(config, page, content=(root / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages."""
    del config, files
    pages = {path: source for source, path in BESIDE.items() if path != "index.md"}
    source = pages.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def to_page(link: re.Match[str]) -> str:
        target = normpath(PurePosixPath(source).parent / link[1])
        target = BESIDE.get(target, target.removeprefix("docs/"))
        return relpath(target, PurePosixPath(page.file.src_uri).parent)

    return LINK.sub(to_page, markdown)
