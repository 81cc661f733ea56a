"""What people ask of their audit log, answered by DuckDB over logs, Parquet or Arrow.

A question is one file of SQL: its comment says what the answer means, and it stands on the views of
`views.sql`, which have one row a request. Nothing else knows what a question is about.

Example:
    >>> from auditwake import questions
    >>> "denied" in questions.names()
    True
"""

from auditwake.questions.answer import Answer
from auditwake.questions.asking import sql
from auditwake.questions.by import BY
from auditwake.questions.changes import changes
from auditwake.questions.coverage import Coverage
from auditwake.questions.entry import ask
from auditwake.questions.history import history
from auditwake.questions.log import AskedOf, Log
from auditwake.questions.question import Question, names, question, views
from auditwake.questions.scope import Scope

__all__ = [
    "BY",
    "Answer",
    "AskedOf",
    "Coverage",
    "Log",
    "Question",
    "Scope",
    "ask",
    "changes",
    "history",
    "names",
    "question",
    "sql",
    "views",
]
