"""What the tests of `aw.tail` share: a log that rotates, processes that write and read it, and what they recorded."""
