"""Says what facts mean: one file a section, pure functions of `Facts`."""
