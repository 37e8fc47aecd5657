"""The project's own Python files, parsed once, for the tests that read code."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SLICES = (
    "core", "identity", "catalog", "connections", "billing", "deployments", "edge", "marketplace", "web",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One file; `module` is its dotted name."""

    path: Path

    @property
    def relative(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def module(self) -> str:
        return self.relative.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def slice_name(self) -> str | None:
        """The slice this file belongs to, or None for what stands beside the slices."""
        parts = self.module.split(".")
        return parts[1] if len(parts) > 1 and parts[0] == "app" and parts[1] in SLICES else None

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def tree(self) -> ast.Module:
        return _parse(self.path)

    def imports(self) -> Iterator[str]:
        """Every dotted name imported anywhere in the file, `from x import y` as `x.y`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{self._origin(node)}.{alias.name}" for alias in node.names)

    def _origin(self, node: ast.ImportFrom) -> str:
        if node.level == 0:
            return node.module or ""
        package = self.path.parent.relative_to(ROOT).parts
        parts = package[: len(package) - node.level + 1]
        return ".".join((*parts, *([node.module] if node.module else [])))


def sources(*folders: str) -> list[Source]:
    """Every Python file under these folders of the project."""
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [Source(path) for path in paths]


def is_under(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))
