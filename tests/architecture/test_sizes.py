"""Long functions and long files are split, by noun."""

import ast

from tests.architecture.sources import Source, sources

CODE = ("app", "workers", "deploy_runner", "stack", "bench")
MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 300


def functions(source: Source) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def line_count(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_function_is_over_60_lines() -> None:
    long = [
        f"{source.relative}:{node.lineno} {node.name} has {line_count(node)} lines"
        for source in sources(*CODE, "tests")
        for node in functions(source)
        if line_count(node) > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_no_file_is_over_300_lines() -> None:
    counts = {source.relative: len(source.text.splitlines()) for source in sources(*CODE, "tests")}
    assert len(counts) > 50
    assert {name: count for name, count in counts.items() if count > MAX_FILE_LINES} == {}


def test_nothing_is_called_utils() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert [source.relative for source in sources(*CODE, "tests") if source.path.stem in vague] == []
