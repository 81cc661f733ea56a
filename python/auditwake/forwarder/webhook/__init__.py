"""Receives what kube-apiserver's webhook backend sends, and keeps it as a log that is followed like any other.

`receiver` is the server, `handler` answers one request, `batch` makes lines of a body, `segments` makes them durable.
"""
