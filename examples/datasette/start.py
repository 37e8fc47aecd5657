"""Creates the database on the volume at the first start, then becomes Datasette."""

import csv
import os
import sqlite3
import sys
from pathlib import Path

DATABASE = Path(os.environ.get("DATA_DIR", "/data")) / "planets.db"
CREATE = """CREATE TABLE planets (
    name TEXT PRIMARY KEY, kind TEXT, radius_km REAL, moons INTEGER, orbit_days REAL, discovered INTEGER)"""


def create_database() -> None:
    """Build the database beside its place and move it there whole: a killed start leaves no half of one."""
    draft = DATABASE.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with Path(__file__).with_name("planets.csv").open(newline="") as file:
        rows = [[value or None for value in row] for row in csv.reader(file)][1:]
    connection = sqlite3.connect(draft)
    with connection:
        connection.execute(CREATE)
        connection.executemany("INSERT INTO planets VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    draft.rename(DATABASE)


def main() -> None:
    if not DATABASE.exists():
        create_database()
    listen = ["--host", "0.0.0.0", "--port", os.environ.get("PORT", "8001")]
    prefix = ["--setting", "base_url", os.environ.get("BASE_PATH", "/")]
    os.execv(sys.executable, [sys.executable, "-m", "datasette", "serve", str(DATABASE), *listen, *prefix])


if __name__ == "__main__":
    main()
