"""The agent: from `conf.d` to a sink, with offsets that only an acknowledgement moves.

`config` reads the configuration, `encoding` says how events become payloads, `sinks` take them and give `answers`,
the engine moves the offsets, and `snapshot` is how all of it stands.
"""
