//! Events as kube-apiserver writes them, and what else may stand on a line.

mod values;

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;

use values::{body, map, object, string, strings, text, time, uri, user};

/// Members of an object: keys as Go strings, values as JSON, in order.
pub(crate) type Members = Vec<(String, String)>;

/// An event's members as kube-apiserver writes them, unknown ones behind the others.
pub(crate) fn canonical() -> impl Strategy<Value = Members> {
    let level = select(vec!["Metadata", "Request", "RequestResponse", "None"]).prop_map(go_string);
    let stages = vec!["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];
    let stage = select(stages).prop_map(go_string);
    let verbs =
        select(vec!["get", "list", "watch", "create", "patch", "deletecollection", "proxy", "", "propfind"]);
    let constraint = object(vec![("impersonationConstraint", string().boxed(), 0.8)]);
    let head = (
        prop_oneof![4 => Just("audit.k8s.io/v1".to_owned()), 1 => Just("audit.k8s.io/v1beta1".to_owned())],
        level,
        prop_oneof![4 => "[0-9a-f]{8}-[0-9a-f]{4}".prop_map(|id| go_string(&id)), 1 => string()],
        stage,
        prop_oneof![4 => uri().prop_map(|uri| go_string(&uri)), 1 => string()],
        prop_oneof![8 => verbs.prop_map(go_string), 1 => string()],
        user(),
        maybe(0.2, user()),
        maybe(0.2, constraint),
    );
    let tail = (
        maybe(0.8, strings()),
        maybe(0.8, prop_oneof![2 => agent(), 1 => string()]),
        maybe(0.7, object_ref()),
        maybe(0.8, status()),
        maybe(0.4, body()),
        maybe(0.4, body()),
        time(),
        time(),
        maybe(0.7, annotations()),
        unknown(),
    );
    (head, tail).prop_map(|(head, tail)| {
        let (version, level, id, stage, uri, verb, user, other, constraint) = head;
        let (ips, agent, object, status, request, response, received, reached, annotations, unknown) = tail;
        let mut members: Members = Vec::new();
        let mut add =
            |key: &str, value: Option<String>| members.extend(value.map(|value| (key.to_owned(), value)));
        add("kind", Some("\"Event\"".to_owned()));
        add("apiVersion", Some(go_string(&version)));
        add("level", Some(level));
        add("auditID", Some(id));
        add("stage", Some(stage));
        add("requestURI", Some(uri));
        add("verb", Some(verb));
        add("user", Some(user));
        add("impersonatedUser", other);
        add("authenticationMetadata", constraint);
        add("sourceIPs", ips);
        add("userAgent", agent);
        add("objectRef", object);
        add("responseStatus", status);
        add("requestObject", request);
        add("responseObject", response);
        add("requestReceivedTimestamp", Some(received));
        add("stageTimestamp", Some(reached));
        add("annotations", annotations);
        members.extend(unknown);
        members
    })
}

/// The compact line of members.
pub(crate) fn compact(members: &Members) -> String {
    let members: Vec<String> =
        members.iter().map(|(key, value)| format!("{}:{value}", go_string(key))).collect();
    format!("{{{}}}", members.join(","))
}

/// A string as Go's encoder writes it with HTML escapes on.
pub(crate) fn go_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn maybe(probability: f64, value: impl Strategy<Value = String>) -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(probability, value)
}

fn agent() -> impl Strategy<Value = String> {
    let agents = vec![
        "kubectl/v1.37.2 (linux/amd64) kubernetes/0000000",
        "kube-scheduler/v1.37.2 (linux/amd64) kubernetes/abc/leader-election",
        "curl/8.5.0",
        "Go-http-client/2.0",
        "",
        "/",
    ];
    select(agents).prop_map(go_string)
}

fn object_ref() -> impl Strategy<Value = String> {
    let members = vec![
        ("resource", select(vec!["pods", "secrets", "nodes"]).prop_map(go_string).boxed(), 0.9),
        ("namespace", string().boxed(), 0.5),
        ("name", string().boxed(), 0.5),
        ("uid", string().boxed(), 0.2),
        ("apiGroup", select(vec!["apps", "batch", ""]).prop_map(go_string).boxed(), 0.4),
        ("apiVersion", Just("\"v1\"".to_owned()).boxed(), 0.9),
        ("resourceVersion", string().boxed(), 0.2),
        (
            "subresource",
            select(vec!["status", "exec", "log", "portforward"]).prop_map(go_string).boxed(),
            0.3,
        ),
    ];
    with_unknown(object(members))
}

fn status() -> impl Strategy<Value = String> {
    let metadata =
        select(vec!["{}", r#"{"resourceVersion":"12","remainingItemCount":3}"#]).prop_map(str::to_owned);
    let details = select(vec![
        r#"{"name":"web-0","kind":"pods"}"#,
        r#"{"causes":[{"reason":"FieldValueInvalid","message":"\u003cnil\u003e","field":"spec"}],"retryAfterSeconds":1}"#,
        "{}",
    ]);
    let codes = prop_oneof![
        select(vec![101_i16, 200, 201, 400, 401, 403, 404, 409, 410, 422, 429, 500, 504]),
        any::<i16>(),
    ];
    let members = vec![
        ("metadata", metadata.boxed(), 1.0),
        ("status", select(vec!["Success", "Failure"]).prop_map(go_string).boxed(), 0.4),
        ("message", string().boxed(), 0.4),
        ("reason", select(vec!["Forbidden", "NotFound", ""]).prop_map(go_string).boxed(), 0.4),
        ("details", details.prop_map(str::to_owned).boxed(), 0.2),
        ("code", codes.prop_map(|code| code.to_string()).boxed(), 0.9),
    ];
    with_unknown(object(members))
}

fn annotations() -> impl Strategy<Value = String> {
    let keys = prop_oneof![
        6 => select(vec![
            "apiserver.latency.k8s.io/etcd", "apiserver.latency.k8s.io/total", "apiserver.latency.k8s.io/authorization",
            "audit.k8s.io/truncated", "authorization.k8s.io/decision", "authorization.k8s.io/reason",
            "failed-open.validating.webhook.admission.k8s.io/round_0_index_1", "k8s.io/deprecated",
            "k8s.io/removed-release", "pod-security.kubernetes.io/audit-violations",
            "pod-security.kubernetes.io/enforce-policy", "validation.policy.admission.k8s.io/validation_failure",
        ]).prop_map(str::to_owned),
        1 => text(),
    ];
    let values = prop_oneof![
        6 => select(vec![
            "allow", "forbid", "true", "false", "1.25", "612.3ms", "1.5s", "92.928µs", "",
            "RBAC: allowed by ClusterRoleBinding \"a\" of ClusterRole \"b\" to Group \"system:masters\"",
            "RBAC: allowed by RoleBinding \"a/ns\" of Role \"b\" to ServiceAccount \"sa/ns\"",
        ]).prop_map(go_string),
        1 => string(),
    ];
    map(keys, values)
}

/// Members that no schema knows, each once.
fn unknown() -> impl Strategy<Value = Members> {
    let keys = select(vec!["hostname", "_gdch_cluster", "a<b>&c", "zz\"\\", "é\u{2028}", "timestamp", ""]);
    let members = prop::collection::btree_map(keys, body(), 1..3);
    prop_oneof![
        3 => Just(Members::new()),
        1 => members.prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
    ]
}

/// An object with unknown members behind its own.
fn with_unknown(object: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (object, unknown()).prop_map(|(object, unknown)| match (object.strip_suffix('}'), &*compact(&unknown)) {
        (_, "{}") | (None, _) => object,
        (Some("{"), unknown) => unknown.to_owned(),
        (Some(known), unknown) => format!("{known},{}", &unknown[1..]),
    })
}
