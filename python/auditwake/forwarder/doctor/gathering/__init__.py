"""Looks at the node, the files and the sinks. Nothing is judged here, and nothing is written anywhere."""
