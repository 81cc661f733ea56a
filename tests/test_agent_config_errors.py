"""Every error with its exact place, all of them at once, and no secret in any of them."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from auditwake import _core
from auditwake.errors import AuditwakeError, ConfigError, ConfigProblem
from auditwake.forwarder.config import load
from auditwake.forwarder.config.key import Group, Key
from auditwake.forwarder.config.keys import TYPES
from auditwake.forwarder.config.yamltext import DEEPEST, LARGEST
from tests.agent_config import (
    INTEGRATION,
    PLACES,
    SHIPPING,
    Wrap,
    is_main,
    loaded,
    problems,
    refused,
    right,
    warned,
    wrong,
)

KEYS = [(group, key, wrap, path) for group, variant, wrap, path in PLACES for key in group.of(variant)]


def named(value: object) -> str:
    """Name a case by its key and its place."""
    return value.name if isinstance(value, Key) else value if isinstance(value, str) else "-"


# --- each key of the table -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "key", "wrap", "path"), KEYS, ids=named)
def test_a_key_takes_what_it_is_for(group: Group, key: Key, wrap: Wrap, path: str) -> None:
    errors, warnings = problems(wrap({key.name: right(key)}), main=is_main(group))
    assert errors == ()
    assert [one.path for one in warnings] == ([f"{path}{key.name}"] if key.ignored else [])
    if key.ignored:
        assert key.reason in warnings[0].message


@pytest.mark.parametrize(("group", "key", "wrap", "path"), [one for one in KEYS if one[1].kind != "any"], ids=named)
def test_a_key_takes_nothing_else(group: Group, key: Key, wrap: Wrap, path: str) -> None:
    if key.ignored:
        return
    errors, _ = problems(wrap({key.name: wrong(key)}), main=is_main(group))
    assert f"{path}{key.name}" in [one.path for one in errors]
    assert "expected" in errors[0].message
    assert errors[0].remedy


@pytest.mark.parametrize(("group", "key", "wrap", "path"), [one for one in KEYS if one[1].choices], ids=named)
def test_a_choice_takes_no_other_word(group: Group, key: Key, wrap: Wrap, path: str) -> None:
    document = wrap({key.name: f"{key.choices[0]}x"})
    errors, warnings = problems(document, main=is_main(group))
    (problem,) = [one for one in (warnings if key.fallback else errors) if one.path == f"{path}{key.name}"]
    assert f"did you mean {key.choices[0]}?" in problem.remedy


# --- places ----------------------------------------------------------------------------------------------------------


def test_all_at_once_with_place_line_and_caret(tmp_path: Path) -> None:
    text = """\
logs:
  - type: fiel
    path: /a
  - type: file
    path: 5
    start_position: begining
    encoding: utf-16-le
  - type: file
auditwake:
  sink: []
  grace: soon
"""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert (
        str(caught.value).replace(f"{tmp_path}/", "").replace(", ".join(TYPES), "{kinds}")
        == """\
conf.yaml:2:11: logs[0].type: 'fiel' is not one of {kinds}
  |   - type: fiel
  |           ^
  did you mean file?
conf.yaml:5:11: logs[1].path: expected a string, got a number
  |     path: 5
  |           ^
  path is the log, or a pattern with `*`, `?` or `[`
conf.yaml:6:21: logs[1].start_position: 'begining' is not one of beginning, end, forceBeginning, forceEnd
  |     start_position: begining
  |                     ^
  did you mean beginning?
conf.yaml:7:15: logs[1].encoding: 'utf-16-le' is not one of utf-8
  |     encoding: utf-16-le
  |               ^
  write one of utf-8 (kube-apiserver writes UTF-8 and nothing else)
conf.yaml:8:5: logs[2].path: is missing
  |   - type: file
  |     ^
  add path: the log, or a pattern with `*`, `?` or `[`
conf.yaml:10:3: auditwake.sink: there is no such key
  |   sink: []
  |   ^
  did you mean sinks?
conf.yaml:11:10: auditwake.grace: expected a number, got another word
  |   grace: soon
  |          ^
  grace is seconds that a stop waits for what is under way"""
    )


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (
            "logs:\n\t- a",
            "conf.yaml:2:1: is no YAML: while scanning for the next token, found character that cannot start any token",
        ),
        ("logs: [1", "conf.yaml:2:1: is no YAML"),
        ("logs: 'a", "conf.yaml:1:9: is no YAML"),
        ("- a", "conf.yaml:1:1: expected a map with keys such as logs, got a list"),
        ("text", "conf.yaml:1:1: expected a map with keys such as logs, got a string"),
        ("a\0b", "conf.yaml:1:2: holds a NUL"),
        ("a: \x07", "conf.yaml:1:4: holds the character U+0007, which YAML does not allow"),
        ("logs: []\nlogs: []", "conf.yaml:2:1: the key stands here again, first in line 1, column 1"),
        ("logs: []\n---\nlogs: []", "conf.yaml:2:1: a second document begins here"),
        ("logs: !!python/object:os.system []", "conf.yaml:1:7: tags have no meaning here"),
        ("logs: *a", "conf.yaml:1:7: an alias names nothing"),
        ("logs: &a [*a]", "conf.yaml:1:11: an alias stands in what it names"),
        ("? [a]\n: b", "conf.yaml:1:3: a key is a word, and this is a list"),
        ("logs: {<<: 5}", "conf.yaml:1:12: only maps can be merged, and this is a number"),
        ("logs: " + "[" * 10_000, f"conf.yaml:1:1006: is nested more than {DEEPEST} deep"),
        (f"#{'x' * LARGEST}", "conf.yaml: is larger than 1024 KiB"),
        (
            INTEGRATION + "    tags: {a: b}",
            "conf.yaml:6:11: logs[0].tags: expected a list of strings, or one string with commas, got a map",
        ),
        (INTEGRATION + "    tags: [[a]]", "conf.yaml:6:12: logs[0].tags[0]: expected a string, got a list"),
        ("auditwake: {sinks: []}", "conf.yaml:1:20: auditwake.sinks: there is no sink in it"),
        ("auditwake: {sinks: [{type: http}]}", "conf.yaml:1:21: auditwake.sinks[0].url: is missing"),
        (
            "auditwake: {sinks: [{type: http, url: 'https://h', headers: {a b: c}}]}",
            "conf.yaml:1:67: auditwake.sinks[0].headers.a b: is no name of a header",
        ),
        (
            'auditwake: {sinks: [{type: http, url: "https://h", headers: {a: "b\\r\\nc: d"}}]}',
            "conf.yaml:1:65: auditwake.sinks[0].headers.a: holds characters that no HTTP header can hold",
        ),
        (
            "auditwake: {sinks: [{type: kafka}]}",
            "conf.yaml:1:28: auditwake.sinks[0].type: 'kafka' is not one of datadog, ",
        ),
        (
            "auditwake: {sinks: [{type: http, url: 'host:80'}]}",
            "conf.yaml:1:39: auditwake.sinks[0].url: expected a URL that begins",
        ),
        ("auditwake: {sinks: [{type: http, url: 'http://h:x'}]}", "conf.yaml:1:39: auditwake.sinks[0].url: is no URL"),
        (
            "auditwake: {sinks: [{type: stdout, name: a/b}]}",
            "conf.yaml:1:42: auditwake.sinks[0].name: is no name for a sink",
        ),
        (
            "auditwake: {sinks: [{type: stdout, name: a}, {type: stdout, name: A}]}",
            "conf.yaml:1:67: auditwake.sinks[1].name: another sink is called A already",
        ),
        (
            "auditwake: {sinks: [{type: splunk, url: 'https://h'}]}",
            "conf.yaml:1:21: auditwake.sinks[0].hec_token: is missing",
        ),
        (
            "auditwake: {sinks: [{type: http, url: 'https://h', token: a, token_file: b}]}",
            "conf.yaml:1:74: auditwake.sinks[0].token_file: token and token_file cannot both be given",
        ),
        (
            "auditwake: {sinks: [{type: http, url: 'https://h', token: a, username: b}]}",
            "conf.yaml:1:59: auditwake.sinks[0].token: a receiver takes a token or a name and password",
        ),
        (
            "auditwake: {sinks: [{type: http, url: 'https://h', client_key_file: a}]}",
            "conf.yaml:1:69: auditwake.sinks[0].client_key_file: client_key_file is of no use without client_cert_file",
        ),
        (
            "auditwake: {sinks: [{type: http, url: 'https://h', compression_level: 12}]}",
            "conf.yaml:1:71: auditwake.sinks[0].compression_level: gzip has no level 12",
        ),
        (
            "auditwake: {sinks: [{type: parquet, directory: /p, columns: [no-such]}]}",
            "conf.yaml:1:61: auditwake.sinks[0].columns: ",
        ),
        (
            "auditwake: {sinks: [{type: stdout, backoff: {base: 5, max: 1}}]}",
            "conf.yaml:1:60: auditwake.sinks[0].backoff.max: max is less than base",
        ),
        ("auditwake: {metrics_address: '8686'}", "conf.yaml:1:30: auditwake.metrics_address: expected host:port"),
        ("auditwake: {kube_version: '1.5'}", "conf.yaml:1:27: auditwake.kube_version: "),
        (
            "auditwake: {policy: /no/such.yaml}",
            "conf.yaml:1:21: auditwake.policy: the policy cannot be read: ",
        ),
        ("auditwake: {backups: ''}", "conf.yaml:1:22: auditwake.backups: the pattern is empty"),
        ("auditwake: {grace: -1}", "conf.yaml:1:20: auditwake.grace: -1 is out of range"),
        ("auditwake: {grace: 1e300}", "conf.yaml:1:20: auditwake.grace: the number is too large"),
        ("auditwake: {grace: 1e999}", "conf.yaml:1:20: auditwake.grace: the number is too large"),
        ("auditwake: {grace: %s}" % ("1" * 400), "conf.yaml:1:20: auditwake.grace: the number is too large"),
        (
            "auditwake: {retention: {maxsize: 1e300}}",
            "conf.yaml:1:34: auditwake.retention.maxsize: the number is too large",
        ),
        ("auditwake: {webhook: [{address: '0.0.0.0:1'}]}", "conf.yaml:1:33: auditwake.webhook[0].address: without TLS"),
        (
            "auditwake: {webhook: [{address: '[::1]:1', path: x}]}",
            "conf.yaml:1:50: auditwake.webhook[0].path: the path of a URL",
        ),
        (
            "auditwake: {webhook: [{address: '[::1]:1', cert_file: x}]}",
            "conf.yaml:1:55: auditwake.webhook[0].cert_file: cert_file is of",
        ),
        (
            "auditwake: {webhook: [{address: '[::1]:1', client_ca_file: x}]}",
            "conf.yaml:1:60: auditwake.webhook[0].client_ca_file: certif",
        ),
        (
            "auditwake: {webhook: [{address: '[::1]:1'}, {address: '[::1]:1'}]}",
            "conf.yaml:1:55: auditwake.webhook[1].address: two receivers cannot listen on one address",
        ),
        ("logs: [{type: file, path: ''}]", "conf.yaml:1:27: logs[0].path: the path is empty"),
        (
            "logs: [{type: file, path: /a, log_processing_rules: [{name: n, type: mask_sequences, pattern: ''}]}]",
            "conf.yaml:1:95: logs[0].log_processing_rules[0].pattern: the pattern is empty",
        ),
        (
            "logs: [{type: file, path: /a, log_processing_rules: [{name: n, type: mask_sequences}]}]",
            "conf.yaml:1:54: logs[0].log_processing_rules[0].pattern: is missing",
        ),
    ],
)
def test_an_error_has_its_place(tmp_path: Path, text: str, first: str) -> None:
    (found,) = refused(tmp_path, text)
    assert found.startswith(first)


def test_the_depth_is_bounded(tmp_path: Path) -> None:
    assert loaded(tmp_path, f"x: {'[' * (DEEPEST - 1)}{']' * (DEEPEST - 1)}")
    (found,) = refused(tmp_path, f"x: {'[' * DEEPEST}{']' * DEEPEST}")
    assert found == f"conf.yaml:1:{3 + DEEPEST}: is nested more than {DEEPEST} deep"


def test_tabs_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="YAML takes spaces for indentation, no tabs"):
        loaded(tmp_path, "logs:\n\t- a")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "conf.yaml"
    path.write_bytes(b"logs:\n  - \xff\xfe")
    with pytest.raises(ConfigError, match=r"conf\.yaml:2:5: is not UTF-8"):
        load(path, SHIPPING)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "conf.yaml"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(ConfigError, match="is larger than 1024 KiB"):
        load(path, SHIPPING)


def test_aliases_cannot_make_a_text_grow(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    (first,) = refused(tmp_path, "\n".join(lines))
    assert "grows to more than 50,000 values" in first


def test_an_empty_file_is_a_warning(tmp_path: Path) -> None:
    for text in ("", "# nothing\n", "---\n", "null"):
        config = loaded(tmp_path, text)
        assert config.sources == ()
        assert warned(config, tmp_path) == ["conf.yaml: there is nothing to read", "conf.yaml:1:1: the file is empty"]


def test_a_place_where_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    with pytest.raises(ConfigError, match="no path was given"):
        load([], SHIPPING)
    with pytest.raises(ConfigError) as caught:
        load([tmp_path / "conf.d", tmp_path / "none", "a\0b"], SHIPPING)
    assert [one.message for one in caught.value.problems] == [
        "there is no configuration in it",
        "cannot be read: No such file or directory",
        "cannot be read: the name holds a NUL",
    ]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything, and Windows has no such modes")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "conf.yaml"
    path.touch(mode=0)
    with pytest.raises(ConfigError, match="Permission denied"):
        load(path, SHIPPING)


def test_a_pattern_is_checked_by_the_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Encoder:
        def __init__(self, encoding: object, rules: Any) -> None:  # noqa: ANN401  # as the core's own
            del encoding
            for rule in rules:
                if "(?=" in rule.pattern:
                    message = f"rule {rule.name}: no\nlook-around"
                    raise ValueError(message)

    monkeypatch.setattr(_core, "Encoder", Encoder, raising=False)
    text = "    log_processing_rules: [{name: n, type: mask_sequences, pattern: '%s'}]\n"
    assert loaded(tmp_path, INTEGRATION + text % "a").sources[0].rules
    (first,) = refused(tmp_path, INTEGRATION + text % "(?=a)")
    assert first == "conf.yaml:6:69: logs[0].log_processing_rules[0].pattern: rule n: no look-around"


# --- warnings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("    servce: x", "conf.yaml:6:5: logs[0].servce: is no key that this agent knows; it has no effect"),
        ("    identifier: x", "conf.yaml:6:5: logs[0].identifier: has no effect: it is the id of a container"),
        (
            "  - type: tcp",
            "conf.yaml:6:11: logs[1].type: an entry with type: tcp is left out: this agent only follows files",
        ),
        (
            "    log_processing_rules: [{name: n, type: multi_line, pattern: x}]",
            "conf.yaml:6:44: logs[0].log_processing_rules[0].type: the rule multi_line has no effect: an event of an",
        ),
        (
            "  - {type: file, path: /var/log/kubernetes/apiserver/audit.log}",
            "conf.yaml:6:24: logs[1].path: the log is named already, in conf.yaml:3: this entry is left out",
        ),
        (
            "  - {type: file, path: /var/log/kubernetes/*/audit.log}",
            "conf.yaml:6:24: logs[1].path: the log is named already, in conf.yaml:3: each event is sent twice",
        ),
        ("  - {type: file, path: audit.log}", "conf.yaml:6:24: logs[1].path: the path is relative"),
        ("  - {type: file, path: /audit.log.gz}", "conf.yaml:6:24: logs[1].path: a compressed file does not grow"),
        (
            "    start_position: forceEnd",
            "conf.yaml:6:21: logs[0].start_position: forceEnd skips what was not read at each",
        ),
        ("    exclude_paths: [/a]", "conf.yaml:6:20: logs[0].exclude_paths: has no effect: the path is no pattern"),
        ("instances: [{a: b}]", "conf.yaml:6:1: instances: has no effect: this agent runs no checks"),
        ("x: [{a: b}]", "conf.yaml:6:1: x: is no key that this agent knows"),
        (
            "auditwake: {sinks: [{type: http, url: 'http://host'}]}",
            "conf.yaml:6:39: auditwake.sinks[0].url: events, and secrets",
        ),
        (
            "auditwake: {sinks: [{type: http, url: 'https://host', verify: no}]}",
            "conf.yaml:6:63: auditwake.sinks[0].verify: no is taken for false",
        ),
        (
            "auditwake: {sinks: [{type: datadog, api_key: abc}]}",
            "conf.yaml:6:46: auditwake.sinks[0].api_key: this does not look like an API key of Datadog",
        ),
    ],
)
def test_a_warning_has_its_place(tmp_path: Path, text: str, first: str) -> None:
    assert warned(loaded(tmp_path, INTEGRATION + text), tmp_path)[0].startswith(first)


def test_what_a_pattern_leaves_out_is_not_sent_twice(tmp_path: Path) -> None:
    text = "  - {type: file, path: /var/log/kubernetes/*/audit.log, exclude_paths: '/var/log/kubernetes/apiserver/*'}"
    assert loaded(tmp_path, INTEGRATION + text).warnings == ()


def test_a_pattern_of_nothing_matches_nothing(tmp_path: Path) -> None:
    text = "  - {type: file, path: '.'}\n  - {type: file, path: /a, exclude_paths: ['', '.']}\n"
    assert not [one for one in loaded(tmp_path, INTEGRATION + text).warnings if "named already" in one]


def test_an_empty_list_of_instances_is_no_warning(tmp_path: Path) -> None:
    assert loaded(tmp_path, INTEGRATION + "init_config:\ninstances: []\n").warnings == ()


def test_the_other_keys_of_datadog_yaml_are_one_warning(tmp_path: Path) -> None:
    text = "logs_enabled: true\napm_config: {}\nprocess_config: {}\nsitee: x\n"
    with pytest.raises(ConfigError):  # there is no API key
        load([tmp_path / loaded(tmp_path, INTEGRATION).files[0], _main(tmp_path, text)], {})
    config = load([tmp_path / "conf.yaml", _main(tmp_path, text)], SHIPPING)
    assert warned(config, tmp_path) == [
        "datadog.yaml:1:1: 2 keys are not used by this agent: apm_config, process_config",
        "datadog.yaml:4:1: sitee: is no key that this agent knows; it has no effect",
    ]


def _main(folder: Path, text: str) -> Path:
    path = folder / "datadog.yaml"
    path.write_text(text)
    return path


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    text = "logs:\n  - &a {type: file, path: /a, service: s, tags: &t [x]}\n  - {<<: *a, path: /b, tags: *t}\n"
    first, second = loaded(tmp_path, text).sources
    assert (first.service, second.service) == ("s", "s")
    assert (first.path, second.path, second.tags) == ("/a", "/b", ("x",))


# --- the error itself ------------------------------------------------------------------------------------------------


def test_the_error_is_what_its_table_says() -> None:
    problem = ConfigProblem(file="a", message="m")
    error = ConfigError([problem])
    assert isinstance(error, AuditwakeError)
    assert isinstance(error, ValueError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert again.problems == (problem,)
    assert str(again) == str(error) == "a: m"


@pytest.mark.parametrize(
    "text",
    [
        "auditwake: {sinks: [{type: http, url: 'ftp://u:CANARY@h'}]}",
        "auditwake: {sinks: [{type: http, url: 'https://u:CANARY@h', verify: 1}]}",
        "auditwake: {sinks: [{type: http, tokne: CANARY}]}",
        "auditwake: {sinks: [{type: http, token: [CANARY]}]}",
        "auditwake: {sinks: [{type: http, headers: {X: [CANARY]}}]}",
        "auditwake: {sinks: [{type: http, headers: CANARY}]}",
        "auditwake: {sinks: CANARY}",
        "auditwake: {sinks: [{type: http, token: CANARY, nope: 1}]}",
        "auditwake: {sinks: [{type: delta, table: /t, storage_options: {a: CANARY}, nope: 1}]}",
        "auditwake: {grace: x, webhook: [{address: '[::1]:1', token: CANARY}]}",
        "auditwake: [{api_kye: CANARY}]",
        "auditwake: {sinks: [{type: htp, whatever: CANARY}]}",
        "auditwake: {sinks: [{type: stdout, token CANARY, name: 5/5}]}",
        "auditwake: {token: 'ENC[CANARY]'}",
        "auditwake: {token: &a CANARY, grace: *a}",
        "auditwake: {token: 'a\n  CANARY', grace: x}",
        "auditwake: {grace: x} # token CANARY",
        "api_key: 'CANARY",
        "api_key: CANARY: [",
        "api_key: CANARY\napi_key: CANARY",
        "api_key: {CANARY: 1, CANARY: 2}",
        "api_key: !CANARY x",
        "api_key: *CANARY",
        'api_key: "CANARY\\q"',
        "CANARY",
    ],
)
def test_no_message_shows_a_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert "CANARY" not in str(caught.value)
    assert "CANARY" not in repr(caught.value)
