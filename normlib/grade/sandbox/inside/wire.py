"""Messages between the judge and the process that runs a student's code.

A message is a list of (name, value); a value is text, bytes or an array of numbers.
It is flat, and no size is believed before it is checked: whatever a forged message
says, reading it costs no more memory than it has bytes, and ends in ``WireError``
or in such a list. Nothing is unpickled or evaluated.
"""

import socket
import struct
import time
from collections.abc import Callable

import numpy as np

LIMIT = 64 << 20  # bytes of a message
ITEMS = 1000  # values in a message

_MAGIC = b"nrm1"
_HEADER = struct.Struct("<4sI")  # the magic number, and how many bytes follow
_TEXT, _BYTES, _ARRAY = range(3)
# Numbers only, of a fixed size and byte order: no objects, no records, no dates.
_DTYPES = tuple(
    np.dtype(code) for code in "?,i1,i2,i4,i8,u1,u2,u4,u8,f2,f4,f8,c8,c16".split(",")
)


class WireError(ValueError):
    """What was received is not a message."""


class Late(Exception):
    """No whole message came in time."""


class Closed(Exception):
    """The other side is gone."""


def encode(items: list[tuple[str, str | bytes | np.ndarray]]) -> bytes:
    """The bytes of a message, with its header."""
    parts = []
    for name, value in items:
        dtype, shape = 0, ()
        if isinstance(value, str):
            # A lone surrogate, which a string of Python may hold, is not text.
            kind, payload = _TEXT, value.encode("utf-8", "replace")
        elif isinstance(value, bytes):
            kind, payload = _BYTES, value
        else:
            value = _portable(value)
            kind, dtype, shape = _ARRAY, _DTYPES.index(value.dtype), value.shape
            payload = value.tobytes()
        label = name.encode("utf-8", "replace")[:255]
        parts += [
            struct.pack("<BBBB", len(label), kind, dtype, len(shape)),
            label,
            struct.pack(f"<{len(shape)}QQ", *shape, len(payload)),
            payload,
        ]
    body = b"".join(parts)
    return _HEADER.pack(_MAGIC, len(body)) + body


def _portable(array):
    array = np.asarray(array)
    if array.dtype == np.longdouble:  # its size differs between machines
        array = array.astype("f8")
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def decode(body: bytes) -> list[tuple[str, str | bytes | np.ndarray]]:
    """The message whose bytes after the header are ``body``.

    Raises
    ------
    WireError
        When they are none.
    """
    items: list[tuple] = []
    at = 0
    try:
        while at < len(body):
            if len(items) == ITEMS:
                raise WireError(f"a message has at most {ITEMS} values")
            length, kind, dtype, ndim = struct.unpack_from("<BBBB", body, at)
            at += 4
            name = str(body[at : at + length], "utf-8")
            at += length
            *shape, size = struct.unpack_from(f"<{ndim}QQ", body, at)
            at += 8 * (ndim + 1)
            if size > len(body) - at:
                raise WireError(f"a value of {size} bytes in {len(body) - at}")
            items.append((name, _value(kind, dtype, shape, body[at : at + size])))
            at += size
    except (struct.error, UnicodeDecodeError) as error:
        raise WireError(str(error)) from None
    return items


def _value(kind, dtype, shape, payload):
    if kind == _TEXT:
        return str(payload, "utf-8")
    if kind == _BYTES:
        return payload
    if kind != _ARRAY or dtype >= len(_DTYPES):
        raise WireError(f"no value is of kind {kind}, type {dtype}")
    expected = _DTYPES[dtype].itemsize
    for n in shape:  # integers of Python do not overflow
        expected *= n
    if expected != len(payload):
        raise WireError(f"{len(payload)} bytes for an array of shape {tuple(shape)}")
    try:
        return np.frombuffer(payload, _DTYPES[dtype]).reshape(shape).copy()
    except ValueError as error:  # more dimensions, or longer ones, than NumPy has
        raise WireError(str(error)) from None


def send(connection: socket.socket, items, seconds: float | None = None) -> None:
    """Send a message, within ``seconds`` if they are given."""
    connection.settimeout(seconds)
    try:
        connection.sendall(encode(items))
    except TimeoutError:
        raise Late from None
    except OSError:
        raise Closed from None


def receive(
    connection: socket.socket,
    seconds: float | None = None,
    left: Callable[[], float] | None = None,
) -> list:
    """The next message.

    Parameters
    ----------
    connection : socket.socket
    seconds : float
        How long to wait for it; forever by default.
    left : callable
        Asked in place of it, again and again: for how many seconds to wait before
        the next question. It raises ``Late`` when there are none left.

    Raises
    ------
    Late
        When it is not there, to its last byte, within ``seconds``.
    Closed
        When the other side has ended.
    WireError
        When what comes is not a message.
    """
    if left is None:
        left = _within(seconds)
    magic, length = _HEADER.unpack(_exactly(connection, _HEADER.size, left))
    if magic != _MAGIC:
        raise WireError("it does not begin as a message does")
    if length > LIMIT:
        raise WireError(f"{length} bytes; a message has at most {LIMIT}")
    return decode(bytes(_exactly(connection, length, left)))


def _within(seconds):
    """One limit for the whole message: bytes that trickle in do not extend it."""
    if seconds is None:
        return lambda: None
    end = time.monotonic() + seconds

    def left():
        if (remaining := end - time.monotonic()) <= 0:
            raise Late
        return remaining

    return left


def _exactly(connection, n, left):
    """The next ``n`` bytes; memory grows with what arrived, not with ``n``."""
    data = bytearray()
    while len(data) < n:
        try:
            connection.settimeout(left())
            part = connection.recv(min(n - len(data), 1 << 20))
        except TimeoutError:
            continue
        except OSError:
            raise Closed from None
        if not part:
            raise Closed
        data += part
    return data
