"""What became of every byte of a log, and the lines that hold no event."""

import sys

import auditwake as aw


def main(log: str) -> None:
    """Read a log through and print its account."""
    reader = aw.read(log, columns=["audit_id", "repairs"])
    for _ in reader:
        pass
    seen = reader.outcomes
    for name in ("ok", "repaired", "skipped", "rejected"):
        outcome = getattr(seen, name)
        print(f"{name:9}{outcome.lines:10,} lines{outcome.bytes:16,} bytes")
    print(f"in all {seen.bytes:,} bytes, as many as were read")
    for line in reader.rejected:
        print(f"{line.file} at {line.offset}: {line.length} bytes, {line.reason}: {line.detail}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(aw.demo.LOG))
