"""One small module per engine, all with the same two functions: ``to_arrow`` and ``to_parquet``."""
