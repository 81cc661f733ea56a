"""From the bytes of a policy to the server's own reading of them; `auditwake.policy.load` puts the parts together.

`jsontext` or `yaml` (with `dialect`, `nodes` and `resolve`) make a `tree` with marks, `kinds` looks the kind up,
`decode` (with `shape` and `times`) gives it the server's types, `validate` checks it. `versions` knows what
differs between servers.
"""
