"""A log appended to a Delta table as it is read. Needs deltalake."""

import sys
import tempfile

from deltalake import DeltaTable, write_deltalake

import auditwake as aw


def main(log: str, table: str) -> None:
    """Append a log and print the table's version and length."""
    write_deltalake(table, aw.read(log), mode="append")
    delta = DeltaTable(table)
    print(f"version {delta.version()}: {delta.to_pyarrow_dataset().count_rows():,} rows")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(sys.argv[1] if len(sys.argv) > 1 else str(aw.demo.LOG), folder)
