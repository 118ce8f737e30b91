"""Tests that share something slow are run by one process, or each prepares it anew."""

import os

import pytest

only_side_by_side = pytest.mark.skipif(
    "PYTEST_XDIST_WORKER" not in os.environ, reason="tests run in one process"
)


@only_side_by_side
@pytest.mark.xdist_group("one")
def test_a_test_stays_with_its_group(request):
    assert request.node.nodeid.endswith("@one")


@only_side_by_side
def test_a_test_with_a_browser_stays_with_its_page(request, browser):
    assert request.node.nodeid.endswith("@test_groups.py, its own pages")
