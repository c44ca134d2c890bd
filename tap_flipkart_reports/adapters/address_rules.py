"""Where requests and secrets may go: plain http only within this machine, links only to public hosts."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from tap_flipkart_reports.settings.addresses import is_among, shows_secrets

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses whose last four bytes are an IPv4 address (RFC 6052)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenAddressError(OSError):
    """A link leads to an address that may not be requested."""


@dataclass(frozen=True, kw_only=True)
class AddressRules:
    """Which hosts may be requested, and how.

    Attributes:
        api_url: the API's address; links may always lead to its host.
        allowed_link_hosts: hosts that links may lead to although their addresses are not public.
        plain_http_hosts: hosts that may be requested over plain http, which exposes secrets.
    """

    api_url: str = ""
    allowed_link_hosts: frozenset[str] = frozenset()
    plain_http_hosts: frozenset[str] = frozenset()

    def refuses_plain_http(self, url: str) -> bool:
        """Whether a request would send secrets unencrypted over a network."""
        return shows_secrets(url, self.plain_http_hosts)

    def check_link_address(self, url: str, address: str) -> None:
        """Check an address of a link's host.

        Raises:
            ForbiddenAddressError: no request may go there.
        """
        if is_among(self.allowed_link_hosts, url) or is_public(address):
            return
        if _plain(address) in {_plain(own) for own in _addresses_of(urlsplit(self.api_url).hostname or "")}:
            return
        raise ForbiddenAddressError(address)

    def check_link_by_name(self, url: str) -> None:
        """The same for a host that a proxy will look up, as far as this machine can resolve the name.

        Raises:
            ForbiddenAddressError: no request may go there.
        """
        for address in _addresses_of(urlsplit(url).hostname or ""):
            self.check_link_address(url, address)


def is_public(address: str) -> bool:
    """Whether an address, and the IPv4 address that it stands for, is public."""
    plain = _plain(address)
    is_site_local = isinstance(plain, ipaddress.IPv6Address) and plain.is_site_local
    return plain.is_global and not (plain.is_multicast or plain.is_unspecified or plain.is_reserved or is_site_local)


def _plain(address: str) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _NAT64:
            return ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        return found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else found)
    return found


def _addresses_of(host: str) -> list[str]:
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)] if host else []
    except (OSError, UnicodeError):
        return []
