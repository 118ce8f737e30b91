"""What crosses the wire comes out as it went in; what is forged does no harm."""

import socket
import struct
import threading
import tracemalloc

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlib.grade.sandbox.inside import wire
from normlib.grade.sandbox.inside.wire import WireError, decode, encode

HEADER = 8

numbers = (
    arrays.boolean_dtypes()
    | arrays.integer_dtypes(endianness="?")
    | arrays.unsigned_integer_dtypes(endianness="?")
    | arrays.floating_dtypes(endianness="?", sizes=(16, 32, 64))
    | arrays.complex_number_dtypes(endianness="?", sizes=(64, 128))
)
values = (
    st.text()
    | st.binary()
    | arrays.arrays(numbers, arrays.array_shapes(min_dims=0, max_dims=5, min_side=0))
)
messages = st.lists(st.tuples(st.text(max_size=40), values), max_size=8)


@given(messages)
def test_a_message_comes_out_as_it_went_in(message):
    received = decode(encode(message)[HEADER:])
    assert [name for name, _ in received] == [name for name, _ in message]
    for (_, got), (_, sent) in zip(received, message, strict=True):
        assert type(got) is type(sent)
        if isinstance(sent, np.ndarray):
            assert got.shape == sent.shape
            assert got.dtype == sent.dtype.newbyteorder("<")
            assert got.tobytes() == sent.astype(got.dtype).tobytes()
        else:
            assert got == sent


def test_a_strided_array_and_a_long_double_arrive_as_values():
    x = np.arange(12.0).reshape(3, 4)[::2, ::-1].T
    wide = np.array([1, 2.5], np.longdouble)
    (_, got), (_, narrow) = decode(encode([("x", x), ("wide", wide)])[HEADER:])
    np.testing.assert_array_equal(got, x)
    np.testing.assert_array_equal(narrow, np.array([1, 2.5]))
    got[0] = 7  # and may be written into


@pytest.mark.parametrize(
    "value", [np.array([object()]), np.array(["a"]), np.array(["2026-01-01"], "M8[D]")]
)
def test_only_numbers_can_be_sent(value):
    with pytest.raises(ValueError):
        encode([("x", value)])


@given(st.binary(max_size=400))
def test_random_bytes_are_refused_or_are_a_message(body):
    try:
        assert isinstance(decode(body), list)
    except WireError:
        pass


@given(messages, st.data())
def test_a_message_with_bytes_changed_is_refused_or_is_another(message, data):
    body = bytearray(encode(message)[HEADER:])
    for _ in range(data.draw(st.integers(1, 4))):
        if body:
            at = data.draw(st.integers(0, len(body) - 1))
            body[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    try:
        assert isinstance(decode(bytes(body[:cut])), list)
    except WireError:
        pass


def forged_array(dtype, shape, payload=b"", size=None):
    head = struct.pack("<BBBB", 1, 2, dtype, len(shape)) + b"x"
    size = len(payload) if size is None else size
    return head + struct.pack(f"<{len(shape)}QQ", *shape, size) + payload


@pytest.mark.parametrize(
    "body",
    [
        forged_array(11, (2**62, 4), b"12345678"),  # the product overflows 64 bits
        forged_array(11, (10**12,), b""),
        forged_array(11, (0, 2**63), b""),  # empty, and yet too long for NumPy
        forged_array(11, (1,) * 65, b"12345678"),  # more dimensions than it has
        forged_array(11, (2,), b"12345678"),
        forged_array(200, (1,), b"12345678"),  # no such type
        forged_array(11, (1,), b"12345678", size=2**63),
        struct.pack("<BBBB", 0, 9, 0, 0) + struct.pack("<Q", 0),  # no such kind
        struct.pack("<BBBB", 0, 0, 0, 0) + struct.pack("<Q", 1) + b"\xff",  # no text
        (struct.pack("<BBBB", 0, 1, 0, 0) + struct.pack("<Q", 0)) * (wire.ITEMS + 1),
        b"\x05",
    ],
)
def test_a_forged_message_is_refused(body):
    tracemalloc.start()
    with pytest.raises(WireError):
        decode(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20 + 10 * len(body)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_message_crosses_a_socket_in_parts(pair):
    ours, theirs = pair
    message = [("x", np.zeros(300_000)), ("note", "ünicode")]
    sender = threading.Thread(target=wire.send, args=(theirs, message))
    sender.start()
    received = dict(wire.receive(ours, seconds=20))
    sender.join()
    assert received["note"] == "ünicode" and received["x"].shape == (300_000,)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"{}" * 20, WireError),
        (struct.pack("<4sI", b"nrm1", 2**32 - 1), WireError),
        (struct.pack("<4sI", b"nrm1", wire.LIMIT) + b"few", wire.Closed),
        (b"", wire.Closed),
    ],
)
def test_what_is_no_message_is_refused_at_once(pair, sent, error):
    ours, theirs = pair
    theirs.sendall(sent)
    theirs.close()
    with pytest.raises(error):
        wire.receive(ours, seconds=20)


def test_bytes_that_trickle_in_do_not_put_off_the_end(pair):
    ours, theirs = pair
    stop = threading.Event()

    def trickle():
        for byte in struct.pack("<4sI", b"nrm1", 10**6):
            theirs.send(bytes([byte]))
        for _ in range(200):
            if stop.wait(0.05):
                return
            theirs.send(b"x")
        theirs.close()  # whoever is still reading finds that out

    sender = threading.Thread(target=trickle)
    sender.start()
    with pytest.raises(wire.Late):
        wire.receive(ours, seconds=0.4)
    stop.set()
    sender.join()


def test_nobody_has_to_read_for_a_sender_to_go_on(pair):
    ours, _ = pair
    with pytest.raises(wire.Late):
        wire.send(ours, [("x", bytes(20 << 20))], seconds=0.2)
