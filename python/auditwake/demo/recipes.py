"""Three lines each of DuckDB, Polars and pandas, for the Parquet file that `auditwake demo` writes."""

__all__ = ["recipes"]

DUCKDB = """\
import duckdb
denied = "from 'FILE' where is_terminal and decision = 'forbid'"
print(duckdb.sql(f"select eff_user, verb, resource, count(*) as requests {denied} group by all order by requests desc"))
"""

POLARS = """\
import polars as pl
log = pl.scan_parquet("FILE").filter("is_terminal")
print(log.group_by("agent_name").agg(pl.len(), pl.col("duration_us").max()).sort("len", descending=True).collect())
"""

PANDAS = """\
import pandas as pd
log = pd.read_parquet("FILE", columns=["verb", "outcome", "is_terminal"]).query("is_terminal")
print(pd.crosstab(log["verb"], log["outcome"]))
"""


def recipes(file: str) -> dict[str, str]:
    """Give the lines to try.

    Args:
        file: Path of the Parquet file.

    Returns:
        Name of the library -> Python source.

    Example:
        >>> sorted(recipes("audit.parquet"))
        ['DuckDB', 'Polars', 'pandas']
    """
    sources = {"DuckDB": DUCKDB, "Polars": POLARS, "pandas": PANDAS}
    return {name: source.replace("FILE", file) for name, source in sources.items()}
