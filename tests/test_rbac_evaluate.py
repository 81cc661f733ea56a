"""Reading roles and bindings, and what they allow: the product beside a twin that shares nothing with it."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from auditwake.errors import RbacError
from auditwake.rbac import Attributes, load_rbac, rbac_of
from tests.drawn import at_least
from tests.rbac_drawn import USERS, clusters, requests, role, role_binding
from tests.rbac_evaluator import Manifest, Request, allows

ALICE = {"kind": "User", "name": "alice"}
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
CLUSTER = [role("reader", [PODS]), role_binding("alice", "ClusterRole", "reader", [ALICE])]
GET = Attributes(verb="get", resource="pods", namespace="web", name="web-0")


def attributes(request: Request) -> Attributes:
    return Attributes(
        verb=request.verb,
        api_group=request.group,
        resource=request.resource,
        subresource=request.subresource,
        namespace=request.namespace,
        name=request.name,
        path=request.path,
    )


@pytest.mark.hypothesis
@settings(max_examples=at_least(30))
@given(cluster=clusters(), asked=st.lists(requests(), min_size=5, max_size=20))
def test_it_says_what_its_twin_says(cluster: list[Manifest], asked: list[Request]) -> None:
    rbac = rbac_of(cluster)
    for user in (*USERS, "system:serviceaccount:db:builder"):
        for groups in ((), ("dev",), ("dev", "system:authenticated")):
            for one in asked:
                assert rbac.allows(user, groups, attributes(one)) == allows(cluster, user, groups, one), (user, one)


def test_an_aggregated_role_that_the_controller_has_filled_is_taken_as_it_is() -> None:
    aggregation = {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}]}
    filled = role("all", [PODS], aggregationRule=aggregation)
    other = role("other", [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}], labels={"to": "all"})
    rbac = rbac_of([filled, other, role_binding("alice", "ClusterRole", "all", [ALICE])])
    assert rbac.allows("alice", (), GET)
    assert not rbac.allows("alice", (), Attributes(verb="delete", resource="pods", namespace="web"))


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ({"key": "to", "operator": "In", "values": ["all"]}, True),
        ({"key": "to", "operator": "NotIn", "values": ["all"]}, False),
        ({"key": "to", "operator": "Exists"}, True),
        ({"key": "to", "operator": "DoesNotExist"}, False),
        ({"key": "no", "operator": "DoesNotExist"}, True),
    ],
)
def test_expressions_select(expression: Manifest, selected: bool) -> None:  # noqa: FBT001  # a case
    aggregation = {"clusterRoleSelectors": [{"matchExpressions": [expression]}]}
    whole = role("all", [], aggregationRule=aggregation)
    rbac = rbac_of(
        [whole, role("part", [PODS], labels={"to": "all"}), role_binding("b", "ClusterRole", "all", [ALICE])]
    )
    assert rbac.allows("alice", (), GET) == selected


@pytest.mark.parametrize(
    "form", ["list", "documents", "json", "directory", "lists of one kind", "a list of lists", "tabs", "an array"]
)
def test_a_dump_is_read_in_each_form(form: str, tmp_path: Path) -> None:
    path = tmp_path / "dump.yaml"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}
    if form == "list":
        path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [*CLUSTER, pod]}))
    elif form == "documents":
        path.write_text(yaml.safe_dump_all([*CLUSTER, None, pod]))
    elif form == "json":
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": CLUSTER}))
    elif form == "directory":
        path = tmp_path / "dump"
        (path / "deep").mkdir(parents=True)
        (path / "role.yaml").write_text(yaml.safe_dump(CLUSTER[0]))
        (path / "deep" / "binding.json").write_text(json.dumps(CLUSTER[1]))
        (path / "notes.txt").write_text("no manifest: {")
    elif form == "a list of lists":
        inner = [{"apiVersion": "v1", "kind": "List", "items": [one]} for one in CLUSTER]
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": inner}))
    elif form == "tabs":
        path.write_text("\ufeff" + json.dumps({"kind": "List", "items": CLUSTER}, indent="\t"), encoding="utf-8")
    elif form == "an array":
        path.write_text(json.dumps(CLUSTER))
    else:
        nameless = [{key: value for key, value in one.items() if key != "kind"} for one in CLUSTER]
        kinds = ("ClusterRoleList", "ClusterRoleBindingList")
        path.write_text(
            yaml.safe_dump_all([{"kind": kind, "items": [one]} for kind, one in zip(kinds, nameless, strict=True)])
        )
    assert load_rbac(path).allows("alice", (), GET)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Pod", "neither a role nor a binding"),
        ("a: b: c", r"dump\.yaml:1:5"),
        ("", "neither a role nor a binding"),
        ("kind: Role\nmetadata: {}", "Role '' is not what Kubernetes writes"),
        ("kind: RoleBinding\nmetadata: {name: x}\nroleRef: 3", "RoleBinding 'x' is not what Kubernetes writes"),
        ("kind: ClusterRole\nmetadata: {name: x}\nrules: [3]", "ClusterRole 'x' is not what Kubernetes writes"),
        ("kind: Role\nmetadata: x", "Role '' is not what Kubernetes writes"),
        ("kind: Role\nmetadata: {name: x, labels: [a]}", "Role 'x' is not what Kubernetes writes"),
        (
            "kind: ClusterRole\nmetadata: {name: x}\nrules: [{verbs: get}]",
            "ClusterRole 'x' is not what Kubernetes writes",
        ),
        *(
            (
                f"kind: ClusterRole\nmetadata: {{name: x}}\naggregationRule: {{clusterRoleSelectors: {selectors}}}",
                "ClusterRole 'x' is not what Kubernetes writes",
            )
            for selectors in (
                "[x]",
                "[{matchLabels: [a]}]",
                "[{matchLabels: a}]",
                "[{matchExpressions: [a]}]",
                "[{matchExpressions: [{key: a}]}]",
                "[{matchExpressions: [{key: a, operator: In, values: b}]}]",
                "[{matchExpressions: [{key: [a], operator: Exists}]}]",
            )
        ),
        ('{"kind": "List",\n\t"items": [}', r"dump\.yaml:2:12: Expecting value"),
        ("&a {kind: List, items: [*a]}", "nested too deeply"),
        ("[" * 5000 + "]" * 5000, "nest"),
    ],
)
def test_what_is_no_dump_is_said(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "dump.yaml"
    path.write_text(text)
    with pytest.raises(RbacError, match=said):
        load_rbac(path)


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(RbacError, match="No such file"):
        load_rbac(tmp_path / "no-such.yaml")
    (tmp_path / "dump.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(RbacError, match="no UTF-8"):
        load_rbac(tmp_path / "dump.yaml")
