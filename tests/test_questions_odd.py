"""What is odd in a log and must not mislead: clocks that are set back, refused impersonation, dry runs in a body."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake import questions
from auditwake.report import make
from tests.asked import Event, event, write
from tests.reporting import tables

BACK = {"stageTimestamp": "2026-11-24T00:08:17.000000Z"}
SET_BACK = "the clock was set back during 1 request, which counts as no time"


def ask(name: str, log: Path, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # as `ask` takes them
    found: list[dict[str, Any]] = aw.ask(name, log, **asked).table.to_pylist()
    return found


# --- clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "verb"), [("top", "get"), ("slow", "get"), ("top_lists", "list")], ids=["top", "slow", "top_lists"]
)
def test_a_clock_that_is_set_back_takes_no_time_away(tmp_path: Path, name: str, verb: str) -> None:
    log = write(tmp_path / "audit.log", [event(auditID="1", verb=verb), event(auditID="2", verb=verb, **BACK)])
    answer = aw.ask(name, log)
    (row,) = answer.table.to_pylist()
    assert row["busy_ms"] == 1.5
    assert answer.notes == (SET_BACK,)


def test_a_session_does_not_last_less_than_nothing(tmp_path: Path) -> None:
    ref = {"resource": "pods", "subresource": "exec", "namespace": "web", "name": "shop"}
    (row,) = ask("exec", write(tmp_path / "audit.log", [event(objectRef=ref, **BACK)]))
    assert row["took_s"] is None


def test_the_page_counts_no_negative_time(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event(auditID="1"), event(auditID="2", **BACK)])
    page = make(log)
    head, row = tables(page.html)["Users"]
    assert dict(zip(head, row, strict=True))["busy"] == "1.5 ms"
    assert any("set back" in note for section in page.sections for note in section.notes)


# --- denials ---------------------------------------------------------------------------------------------------------


def refused(resource: str, name: str, place: str = "at the cluster scope") -> Event:
    said = f'User "alice" cannot impersonate resource "{resource}" in API group "" {place}'
    message = f'{resource} "{name}" is forbidden: {said}'
    return event(
        annotations=None,
        user={"username": "alice"},
        responseStatus={"code": 403, "message": message},
    )


def test_a_refused_impersonation_is_a_denial_everywhere(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [refused("users", "root"), event(auditID="2")])
    assert ask("errors", log) == []
    assert "1 request was denied: see `denied`" in aw.ask("errors", log).notes
    assert [row["denied"] for row in ask("errors_timeline", log)] == [1]
    for name in ("top", "who"):
        assert {row["user"]: (row["denied"], row["failed"]) for row in ask(name, log)} == {
            "alice": (1, 0),
            "alice@example.com": (0, 0),
        }, name
    assert [row["missing"].partition(":")[0] for row in ask("denied_why", log)] == ["may not act as root"]
    page = make(log)
    head, row = tables(page.html)["Who was denied what"]
    assert "cannot impersonate" in dict(zip(head, row, strict=True))["reason"]


@pytest.mark.parametrize(
    ("made", "acted_as", "with_groups"),
    [
        (refused("users", "root"), "root", None),
        (refused("groups", "system:masters"), None, ["system:masters"]),
        (
            refused("serviceaccounts", "builder", 'in the namespace "web"'),
            "system:serviceaccount:web:builder",
            None,
        ),
    ],
)
def test_who_tried_to_act_as_somebody_else(
    tmp_path: Path, made: Event, acted_as: str | None, with_groups: list[str] | None
) -> None:
    (row,) = ask("who_impersonated", write(tmp_path / "audit.log", [made, event(auditID="2")]))
    said = (row["authenticated"], row["acted_as"], row["with_groups"], row["outcome"])
    assert said == ("alice", acted_as, with_groups, "denied")


def test_failed_means_the_same_wherever_it_is_counted(metadata_log: Path) -> None:
    top = {row["user"]: (row["denied"], row["failed"]) for row in ask("top", metadata_log, by=("user",), limit=0)}
    who = {row["user"]: (row["denied"], row["failed"]) for row in ask("who", metadata_log, limit=0)}
    assert top == who
    assert sum(denied for denied, _ in who.values()) == 30
    assert sum(failed for _, failed in who.values()) == sum(
        row["requests"] for row in ask("errors", metadata_log, limit=0)
    )


def test_all_refusals_need_no_note_about_those_that_are_left_out(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event(responseStatus={"code": 403, "message": "exceeded quota: small"})])
    assert aw.ask("denied", log).notes == ("1 request was refused by admission: see `admission`",)
    assert aw.ask("denied", log, all=1).notes == ()


# --- dry runs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "is_dry"),
    [
        ({"kind": "DeleteOptions", "dryRun": ["All"]}, True),
        ({"kind": "DeleteOptions"}, False),
        ({"kind": "DeleteOptions", "dryRun": []}, False),
        ({"metadata": {"name": "dryRun"}}, False),
        ("dryRun", False),
        (None, False),
    ],
)
def test_a_deletion_says_in_its_body_that_it_deletes_nothing(tmp_path: Path, options: object, *, is_dry: bool) -> None:
    log = write(tmp_path / "audit.log", [event(verb="delete", level="Request", requestObject=options)])
    assert questions.history(log).table["dry_run"].to_pylist() == [is_dry]
    assert aw.ask("history", log).table["dry_run"].to_pylist() == [is_dry]
    assert questions.changes(log).table.num_rows == (not is_dry)


def test_a_deletion_whose_body_is_not_there_may_be_a_dry_run(tmp_path: Path) -> None:
    options = {"kind": "DeleteOptions", "dryRun": ["All"]}
    log = write(tmp_path / "audit.log", [event(verb="delete", level="Request", requestObject=options)])
    aw.convert(log, tmp_path / "log.parquet", bodies=False)
    for source in (tmp_path / "log.parquet", io.BytesIO(log.read_bytes()), pa.table(aw.read(log)).to_reader()):
        found = questions.history(source)
        assert found.table["dry_run"].to_pylist() == [False]
        assert found.notes == (
            "a dry run may be among 1 of the deletions: their bodies cannot be read from this source",
        )
    aw.convert(log, tmp_path / "whole.parquet")
    assert questions.history(tmp_path / "whole.parquet").table["dry_run"].to_pylist() == [True]


# --- lists -----------------------------------------------------------------------------------------------------------


def listed(resource: str, group: str = "", namespace: str | None = None, verb: str = "list") -> Event:
    ref = {"resource": resource, "apiGroup": group, "namespace": namespace}
    return event(
        auditID=f"{resource} {namespace} {verb}",
        verb=verb,
        objectRef={key: value for key, value in ref.items() if value},
    )


def test_what_has_no_namespace_is_not_listed_over_all_of_them(tmp_path: Path) -> None:
    log = write(
        tmp_path / "audit.log",
        [
            listed("pods"),
            listed("storageclasses", "storage.k8s.io"),
            listed("clusterissuers", "cert-manager.io"),
            listed("certificates", "cert-manager.io"),
            listed("certificates", "cert-manager.io", "web", "get"),
            listed("secrets", "", "web"),
            listed("gatewayclasses", "gateway.networking.k8s.io"),
            listed("volumesnapshotcontents", "snapshot.storage.k8s.io"),
            listed("baselineadminnetworkpolicies", "policy.networking.k8s.io"),
            listed("ipaddresses", "networking.k8s.io"),
            listed("ipaddresses", "ipam.cluster.x-k8s.io"),
            listed("ipaddresses", "ipam.cluster.x-k8s.io", "web", "update"),
            listed("nodes", "metrics.k8s.io"),
            listed("pods", "metrics.k8s.io"),
        ],
    )
    found = {row["what"]: (row["lists"], row["cluster_wide"]) for row in ask("top_lists", log)}
    assert found == {
        "pods": (1, 1),
        "storageclasses.storage.k8s.io": (1, 0),
        "clusterissuers.cert-manager.io": (1, 0),
        "certificates.cert-manager.io": (1, 1),
        "secrets": (1, 0),
        "gatewayclasses.gateway.networking.k8s.io": (1, 0),
        "volumesnapshotcontents.snapshot.storage.k8s.io": (1, 0),
        "baselineadminnetworkpolicies.policy.networking.k8s.io": (1, 0),
        "ipaddresses.networking.k8s.io": (1, 0),
        "ipaddresses.ipam.cluster.x-k8s.io": (1, 1),
        "nodes.metrics.k8s.io": (1, 0),
        "pods.metrics.k8s.io": (1, 1),
    }
    # Which resources have namespaces is known from all of the log, whatever is asked of.
    for scope in (questions.Scope(verb=("list",)), questions.Scope(namespace=("",))):
        answer = aw.ask("top_lists", log, scope=scope).table.to_pylist()
        assert {row["what"]: row["cluster_wide"] for row in answer} == {
            what: wide for what, (_, wide) in found.items() if what != "secrets" or scope.verb
        }


# --- nothing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "ref"), [("exec", {"resource": "pods", "subresource": "exec"}), ("secrets", {"resource": "secrets"})]
)
def test_no_rows_may_be_the_policy(tmp_path: Path, name: str, ref: dict[str, str]) -> None:
    nothing = aw.ask(name, write(tmp_path / "without.log", [event()]))
    assert any("the policy drops them; `auditwake policy explain" in note for note in nothing.notes)
    assert aw.ask(name, write(tmp_path / "with.log", [event(objectRef=ref)])).notes == ()
