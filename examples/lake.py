"""A directory of Parquet files partitioned by date, and a question to it in SQL. Needs duckdb."""

import sys
import tempfile
from pathlib import Path

import duckdb

import auditwake as aw

QUESTION = """
    select date, actor, count(*) as requests, count(*) filter (decision = 'forbid') as denied
    from read_parquet('{lake}/**/*.parquet', hive_partitioning = true)
    where is_terminal group by all order by all
"""


def main(log: str, lake: Path) -> None:
    """Convert a log, twice: the second time there is nothing to do. Then ask."""
    first = aw.convert(log, lake)
    again = aw.convert(log, lake)
    print(f"{first.rows:,} rows in {len(first.files)} files; the second time {again.rows} rows")
    print(duckdb.sql(QUESTION.format(lake=lake.as_posix())))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(sys.argv[1] if len(sys.argv) > 1 else str(aw.demo.LOG), Path(folder) / "lake")
