"""Which files beside a log are rotated ones, and what logrotate is told about it."""

from itertools import product
from pathlib import Path

import pytest

import auditwake as aw
from auditwake.forwarder.doctor.gathering.logrotate import logrotate_of
from auditwake.forwarder.doctor.gathering.names import live_name, looks_rotated, rotated_at
from tests.doctoring.node import LOG, Node, codes
from tests.tailing.lines import line

STAMP = "2026-11-24T00-10-19.262"
BESIDE = [
    f"audit-{STAMP}.log",
    f"audit-{STAMP}.log.gz",
    f"audit-{STAMP}.log.1.gz",
    f"audit-{STAMP}.json",
    f"audit-webhook-{STAMP}.log",
    f"audit.log-{STAMP}",
    "audit.log.1",
    "audit.log.0",
    "audit.log.01",
    "audit.log.12.gz",
    "audit.log.2.zst",
    "audit.log-20261124",
    "audit.log-2026112413.gz",
    "audit.log-20261124-1790000000",
    "audit.log-20261124.1",
    "audit.log-19991231",
    "audit-20261124.log",
    "audit_20261124.log",
    "audit.1.log",
    "audit.log.old",
    "audit.log.bak",
    "audit.log.gz",
    "audit-old.log",
    "audit-webhook.log",
    "audit-policy.yaml",
    "audit-node1.log",
    "audit.logs",
    "audit.json",
    "auditd.log",
    "audit.log.swp",
    "audit",
]
STRANGE = {
    "audit.log.01",
    "audit.log-19991231",
    "audit-20261124.log",
    "audit_20261124.log",
    "audit.1.log",
    "audit.log.old",
    "audit.log.bak",
    "audit.log.gz",
    "audit-old.log",
}


def test_the_names_that_are_known_are_those_that_the_tail_reads(tmp_path: Path) -> None:
    """Each beside the log, alone: the tail of the log has its event, or has not."""
    for number, name in enumerate(BESIDE):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "audit.log").write_bytes(line(1))
        # What is no gzip in spite of its name is read as it is.
        (folder / name).write_bytes(line(2))
        with aw.tail(folder / "audit.log", state=None, follow=False, columns=["name"]) as tail:
            read = sum(batch.num_rows for batch in tail)
        assert (live_name(name) == "audit.log") == (read == 2), name


def test_what_looks_rotated_has_a_time_a_number_or_a_word_of_rotation() -> None:
    unknown = [name for name in BESIDE if live_name(name) != "audit.log"]
    assert {name for name in unknown if looks_rotated(name, "audit.log")} == STRANGE


def test_other_logs_beside_it_are_no_rotated_files_of_it(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.backups += ["audit-webhook.log", "audit-policy.yaml", f"audit-webhook-{STAMP}.log", "audit-node1.log"]
    assert codes(node.judge()) == set()


@pytest.mark.parametrize("known", [True, False])
def test_a_name_becomes_known_without_taking_the_usual_ones_away(known: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a case
    node = Node(tmp_path)
    node.backups = ["audit.log.old", *(["audit.log.4.gz", f"audit-{STAMP}.log"] if known else [])]
    (found,) = [one for one in node.judge() if one.code == "AWD408"]
    folder = node.at(LOG).parent
    expected = f"mv -n {folder}/audit.log.old {folder}/audit.log.5" if known else "backups: 'audit.log.old'"
    assert expected in found.fix


def test_the_time_in_a_name() -> None:
    assert rotated_at(f"audit-{STAMP}.log.gz") == pytest.approx(1795479019.262)
    assert rotated_at("audit-2026-99-24T00-10-19.262.log") is None
    assert rotated_at("audit.log.1") is None


# --- logrotate -------------------------------------------------------------------------------------------------------

NAMES = {
    "/var/log/kubernetes/apiserver/audit.log": True,
    "/var/log/kubernetes/*/*.log": True,
    "/var/log/kubernetes/apiserver/audit.[lm]og": True,
    "/var/log/{kubernetes,k3s}/apiserver/audit.log": True,
    "/var/log/{k3s,kubernetes}/{a,apiserver}/{audit,other}.log": True,
    "/var/log/{k3s,{kube,kubernetes}}/apiserver/*.log": True,
    "/var/log/other.log /var/log/kubernetes/apiserver/audit.log": True,
    '"/var/log/kubernetes/apiserver/audit.log"': True,
    "/var/log/other.log\n/var/log/kubernetes/apiserver/audit.log\n": True,
    "/var/log/*.log": False,
    "/var/log/*/audit.log": False,
    "/var/log/{k3s,rke2}/apiserver/audit.log": False,
    "/var/log/kubernetes/apiserver/audit.log.bak": False,
}
BODIES = {
    "{\n  daily\n  copytruncate\n}\n": True,
    "{ daily\n copytruncate }\n": True,
    "{daily\ncopytruncate}\n": True,
    "{\n  postrotate\n    if true; then { kill -HUP 1; }\n    fi\n  endscript\n  copytruncate\n}\n": True,
    "{\n  postrotate\n    echo copytruncate\n  endscript\n}\n": False,
    "{\n  # copytruncate\n  nocopytruncate\n}\n": False,
    "{\n  daily\n}\n/var/log/other.log {\n  copytruncate\n}\n": False,
}


@pytest.mark.parametrize(("name", "body"), list(product(NAMES, BODIES)))
def test_a_block_is_found_by_its_names(name: str, body: str, tmp_path: Path) -> None:
    (tmp_path / "etc" / "logrotate.d").mkdir(parents=True)
    (tmp_path / "etc" / "logrotate.d" / "k8s").write_text(f"# audit {{\n{name} {body}")
    found = list(logrotate_of(tmp_path, {LOG}))
    assert len(found) == NAMES[name]
    assert [one.copytruncate is not None for one in found] == [BODIES[body]] * len(found)
    for one in found:
        text = Path(one.place.file).read_text().splitlines()
        assert "audit" in text[(one.place.line or 0) - 1] or "*.log" in text[(one.place.line or 0) - 1]


@pytest.mark.parametrize("own", ["", "nocopytruncate"])
def test_what_stands_outside_of_blocks_holds_for_all_that_follow(own: str, tmp_path: Path) -> None:
    for name, text in {
        "logrotate.conf": "weekly\ncopytruncate\ninclude /etc/more\n",
        "more/k8s": f"{LOG} {{\n {own}\n}}\n",
    }.items():
        (tmp_path / "etc" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "etc" / name).write_text(text)
    (found,) = logrotate_of(tmp_path, {LOG})
    assert (found.copytruncate is None) == bool(own)
    assert found.place.file == str(tmp_path / "etc" / "more" / "k8s")


def test_names_of_a_hostile_file_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "etc" / "logrotate.d").mkdir(parents=True)
    (tmp_path / "etc" / "logrotate.d" / "k8s").write_text("/" + "{a,b}" * 200 + " {\n}\n")
    assert list(logrotate_of(tmp_path, {LOG})) == []
