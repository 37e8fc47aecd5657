"""Build artifacts are the same bytes whenever and wherever they are packed."""

import os
import tarfile
from pathlib import Path

from stack.packing import pack


def make_folder(folder: Path) -> Path:
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "__pycache__" / "x.pyc").write_text("x")
    (folder / "b.txt").write_text("b")
    (folder / "a.sh").write_text("a")
    (folder / "a.sh").chmod(0o700)
    return folder


def test_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = make_folder(tmp_path / "one"), make_folder(tmp_path / "two")
    os.utime(second / "b.txt", (1, 1))
    pack(first, tmp_path / "one.tar.gz")
    pack(second, tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_archive_holds_files_sorted_without_owner(tmp_path: Path) -> None:
    pack(make_folder(tmp_path / "one"), tmp_path / "one.tar.gz")
    with tarfile.open(tmp_path / "one.tar.gz") as tar:
        found = [(entry.name, oct(entry.mode), entry.uid, entry.mtime) for entry in tar]
    assert found == [("a.sh", "0o755", 0, 0), ("b.txt", "0o644", 0, 0)]
