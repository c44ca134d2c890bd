"""Ports that stay a test's own while nobody listens on them."""

from __future__ import annotations

import socket


def held_port() -> socket.socket:
    """A socket that is bound to a free port of the loopback and does not listen.

    As long as it is open, connections to the port are refused, no other process is given the port, and one that names
    it, with the option to share addresses that servers set, can listen on it.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held
