"""Texts that go into a request as they are: addresses, and what is in a header."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

SCHEMES = ("http", "https")

EXAMPLE = "https://api.flipkart.net"

NO_HOST = f"names no host, or a port that is not a number from 1 to 65535: write it like {EXAMPLE}"

MAX_LABEL_LENGTH = 63
"""Of a part of a host's name, by the rules of the domain name system."""


def address_problem(address: str) -> str | None:
    """What keeps an address from being called, as the end of a sentence; `None` where nothing does.

    The address itself is not shown: it may hold a password.
    """
    if not all(letter.isprintable() and not letter.isspace() for letter in address):
        return "holds a space or a control character"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return NO_HOST
    if parts.scheme not in SCHEMES or "://" not in address:
        return f"does not begin with https://: write it like {EXAMPLE}"
    if not _can_be_a_host(parts.hostname or "") or port == 0:
        return NO_HOST
    return f"has a query or a fragment (? or #): write it like {EXAMPLE}" if parts.query or parts.fragment else None


def _can_be_a_host(name: str) -> bool:
    labels = name.rstrip(".").split(".")
    return ":" in name or all(0 < len(label) <= MAX_LABEL_LENGTH for label in labels)


def header_problem(text: str) -> str | None:
    """What keeps a text from standing in a header, as the end of a sentence; `None` where nothing does."""
    if text.isascii() and text.isprintable():
        return None
    return "holds a character that cannot stand in a request's header: use plain ASCII letters, digits and signs"


def secret_problem(text: str) -> str | None:
    """What shows that a secret was not copied as it is, as the end of a sentence; `None` where nothing does."""
    return None if text.isprintable() else "holds a line break or another control character: copy it again"


def shows_secrets(address: str, plain_http_hosts: Collection[str]) -> bool:
    """Whether a call would carry secrets over plain http through a network, and no setting allows that.

    Args:
        address: of the call, with a scheme.
        plain_http_hosts: hosts for which it is allowed.
    """
    parts = urlsplit(address)
    is_within_machine = _is_this_machine((parts.hostname or "").lower())
    return parts.scheme == "http" and not is_within_machine and not is_among(plain_http_hosts, address)


def is_among(hosts: Collection[str], address: str) -> bool:
    """Whether a list of hosts, each with or without a port, has that of an address."""
    parts = urlsplit(address)
    host = (parts.hostname or "").lower().rstrip(".")
    known = {entry.lower().rstrip(".").strip("[]") for entry in hosts}
    return host in known or f"{host}:{parts.port}" in known


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
