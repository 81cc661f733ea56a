"""The page: one file that needs no other and no network."""

import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Final

from auditwake.report.html import Markup, data, join, tag
from auditwake.report.model import Chart, Section
from auditwake.report.scripts import policy, scripts, style
from auditwake.report.tables import table
from auditwake.report.words import shown

__all__ = ["page"]

CHARTS: Final = files(__package__) / "charts"
LONGEST_NOTE: Final = 600


def page(
    *, title: str, source: str, written: str, facts: Sequence[tuple[str, str]], sections: Sequence[Section], by: str
) -> str:
    """Write the page.

    Args:
        title: Its heading.
        source: What was read, in words.
        written: When it was written, in words.
        facts: Pairs of a name and a value for its head.
        sections: Its sections.
        by: Who wrote it.
    """
    # The policy comes first: it holds for what follows it.
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Markup(style())),
    )
    body = tag(
        "body",
        _banner(title, source, written, facts),
        _contents(sections),
        tag("main", *map(_section, sections)),
        tag("footer", tag("p", f"Written by {by} at {written}. This page loads nothing and sends nothing.")),
        *(tag("script", Markup(script)) for script in scripts()),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _banner(title: str, source: str, written: str, facts: Iterable[tuple[str, str]]) -> Markup:
    pairs = (tag("div", tag("dt", name), tag("dd", value)) for name, value in facts)
    return tag(
        "header",
        tag("div", tag("h1", title), tag("button", "Light or dark", type="button", id="theme"), class_="top"),
        tag("p", "Source: ", tag("bdi", shown(source)), f". Written {written}.", class_="source"),
        tag("noscript", tag("p", "The pictures need JavaScript; the tables do not.", class_="note")),
        tag("dl", *pairs, class_="facts"),
    )


def _contents(sections: Iterable[Section]) -> Markup:
    links = (tag("li", tag("a", one.title, href=f"#{one.key}")) for one in sections)
    return tag("nav", tag("ul", *links), aria_label="Sections")


def _section(one: Section) -> Markup:
    notes = tag("ul", *(tag("li", shown(note, LONGEST_NOTE)) for note in one.notes), class_="notes")
    return tag(
        "section",
        tag("h2", one.title, id=f"{one.key}-title"),
        tag("p", one.about, class_="about"),
        notes if one.notes else Markup(),
        *(_chart(chart) for chart in one.charts if chart.rows),
        *map(table, one.tables),
        id=one.key,
        aria_labelledby=f"{one.key}-title",
    )


def _chart(one: Chart) -> Markup:
    """Write the data of a chart and the place where the script draws it."""
    spec = json.loads((CHARTS / f"{one.name}.json").read_text(encoding="utf-8"))
    how = {"title": one.title, "span": one.span_ms, "categories": one.categories}
    drawn = data({"spec": spec, **how, "rows": list(one.rows)})
    return join(
        [
            tag(
                "figure",
                tag("figcaption", one.title),
                tag("div", class_="chart", id=f"chart-{one.name}"),
            ),
            tag("script", drawn, type="application/json", data_chart=one.name),
        ]
    )
