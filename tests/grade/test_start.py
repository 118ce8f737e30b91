"""What the command imports, and what it had better not."""

import subprocess
import sys


def test_no_grammar_is_compiled_when_the_grader_starts():
    told = "import sys, normlib.grade.classroom; print(*sys.modules)"
    command = [sys.executable, "-c", told]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = process.stdout.split()
    assert "jsonschema" in loaded and "normlib.grade.classroom" in loaded
    assert "lark" not in loaded
