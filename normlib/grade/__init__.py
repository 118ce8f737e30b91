"""How a class is graded, and how its notebooks are made."""

import sys

# jsonschema, which nbformat imports, has this package compile a grammar whenever a
# process starts: 3 of the 4 seconds that importing the grader would take. It serves
# formats of addresses ("iri"), which no schema of notebooks names, and jsonschema does
# without it where it is not installed.
if "jsonschema" not in sys.modules:
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
