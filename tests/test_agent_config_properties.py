"""Whatever stands in the files: the loader answers, shows no secret, and says what the JSON Schema says."""

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from auditwake.errors import ConfigError
from auditwake.forwarder.config import load
from auditwake.forwarder.config.configcheck import configcheck, report
from auditwake.forwarder.config.key import Group, Key
from auditwake.forwarder.config.keys import DATADOG, FILE, words
from auditwake.forwarder.config.schema import schema
from auditwake.forwarder.config.yamltext import parse
from tests.agent_config import PLACES, SHIPPING, Wrap, is_main, problems, right, wrong

CASES = int(os.environ.get("AUDITWAKE_CASES", "50"))
CANARY = "5ecretCANARYc0ffee99d00d5ecret77"
SECRETS = {"secret", "secrets"}
MISSPELT = {
    "api_key": "api_kye",
    "token": "tokne",
    "password": "pasword",
    "hec_token": "hectoken",
    "headers": "haeders",
}
BAD_TYPES: tuple[Any, ...] = (None, 5, "x", True, [], {}, ["x"], {"x": "y"}, [None], [[]], 1.5, -1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


def answers(path: Path, environment: dict[str, str] = SHIPPING) -> str:
    """Load, and give all that is said of it, in every form."""
    try:
        config = load(path, environment)
    except ConfigError as error:
        return "\n".join([str(error), repr(error), configcheck(error), json.dumps(report(error))])
    return "\n".join([*config.warnings, repr(config), configcheck(config), json.dumps(report(config))])


# --- documents -------------------------------------------------------------------------------------------------------


def documents(group: Group, *, canary: bool = False, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Give maps with keys of the table, mostly right, and now and then an unknown one."""

    @st.composite
    def one(draw: st.DrawFn) -> dict[str, Any]:
        variant = draw(st.sampled_from([*group.variants, "none"])) if group.variants else None
        keys = group.of(variant)
        needed = [key for key in keys if (key.required or key.needed_by) and draw(st.integers(0, 9)) > 0]
        chosen = [*needed, *draw(st.lists(st.sampled_from(keys), max_size=4))]
        made = {key.name: draw(values(key, canary=canary, depth=depth)) for key in chosen}
        if canary:
            made |= {key.name: draw(secret(key)) for key in keys if key.kind in SECRETS and draw(st.booleans())}
            made = {
                MISSPELT.get(name, name) if draw(st.integers(0, 5)) == 0 else name: one for name, one in made.items()
            }
        if variant is not None and draw(st.integers(0, 9)):
            made["type"] = variant
        if draw(st.integers(0, 9)) == 0:
            made[draw(st.sampled_from(["foo", "pth", "logs", "Type", "x-y"]))] = draw(st.sampled_from(BAD_TYPES))
        return made

    return one()


def values(key: Key, *, canary: bool, depth: int) -> st.SearchStrategy[Any]:
    """Give values of a key, most of them right."""
    fine: st.SearchStrategy[Any] = st.just(right(key))
    if key.group is not None and depth < 4:
        inner = documents(key.group, canary=canary, depth=depth + 1)
        fine = inner if key.kind == "group" else st.lists(inner, max_size=2)
    if key.choices:
        fine = st.sampled_from(key.choices)
    if key.kind in {"whole", "number"}:
        bounds = [one for one in (key.least, key.most) if one is not None]
        near = [bound + step for bound in bounds for step in (-1, 0, 1)]
        fine = st.sampled_from([*near, *(int(one) for one in near if math.isfinite(one)), 7, 7.5, "7", "x"])
    return st.one_of(fine, fine, fine, st.just(wrong(key)), st.sampled_from(BAD_TYPES))


def secret(key: Key) -> st.SearchStrategy[Any]:
    held = st.sampled_from([CANARY, f"${{NO_SUCH}}{CANARY}", f"ENC[{CANARY}]", f"{CANARY}\n{CANARY}"])
    inside: st.SearchStrategy[Any] = st.one_of(
        st.lists(held, min_size=1, max_size=2), st.builds(lambda one: {"x": one}, held)
    )
    return inside if key.kind == "secrets" else st.one_of(held, held, inside)


CHECKED = Draft202012Validator(schema())
CHECKED_MAIN = Draft202012Validator(schema(main=True))


def test_the_schemas_are_schemas() -> None:
    for one in (schema(), schema(main=True)):
        Draft202012Validator.check_schema(one)
        assert json.loads(json.dumps(one)) == one


@settings(max_examples=CASES, deadline=None)
@given(document=documents(FILE) | st.sampled_from(BAD_TYPES))
@example({"logs": [{"type": "tcp"}, {"type": "file"}]})
@example({"auditwake": {"sinks": [{"type": "file", "path": "/a"}], "grace": "5", "metrics_address": None}})
def test_the_schema_says_what_the_checker_says(document: Any) -> None:  # noqa: ANN401  # a document, be it one or not
    errors, _ = problems(document)
    assert CHECKED.is_valid(document) == (not errors), [str(one) for one in errors]


@pytest.mark.parametrize(
    ("key", "wrap"),
    [(key, wrap) for group, variant, wrap, _ in PLACES for key in group.of(variant) if not is_main(group)],
)
def test_the_bounds_of_the_schema_are_those_of_the_checker(key: Key, wrap: Wrap) -> None:
    for bound, step in ((key.least, -1), (key.most, 1)):
        if bound is not None:
            outside = wrap({key.name: type(right(key))(bound + step)})
            assert problems(outside)[0]
            assert not CHECKED.is_valid(outside)


@settings(max_examples=CASES, deadline=None)
@given(document=documents(DATADOG) | st.sampled_from(BAD_TYPES))
def test_the_schema_of_datadog_yaml_too(document: Any) -> None:  # noqa: ANN401  # a document, be it one or not
    errors, _ = problems(document, main=True)
    assert CHECKED_MAIN.is_valid(document) == (not errors), [str(one) for one in errors]


# --- secrets ---------------------------------------------------------------------------------------------------------


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Give a document with secrets as YAML, sometimes hurt."""
    document = draw(documents(FILE, canary=True))
    flow = draw(st.sampled_from([None, True, False]))
    text: str = yaml.safe_dump(
        document, default_flow_style=flow, sort_keys=False, width=draw(st.sampled_from([20, 1000]))
    )
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        if CANARY[:6] in text[max(place - 40, 0) : place + 40]:
            continue  # A canary that is cut is none.
        text = (
            text[:place]
            + draw(st.sampled_from(["", ":", " ", "\t", "[", "}", "'", "\n", "- ", "#", "&a ", "*a"]))
            + text[place + 1 :]
        )
    return text


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=texts(), main=st.booleans())
def test_no_secret_is_ever_shown(folder: Path, text: str, main: bool) -> None:  # noqa: FBT001  # drawn
    path = folder / ("datadog.yaml" if main else "conf.yaml")
    path.write_text(text, encoding="utf-8")
    said = answers(path, {**SHIPPING, "DD_API_KEY": CANARY, "DD_PROXY_HTTPS": f"http://u:{CANARY}@proxy"})
    assert CANARY not in said
    assert CANARY[:-5] not in said


@settings(max_examples=CASES, deadline=None)
@given(
    text=st.text(alphabet=f'[]{{}}",:{chr(92)} ak', max_size=20),
    name=st.sampled_from(["PROCESSING_RULES", "ADDITIONAL_ENDPOINTS"]),
)
def test_no_secret_of_a_variable_is_shown(folder: Path, text: str, name: str) -> None:
    path = folder / "conf.yaml"
    path.write_text("logs: []")
    for said in (f'[{{"api_key": "{CANARY}"{text}', f'{text}{{"api_key": "{CANARY}"}}]'):
        assert CANARY[:-5] not in answers(path, {**SHIPPING, f"DD_LOGS_CONFIG_{name}": said})


# --- anything --------------------------------------------------------------------------------------------------------


@settings(max_examples=CASES, deadline=None)
@given(
    data=st.binary(max_size=60)
    | st.text(alphabet="logs:[]{}&*!|>-?'\"#%@`\n\t \r\x85\u2028ä<~0.e", max_size=60).map(str.encode)
)
@example(b"\xef\xbb\xbflogs: []")
@example(b"%YAML 1.2\n---\nlogs: []")
@example(b"logs: .inf")
@example(b"auditwake: {grace: .nan}")
@example(b"auditwake: {grace: " + b"9" * 5000 + b"}")
def test_the_loader_always_answers(folder: Path, data: bytes) -> None:
    path = folder / "any.yaml"
    path.write_bytes(data)
    assert answers(path)


def test_every_name_of_the_table_may_be_shown() -> None:
    assert {"logs", "api_key", "storage_options", "exclude_at_match"} <= words()


SCALARS = st.one_of(
    st.booleans(), st.integers(-(10**6), 10**6), st.text(alphabet="ab 1:#'\"\n~", max_size=6), st.none()
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
)


@settings(max_examples=CASES, deadline=None)
@given(tree=TREES, flow=st.sampled_from([None, True, False]))
def test_yaml_is_read_as_its_library_reads_it(tree: Any, flow: bool | None) -> None:  # noqa: ANN401, FBT001  # drawn
    text = yaml.safe_dump(tree, default_flow_style=flow)
    assert _values(parse(text)) == yaml.safe_load(text)


def _values(node: Any) -> Any:  # noqa: ANN401  # nodes, and what YAML holds
    if node.kind == "map":
        return {member.key: _values(member.node) for member in node.value}
    return [_values(one) for one in node.value] if node.kind == "list" else node.value
