"""A workbook whose cells are replaced in its parts' own XML, so that everything else stays byte for byte.

Parts that may hold anything (drawings, lists for filters, links, what other programs have left) are not copied.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections import defaultdict
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import escape

from tap_flipkart_reports.commands.anonymous_columns import PROSE, SheetPlan, disguised
from tap_flipkart_reports.commands.anonymous_xml import XmlCopier
from tap_flipkart_reports.files.containers import members_of
from tap_flipkart_reports.files.xlsx_package import BOOK, part_name, read_package
from tap_flipkart_reports.files.xlsx_row_parser import column_number
from tap_flipkart_reports.files.xlsx_strings import SharedStrings
from tap_flipkart_reports.files.xlsx_xml import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_flipkart_reports.commands.anonymous_values import Disguise

CHUNK = 2**18

_KEPT_PARTS = re.compile(
    r"\[content_types\]\.xml|(?:.*/)?_rels/.*\.rels|xl/workbook\.xml|xl/styles\.xml"
    r"|xl/theme/[^/]*\.xml|xl/comments[^/]*\.xml|xl/drawings/vmldrawing[^/]*\.vml"
    r"|docprops/(?:core|app)\.xml"
)
"""Beside the sheets that the workbook names, and the texts that they share."""

_SHEETS_OWN = frozenset({
    *("hyperlinks", "headerFooter", "dataValidations", "extLst", "drawing", "picture", "oleObjects", "controls"),
    *("tableParts", "protectedRanges", "scenarios", "customSheetViews", "webPublishItems", "customProperties"),
    *("AlternateContent", "legacyDrawingHF", "filterColumn", "cellWatches", "smartTags"),
})  # fmt: skip
"""Elements of a sheet that may hold words, or refer to parts that are not copied."""

_BOOKS_OWN = frozenset({
    *("fileSharing", "AlternateContent", "extLst", "externalReferences", "pivotCaches", "customWorkbookViews"),
    *("functionGroups", "webPublishing", "webPublishObjects", "smartTagPr", "smartTagTypes", "revisionPtr"),
})  # fmt: skip

_PLAIN_PROPERTIES = frozenset({
    *("created", "modified", "lastPrinted", "revision", "Application", "AppVersion", "TotalTime", "DocSecurity"),
    *("ScaleCrop", "LinksUpToDate", "SharedDoc", "HyperlinksChanged", "i4", "Pages", "Words", "Characters", "Lines"),
})  # fmt: skip
"""Properties of a workbook that tell nothing of anybody."""

_WORDS_OF_VML = re.compile(rb"""\s(?:o:)?(?:alt|title|href|src|relid|althref)\s*=\s*(?:"[^"]*"|'[^']*')""")
_QUOTED = re.compile(r'"([^"]*)"')
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_CELL_VALUES = frozenset({"v", "t"})
_END_BYTES = 64
"""Bytes in which the end of a document is."""


def copy_workbook(source: IO[bytes], out: IO[bytes], plans: Mapping[str, SheetPlan], disguise: Disguise) -> None:
    """Copy a workbook, its cells replaced.

    Args:
        source: the workbook.
        out: the copy.
        plans: where the tables of its sheets are, by the sheets' names.
        disguise: makes the stand-ins.

    Raises:
        FileError: it cannot be read.
    """
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        members = {part_name(member.filename): member for member in members_of(archive)}
        package = read_package(members, lambda part: _chunks(archive, members[part]))
        sheets = {part: plans.get(name, SheetPlan()) for name, part in package.sheets}
        titles = frozenset(name for name, _ in package.sheets)
        strings = package.shared_strings
        texts = SharedStrings(_chunks(archive, members[strings]) if strings is not None else None)
        shared = _SharedTexts(texts, disguise)
        for part, plan in sheets.items():
            _note_uses(_chunks(archive, members[part]), plan, shared)
        shared.number_texts()
        kept = frozenset(part for part in members if part in {*sheets, strings} or _KEPT_PARTS.fullmatch(part))
        for part, member in members.items():
            if part not in kept:
                continue
            is_strings = part == strings
            changes = _Strings(shared) if is_strings else _changes_of(part, sheets, titles, shared, disguise, kept)
            pieces = XmlCopier(changes).copied(_chunks(archive, member))
            if is_strings:
                pieces = _with_added(pieces, shared)
            elif part.endswith(".vml"):
                pieces = iter([_WORDS_OF_VML.sub(b"", b"".join(pieces))])
            target = zipfile.ZipInfo(member.filename, member.date_time)
            target.compress_type = member.compress_type
            with copy.open(target, "w", force_zip64=True) as written:
                for piece in pieces:
                    written.write(piece)


def _with_added(pieces: Iterator[bytes], shared: _SharedTexts) -> Iterator[bytes]:
    """The shared texts, and behind them those that others become, too."""
    behind = b""
    for piece in pieces:
        behind += piece
        yield behind[:-_END_BYTES]
        behind = behind[-_END_BYTES:]
    end = behind.rfind(b"</")
    prefix = behind[end + 2 :].partition(b"sst")[0]
    yield behind[:end] + shared.added(prefix) + behind[end:]


def _chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as part:
        while chunk := part.read(CHUNK):
            yield chunk


def _changes_of(  # noqa: PLR0913, PLR0917 - what a part may need
    part: str,
    sheets: Mapping[str, SheetPlan],
    titles: frozenset[str],
    shared: _SharedTexts,
    disguise: Disguise,
    kept: frozenset[str],
) -> _Changes:
    if part in sheets:
        return _Sheet(sheets[part], shared, disguise)
    if part.startswith("docprops/"):
        return _Properties(disguise, titles)
    if part.startswith(("xl/comments", "xl/drawings/")):
        return _Words(disguise)
    if part.endswith(".rels") or part == "[content_types].xml":
        return _References(part, kept)
    return _LeftOut(_BOOKS_OWN if part == BOOK else frozenset({"extLst"}))


class _Changes:
    """What is changed in a part: by default nothing."""

    def starts(self, name: str, attributes: dict[str, str]) -> bool:  # noqa: ARG002 - the signature of `Changes`
        return True

    def ends(self, name: str) -> None:
        """Nothing."""

    def text(self, name: str, text: str) -> str | None:  # noqa: ARG002 - the signature of `Changes`
        return None


class _LeftOut(_Changes):
    """Some elements are left out, and names that a person has given to cells."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def starts(self, name: str, attributes: dict[str, str]) -> bool:
        if name == "definedName":
            return attributes.get("name", "").startswith("_xlnm.")
        return name not in self._names


class _References(_Changes):
    """References to parts that are not copied are left out, and links into the world."""

    def __init__(self, part: str, kept: frozenset[str]) -> None:
        folder, _, name = part.rpartition("_rels/")
        self._base = f"/{folder}" if name else "/"
        self._kept = kept

    def starts(self, name: str, attributes: dict[str, str]) -> bool:
        if name == "Relationship":
            target = posixpath.normpath(posixpath.join(self._base, attributes.get("Target", "")))[1:]
            return attributes.get("TargetMode") != "External" and part_name(target) in self._kept
        return name != "Override" or part_name(attributes.get("PartName", "")[1:]) in self._kept


class _Properties(_Changes):
    """The properties of a workbook: who made it, where, of what title."""

    def __init__(self, disguise: Disguise, titles: frozenset[str]) -> None:
        self._disguise, self._titles = disguise, titles

    def text(self, name: str, text: str) -> str | None:
        return None if name in _PLAIN_PROPERTIES or text in self._titles else self._disguise.text(text)


class _Words(_Changes):
    """Comments beside cells, and the boxes they are drawn in."""

    def __init__(self, disguise: Disguise) -> None:
        self._disguise = disguise

    def text(self, name: str, text: str) -> str | None:
        is_box = name[:1].isupper()  # places and sizes of boxes: Row, Column, Anchor
        return None if is_box else disguised(self._disguise, text, PROSE)


class _SharedTexts:
    """The texts that cells share: what each is taken for, by all cells that show it.

    A text of two kinds becomes two texts; the second one is added at the end.

    Args:
        texts: the texts.
        disguise: makes the stand-ins.
    """

    def __init__(self, texts: SharedStrings, disguise: Disguise) -> None:
        self._texts, self._disguise = texts, disguise
        self._uses: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        self._numbers: dict[tuple[int, tuple[str, str]], int] = {}

    def text_of(self, index: int) -> str:
        """A text by its number."""
        return self._texts[str(index)]

    def note(self, index: int, use: tuple[str, str]) -> None:
        """A cell shows a text, and is taken for a kind of a column."""
        if use not in self._uses[index]:
            self._uses[index].append(use)

    def number_texts(self) -> None:
        """Give numbers to the texts that others become, too."""
        number = self._texts.count
        for index, uses in sorted(self._uses.items()):
            for use in uses[1:]:
                self._numbers[index, use] = number
                number += 1

    def index_of(self, index: int, use: tuple[str, str]) -> int:
        """The number of the text that a cell shows now."""
        return self._numbers.get((index, use), index)

    def stand_in(self, index: int, use: tuple[str, str] | None = None) -> str:
        """The stand-in for a text, by default of its first kind; an unused text is never shown."""
        kind, name = use or next(iter(self._uses.get(index, ())), (PROSE, ""))
        return disguised(self._disguise, self.text_of(index), kind, name=name)

    def added(self, prefix: bytes) -> bytes:
        """The elements of the texts that stand behind all others."""
        return b"".join(
            b'<%bsi><%bt xml:space="preserve">%b</%bt></%bsi>'
            % (prefix, prefix, escape(self.stand_in(index, use)).encode("utf-8", "surrogatepass"), prefix, prefix)
            for index, use in self._numbers
        )


class _Strings(_Changes):
    """The part that holds the shared texts; the runs of a rich text become one."""

    def __init__(self, shared: _SharedTexts) -> None:
        self._shared = shared
        self._index = -1
        self._is_replaced = False

    def starts(self, name: str, attributes: dict[str, str]) -> bool:  # noqa: ARG002 - the signature of `Changes`
        if name == "si":
            self._index += 1
            self._is_replaced = False
        return name not in {"rPh", "phoneticPr", "extLst"}

    def text(self, name: str, text: str) -> str | None:  # noqa: ARG002 - the whole text counts
        if name != "t":
            return None
        whole = "" if self._is_replaced else self._shared.stand_in(self._index)
        self._is_replaced = True
        return whole


class _Cells:
    """The row and column of each cell while a sheet is read."""

    def __init__(self, plan: SheetPlan) -> None:
        self._plan = plan
        self._row, self._column = 0, -1
        self.type = "n"

    def starts(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._row = int(attributes.get("r") or self._row + 1)
            self._column = -1
        elif name == "c":
            reference = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column = column_number(reference[1]) - 1 if reference else self._column + 1
            self._row = int(reference[2]) if reference else self._row
            self.type = attributes.get("t", "n")

    def use(self, text: str) -> tuple[str, str]:
        """What the cell is taken for, and its column."""
        return self._plan.kind(self._row, self._column, text), self._plan.name(self._column)


class _Sheet(_Changes):
    """The cells of a sheet."""

    def __init__(self, plan: SheetPlan, shared: _SharedTexts, disguise: Disguise) -> None:
        self._cells = _Cells(plan)
        self._shared, self._disguise = shared, disguise

    def starts(self, name: str, attributes: dict[str, str]) -> bool:
        self._cells.starts(name, attributes)
        return name not in _SHEETS_OWN

    def text(self, name: str, text: str) -> str | None:
        if name in {"f", "formula"}:
            return _QUOTED.sub(lambda match: f'"{disguised(self._disguise, match[1], PROSE)}"', text)
        if name not in _CELL_VALUES or self._cells.type in {"b", "e", "d"}:
            return None
        if name == "v" and self._cells.type == "s":
            index = int(text)
            return str(self._shared.index_of(index, self._cells.use(self._shared.text_of(index))))
        kind, column = self._cells.use(text)
        return disguised(self._disguise, text, kind, name=column)


def _note_uses(chunks: Iterator[bytes], plan: SheetPlan, shared: _SharedTexts) -> None:
    """Note what the cells of a sheet are taken for."""
    cells = _Cells(plan)
    is_value = False
    digits: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal is_value
        cells.starts(name, attributes)
        is_value = name == "v" and cells.type == "s"
        digits.clear()

    def end(name: str) -> None:
        nonlocal is_value
        if name == "v" and is_value and digits:
            index = int("".join(digits))
            shared.note(index, cells.use(shared.text_of(index)))
        is_value = False

    def text(piece: str) -> None:
        if is_value:
            digits.append(piece)

    for _ in parsed(chunks, start=start, end=end, text=text):
        """Only noted."""
