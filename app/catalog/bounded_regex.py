"""Match operators' patterns against tenants' text in a child process that can be stopped.

Python's matcher can run for years on a short text, holds the interpreter lock meanwhile, and cannot be
interrupted; a process can. Values travel over the pipe, never in the process list.
"""

import json
import subprocess
import sys
from collections.abc import Sequence

TIMEOUT_SECONDS = 2.0
_CHILD = """
import json, re, sys
for pattern, text in json.load(sys.stdin):
    print(int(re.search(pattern, text) is not None), flush=True)
"""


def match_all(pairs: Sequence[tuple[str, str]], timeout_seconds: float = TIMEOUT_SECONDS) -> list[bool]:
    """Say for each (pattern, text) whether it matches; what is not answered in time counts as no match."""
    if not pairs:
        return []
    answers = _run_child(json.dumps(pairs), timeout_seconds).split()
    return [index < len(answers) and answers[index] == b"1" for index in range(len(pairs))]


def _run_child(pairs: str, timeout_seconds: float) -> bytes:
    command = [sys.executable, "-I", "-S", "-c", _CHILD]
    try:
        # The program is this interpreter and its text is a constant.
        done = subprocess.run(  # noqa: S603
            command, input=pairs.encode(), capture_output=True, timeout=timeout_seconds, check=False, env={}
        )
    except subprocess.TimeoutExpired as expired:
        return expired.stdout or b""
    return done.stdout
