"""Who is on the other side of a Unix socket. What differs between platforms stands here."""

import os
import socket
import struct
import sys

__all__ = ["is_allowed", "peer_uid"]

ROOT = 0
# Linux: pid, uid, gid. macOS and the BSDs (`struct xucred`): version, uid, and more that is not needed.
UCRED = struct.Struct("3i")
XUCRED_SIZE = 76
XUCRED = struct.Struct("=II")
SOL_LOCAL, LOCAL_PEERCRED = 0, 1


def peer_uid(peer: socket.socket) -> int | None:
    """Give the user at the other side of a Unix socket; None where the system does not say.

    Example:
        >>> one, other = socket.socketpair()
        >>> with one, other:
        ...     peer_uid(one) in (None, getattr(os, "geteuid", lambda: None)())
        True
    """
    try:
        return _uid(peer)
    except (OSError, struct.error):
        return None


if sys.platform == "linux":

    def _uid(peer: socket.socket) -> int | None:
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
        return int(UCRED.unpack(credentials)[1])

elif sys.platform == "win32":

    def _uid(peer: socket.socket) -> int | None:
        """Say nothing: there are no Unix sockets, and a token takes their place."""

else:

    def _uid(peer: socket.socket) -> int | None:
        return int(XUCRED.unpack_from(peer.getsockopt(SOL_LOCAL, LOCAL_PEERCRED, XUCRED_SIZE))[1])


def is_allowed(uid: int | None) -> bool:
    """Say whether a user may ask: the agent's own and root may.

    Where the system does not say who it is, the mode of the socket has already kept others away.

    Example:
        >>> is_allowed(0), is_allowed(None)
        (True, True)
    """
    return uid is None or uid in (ROOT, getattr(os, "geteuid", lambda: ROOT)())
