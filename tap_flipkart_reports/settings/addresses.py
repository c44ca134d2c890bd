"""Checks of addresses, header values and secrets, which are sent as they are."""

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
"""Longest part of a host name in the domain name system."""


def address_problem(address: str) -> str | None:
    """Why an address cannot be used, as the end of a sentence; `None` if it can.

    The text does not quote the address: it may contain a password.
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
    """Why a text cannot be sent in a header, as the end of a sentence; `None` if it can."""
    if text.isascii() and text.isprintable():
        return None
    return "has a character that cannot be sent in a header: use ASCII letters, digits and signs"


def secret_problem(text: str) -> str | None:
    """Why a secret cannot have been copied correctly, as the end of a sentence; `None` if it can."""
    return None if text.isprintable() else "holds a line break or another control character: copy it again"


def shows_secrets(address: str, plain_http_hosts: Collection[str]) -> bool:
    """Whether a call would send secrets over plain http through a network without permission.

    Args:
        address: the call's address, with a scheme.
        plain_http_hosts: hosts for which plain http is allowed.
    """
    parts = urlsplit(address)
    is_within_machine = _is_this_machine((parts.hostname or "").lower())
    return parts.scheme == "http" and not is_within_machine and not is_among(plain_http_hosts, address)


def is_among(hosts: Collection[str], address: str) -> bool:
    """Whether an address's host is in a list of hosts, which may have ports."""
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
