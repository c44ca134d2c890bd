"""A test of the connection that buys nothing: it requests each seller's token, which is free.

Meltano's `config test` starts a real sync and ends it at the first record: it would buy reports and keep no state of
them. Of Meltano's commands, only this one gives the tap the same pipe for standard output and standard error, and no
state (source: Meltano 4.4.1, core/plugin_test_service.py).
"""

from __future__ import annotations

import json
import logging
import os
import stat
from typing import IO, TYPE_CHECKING

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.exceptions import ConnectionTestError, FlipkartReportsError, OutageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_flipkart_reports.auth import AccessToken

LOGGER = logging.getLogger(PACKAGE)

MELTANO_VARIABLE = "MELTANO_EXTRACTOR_NAME"
"""Set by Meltano for every extractor it starts."""

STREAM = "connection_test"


def is_meltano_config_test(*, output: IO[str], log: IO[str], environment: Mapping[str, str]) -> bool:
    """Whether this is Meltano's `config test`. Call it only where no state was given.

    Args:
        output: standard output.
        log: standard error.
        environment: environment variables of the process.
    """
    if MELTANO_VARIABLE not in environment:
        return False
    try:
        one, other = os.fstat(output.fileno()), os.fstat(log.fileno())
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(one.st_mode) and (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def refused_tokens(tokens: Iterable[AccessToken]) -> list[FlipkartReportsError]:
    """Request each seller's token and log the outcome; returns the errors of those that cannot be obtained."""
    refused = []
    for token in tokens:
        error = _refusal_of(token)
        if error is None:
            continue
        LOGGER.error("%s", error)
        refused.append(error)
        if isinstance(error, OutageError):  # the tokens that follow would meet it too
            break
    return refused


def _refusal_of(token: AccessToken) -> FlipkartReportsError | None:
    try:
        token.value()
    except FlipkartReportsError as error:
        return error
    LOGGER.info("Seller %s: the token is good.", token.seller_id)
    return None


def answer_config_test(tokens: Mapping[str, AccessToken], *, output: IO[str]) -> None:
    """Answer Meltano's `config test`.

    Args:
        tokens: by seller.
        output: standard output.

    Raises:
        ConnectionTestError: a seller's token cannot be obtained.
    """
    if refused := refused_tokens(tokens.values()):
        raise ConnectionTestError(f"{'; '.join(map(str, refused))}. Nothing was bought")
    LOGGER.info("The settings and the tokens are good. Nothing was bought: this was a test of the connection.")
    output.write(_messages(tokens))
    output.flush()


def _messages(sellers: Iterable[str]) -> str:
    """Singer messages of a stream for this test: at the first record, Meltano takes the settings as valid."""
    schema = {
        "type": "SCHEMA",
        "stream": STREAM,
        "schema": {"type": "object", "properties": {"seller_id": {"type": "string"}}},
        "key_properties": ["seller_id"],
    }
    records = [{"type": "RECORD", "stream": STREAM, "record": {"seller_id": seller}} for seller in sellers]
    return "".join(f"{json.dumps(message)}\n" for message in (schema, *records))
