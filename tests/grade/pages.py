"""Pages, read as a browser reads them."""

from bleach._vendor import html5lib
from bs4 import BeautifulSoup


def parsed(html: str) -> BeautifulSoup:
    """The tree that a browser makes of ``html``."""
    tree = html5lib.parse(html)
    whole = {"omit_optional_tags": False, "quote_attr_values": "always"}
    return BeautifulSoup(html5lib.serialize(tree, **whole), "html.parser")
