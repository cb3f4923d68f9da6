"""Who is at the other end of a unix socket, by the kernel's word."""

import socket
import struct
import sys

_LINUX = struct.Struct("3i")
_XUCRED = struct.Struct("=IIh16I")
_SOL_LOCAL, _LOCAL_PEERCRED = 0, 1


def peer_uid(connection: socket.socket) -> int | None:
    """The user id of the process that connected; None where the system does not tell."""
    if sys.platform == "linux":
        _, uid, _ = _LINUX.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _LINUX.size))
        return uid
    if sys.platform == "darwin":
        data = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED.size)
        return _XUCRED.unpack(data)[1]
    return None
