"""Whether somebody listens at an address."""

import socket

__all__ = ["refusal"]

_SECONDS = 5


def refusal(host: str, port: int) -> str | None:
    """Why no connection can be made; None if one can."""
    try:
        socket.create_connection((host, port), _SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return None
