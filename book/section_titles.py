"""Write down the titles of the chapters' sections, which reports quote with a link.

    python book/section_titles.py

Reports are also shown where there is no book, so ``normlib.check`` has its own list.
"""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent
FILE = HERE.parent / "normlib/check/section_titles.json"


def titles() -> dict[str, dict[str, str]]:
    """Topic -> anchor -> title, of every section that has an anchor."""
    found = {}
    for chapter in sorted(HERE.glob("[0-9][0-9]_*.md")):
        pairs = re.findall(r"^\((\S+)\)=\n+#+ (.+)$", chapter.read_text("utf-8"), re.M)
        plain = {anchor: title.replace("`", "") for anchor, title in pairs}
        found[chapter.stem.partition("_")[2]] = plain
    return found


if __name__ == "__main__":
    text = json.dumps(titles(), indent=1, ensure_ascii=False)
    FILE.write_text(f"{text}\n", "utf-8")
