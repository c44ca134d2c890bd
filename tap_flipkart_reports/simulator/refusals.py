"""Refusals of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class RateLimited(Exception):  # noqa: N818 - an answer, not an error
    """Too many triggers.

    Attributes:
        seconds: seconds until the next one is accepted.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """The API refuses a call.

    Attributes:
        status: the HTTP status.
        document: the body.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.document = document


SHAPES: Mapping[str, Callable[[str, str], dict[str, Any]]] = {
    "errors": lambda code, words: {"errors": [{"severity": "ERROR", "code": code, "description": words}]},
    "error": lambda code, words: {"error": code.lower(), "error_description": words},
    "message": lambda _code, words: {"message": words},
}


def refused(status: int, code: str, description: str, *, shape: str = "errors") -> Refused:
    """A refusal in one of the shapes that the reference and public programs show for the report calls."""
    return Refused(status, SHAPES[shape](code, description))
