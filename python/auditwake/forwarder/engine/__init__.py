"""From a log to a sink: what is read, sent, sent again, set aside and acknowledged, and in which order.

`delivery` says what follows from an answer; `flow` knows what is under way and when a batch may be committed; `journal`
and `replay` make what is sent again after a crash the same bytes; `sender` and `payload_route` are the threads around
them; `table_route` is the way of rows.
"""
