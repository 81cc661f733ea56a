"""One page about a log, to attach to a ticket: it needs no other file and no network.

Example:
    >>> import auditwake as aw
    >>> page = aw.report.make(aw.demo.LOG)
    >>> page.coverage.events
    2164
"""

from auditwake.report.make import Report, make
from auditwake.report.model import Chart, Column, Section, Table
from auditwake.report.price import price

__all__ = ["Chart", "Column", "Report", "Section", "Table", "make", "price"]
