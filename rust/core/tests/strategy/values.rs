//! JSON values, compact and as Go writes them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::{go_string, with_unknown};

/// Any text.
pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9.-]{0,12}",
        2 => "\\PC{0,16}",
        1 => any::<String>(),
        1 => select(vec![
            "", "\0\u{1f}\u{7f}", "<b>&amp;\u{2028}\u{2029}\u{202a}", "\u{fffd}", "\"\\\\\"", "\\ufffd", "\u{8}\u{c}\n\r\t",
            "𐀀😀é", "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\"}",
        ]).prop_map(str::to_owned),
        1 => (1_usize..400).prop_map(|len| "long text, ".repeat(len)),
    ]
}

/// A JSON string, now and then with an escape that Go writes for bytes that were no UTF-8.
pub(super) fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => text().prop_map(|text| go_string(&text)),
        1 => select(vec![r#""a\ufffdb""#, r#""\u0008""#, r#""x\u000c\ufffd""#]).prop_map(str::to_owned),
    ]
}

/// A list of strings.
pub(super) fn strings() -> impl Strategy<Value = String> {
    let item = prop_oneof![select(vec!["10.0.0.1", "::1", "system:masters"]).prop_map(go_string), string()];
    prop::collection::vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(",")))
}

/// A map of such keys and values, sorted as Go sorts it.
pub(super) fn map(
    keys: impl Strategy<Value = String>,
    values: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    prop::collection::btree_map(keys, values, 0..5).prop_map(|entries: BTreeMap<String, String>| {
        let entries: Vec<_> =
            entries.iter().map(|(key, value)| format!("{}:{value}", go_string(key))).collect();
        format!("{{{}}}", entries.join(","))
    })
}

/// An object with each member by its probability.
pub(super) fn object(
    members: Vec<(&'static str, BoxedStrategy<String>, f64)>,
) -> impl Strategy<Value = String> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(key, value, probability)| {
            let member = value.prop_map(move |value| format!("\"{key}\":{value}"));
            if probability < 1.0 {
                prop::option::weighted(probability, member).boxed()
            } else {
                member.prop_map(Some).boxed()
            }
        })
        .collect();
    members.prop_map(|members| format!("{{{}}}", members.into_iter().flatten().collect::<Vec<_>>().join(",")))
}

/// `user` or `impersonatedUser`.
pub(super) fn user() -> impl Strategy<Value = String> {
    let names = prop_oneof![
        4 => select(vec![
            "system:anonymous", "system:apiserver", "system:node:n1", "alice", "system:kube-scheduler",
            "system:serviceaccount:kube-system:generic-garbage-collector", "system:serviceaccount:a:b", "",
        ]).prop_map(go_string),
        1 => string(),
    ];
    let keys = prop_oneof![
        3 => select(vec!["credential-id", "pod-name", "node-name"])
            .prop_map(|key| format!("authentication.kubernetes.io/{key}")),
        1 => text(),
    ];
    with_unknown(object(vec![
        ("username", names.boxed(), 0.9),
        ("uid", string().boxed(), 0.3),
        ("groups", strings().boxed(), 0.7),
        ("extra", map(keys, strings()).boxed(), 0.4),
    ]))
}

/// A request URI, with parts that mean something.
pub(super) fn uri() -> impl Strategy<Value = String> {
    let path = select(vec![
        "/api/v1/pods",
        "/healthz",
        "/debug/pprof/heap",
        "/api/v1/namespaces/a%2Fb/pods/x/exec",
        "",
        "/%zz",
    ]);
    let pair = select(vec![
        "limit=500",
        "watch=true",
        "watch=0",
        "resourceVersion=0",
        "continue=abc",
        "labelSelector=a%3Db",
        "command=sh",
        "command=-c",
        "container=c",
        "dryRun=All",
        "fieldManager=kubectl+apply",
        "force=true",
        "timeoutSeconds=7m",
        "a;b=c",
    ]);
    (path, prop::collection::vec(pair, 0..4)).prop_map(|(path, pairs)| format!("{path}?{}", pairs.join("&")))
}

/// A time as Go writes it.
pub(super) fn time() -> impl Strategy<Value = String> {
    let parts = (0_u32..=9999, 1_u32..=12, 1_u32..=28, 0_u32..24, 0_u32..3600, 0_u32..1_000_000);
    let text = parts.prop_map(|(year, month, day, hour, second, micros)| {
        let (minute, second) = (second / 60, second % 60);
        format!("\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z\"")
    });
    prop_oneof![12 => text, 1 => Just("null".to_owned())]
}

/// A body: any JSON that the server may put on the line, which is compact but for what a client sent in strings.
pub(super) fn body() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec![
            "null",
            "true",
            "0",
            "-1.5e-7",
            "1e400",
            "{}",
            "[]",
            r#""\ud800 \/""#,
            r#""skipped-too-big-size-object""#
        ])
        .prop_map(str::to_owned),
        string(),
    ];
    let any = leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof![
            select(vec!["metadata", "name", "a", "requestObject"]).prop_map(str::to_owned),
            text()
        ];
        let members = prop::collection::vec((key, inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            members.prop_map(|members| super::compact(&members)),
        ]
    });
    let pod = object(vec![
        ("kind", Just("\"Pod\"".to_owned()).boxed(), 0.8),
        (
            "metadata",
            object(vec![
                ("name", string().boxed(), 0.8),
                ("uid", string().boxed(), 0.6),
                ("resourceVersion", prop_oneof![string(), Just("5".to_owned())].boxed(), 0.6),
            ])
            .boxed(),
            0.8,
        ),
        ("spec", any.clone().boxed(), 0.4),
    ]);
    let event = Just(
        r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"forged","stage":"Panic"}"#.to_owned(),
    );
    prop_oneof![4 => any, 3 => pod, 1 => event]
}
