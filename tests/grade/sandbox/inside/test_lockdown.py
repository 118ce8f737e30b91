"""Each version of Landlock is asked for what it has, in the form that it knows."""

import pytest

from normlib.grade.sandbox.inside import lockdown

REFER, TRUNCATE, IOCTL = 1 << 13, 1 << 14, 1 << 15


# As in the kernel's Documentation/userspace-api/landlock.rst.
@pytest.mark.parametrize(
    ("version", "files", "tcp", "scope", "size"),
    [
        (1, 0, False, False, 8),
        (2, REFER, False, False, 8),
        (3, REFER | TRUNCATE, False, False, 8),
        (4, REFER | TRUNCATE, True, False, 16),
        (5, REFER | TRUNCATE | IOCTL, True, False, 16),
        (6, REFER | TRUNCATE | IOCTL, True, True, 24),
        (7, REFER | TRUNCATE | IOCTL, True, True, 24),
    ],
)
def test_what_is_asked_for(version, files, tcp, scope, size):
    found = lockdown.handled(version)
    assert found == ((1 << 13) - 1 | files, 3 * tcp, 3 * scope, size)
