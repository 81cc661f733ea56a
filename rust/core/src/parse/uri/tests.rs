use super::*;
use proptest::prelude::*;

fn query(text: &str) -> Query {
    parse_uri(&format!("/api/v1/pods?{text}")).query
}

#[test]
fn a_list_of_a_real_log() {
    let uri = parse_uri(
        "/api/v1/pods?allowWatchBookmarks=true&fieldSelector=spec.nodeName%3Dnode-2&labelSelector=app%3Dnone\
         &limit=500&resourceVersion=0&resourceVersionMatch=NotOlderThan&timeoutSeconds=558&watch=true&continue=x",
    );
    assert_eq!(uri.path, "/api/v1/pods");
    assert_eq!(
        uri.query,
        Query {
            limit: Some(500),
            resource_version: Some("0".into()),
            resource_version_match: Some("NotOlderThan".into()),
            has_continue: Some(true),
            label_selector: Some("app=none".into()),
            field_selector: Some("spec.nodeName=node-2".into()),
            timeout_seconds: Some(558),
            watch: Some(true),
            ..Query::default()
        }
    );
}

#[test]
fn an_exec_keeps_every_argument() {
    let exec = query("command=sh&command=-c&command=cat+%2Fetc%2Fpasswd&command=&container=web&stdout=true");
    assert_eq!(exec.command, ["sh", "-c", "cat /etc/passwd", ""]);
    assert_eq!(exec.container.as_deref(), Some("web"));
}

#[test]
fn paths_are_decoded_as_go_does() {
    for (uri, path) in [
        ("/api/v1/namespaces/team-a11/%70ods/a%2Fb?x=%3Cb%3E&y=é", "/api/v1/namespaces/team-a11/pods/a/b"),
        ("/a+b", "/a+b"),
        ("/%e2%82%ac", "/€"),
        ("/%ff", "/\u{fffd}"),
        ("/é%ff", "/é\u{fffd}"),
        ("/%", "/%"),
        ("/%4", "/%4"),
        ("/%zz%41", "/%zzA"),
        ("/%%41", "/%A"),
        ("/%3Fwatch=true", "/?watch=true"),
        ("/a?b?c", "/a"),
        ("/a#b", "/a#b"),
        ("*", "*"),
        ("", ""),
        ("?watch", ""),
    ] {
        assert_eq!(parse_uri(uri).path, path, "{uri}");
    }
    assert_eq!(parse_uri("?watch").query.watch, Some(true));
}

#[test]
fn pairs_are_split_as_go_does() {
    assert_eq!(query("watch=0;x&force"), Query { force: Some(true), ..Query::default() });
    assert_eq!(query("fieldManager=a%3Bb").field_manager.as_deref(), Some("a;b"));
    assert_eq!(query("fieldManager=a=b").field_manager.as_deref(), Some("a=b"));
    assert_eq!(query("fieldManager=%zz&fieldManager=b").field_manager.as_deref(), Some("b"));
    assert_eq!(query("%66ieldManager=%ff%41").field_manager.as_deref(), Some("\u{fffd}A"));
    assert_eq!(query("a%ZZ=1&container=%4").container, None);
    assert_eq!(query("&&=&==&%"), Query::default());
    assert_eq!(query("FieldManager=x&LIMIT=1"), Query::default());
}

#[test]
fn the_first_value_wins() {
    assert_eq!(query("limit=x&limit=5").limit, None);
    assert_eq!(query("limit=7&limit=5").limit, Some(7));
    assert_eq!(query("watch=false&watch=true").watch, Some(false));
    assert_eq!(query("continue=&continue=abc").has_continue, Some(false));
    assert_eq!(query("container=&container=abc").container.as_deref(), Some(""));
}

#[test]
fn numbers_are_those_of_go() {
    for (text, value) in [
        ("500", Some(500)),
        ("-1", Some(-1)),
        ("%2B5", Some(5)),
        ("+5", None),
        ("", None),
        ("5_0", None),
        ("0x10", None),
        ("1e3", None),
        ("2147483647", Some(i32::MAX)),
        ("2147483648", None),
        ("99999999999999999999", None),
    ] {
        assert_eq!(query(&format!("limit={text}")).limit, value, "{text}");
        assert_eq!(query(&format!("timeoutSeconds={text}")).timeout_seconds, value, "{text}");
    }
}

#[test]
fn booleans_are_those_of_kubernetes() {
    for (text, value) in [
        ("watch", true),
        ("watch=", true),
        ("watch=true", true),
        ("watch=1", true),
        ("watch=no", true),
        ("watch=00", true),
        ("watch=false", false),
        ("watch=FALSE", false),
        ("watch=0", false),
    ] {
        assert_eq!(query(text).watch, Some(value), "{text}");
        assert_eq!(query(&text.replace("watch", "force")).force, Some(value), "{text}");
    }
    assert_eq!(query("").watch, None);
}

#[test]
fn only_all_is_a_dry_run() {
    assert_eq!(query("dryRun=All").dry_run, Some(true));
    assert_eq!(query("dryRun=x&dryRun=All&dryRun=").dry_run, Some(true));
    assert_eq!(query("dryRun=all").dry_run, Some(false));
    assert_eq!(query("dryRun").dry_run, Some(false));
    assert_eq!(query("pretty=All").dry_run, None);
}

#[test]
fn long_running_as_in_kube_apiserver() {
    for (verb, subresource, path, is_resource, expected) in [
        ("watch", None, "/api/v1/pods", true, true),
        ("proxy", None, "/api/v1/proxy/nodes/n", true, true),
        ("watch", None, "/x", false, true),
        ("create", Some("exec"), "/api/v1/namespaces/n/pods/p/exec", true, true),
        ("get", Some("attach"), "/", true, true),
        ("get", Some("proxy"), "/", true, true),
        ("get", Some("log"), "/", true, true),
        ("create", Some("portforward"), "/", true, true),
        ("get", Some("exec"), "/", false, false),
        ("get", Some("status"), "/", true, false),
        ("get", None, "/api/v1/namespaces/n/pods/exec", true, false),
        ("list", None, "/api/v1/pods", true, false),
        ("get", None, "/debug/pprof/profile", false, true),
        ("get", None, "/debug/pprof", false, false),
        ("get", None, "/debug/pprof/profile", true, false),
    ] {
        assert_eq!(is_long_running(verb, subresource, path, is_resource), expected, "{verb} {path}");
    }
}

/// Escapes everything but letters and digits, a space as `+`.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(b).to_string(),
            b' ' => "+".to_owned(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

proptest! {
    #[test]
    fn escaped_values_are_read_back(values in prop::collection::vec(any::<String>(), 0..4)) {
        let text: Vec<String> = values.iter().map(|v| format!("command={}", escape(v))).collect();
        prop_assert_eq!(query(&text.join("&")).command, values);
    }

    #[test]
    fn escaped_paths_are_read_back(path in any::<String>()) {
        prop_assert_eq!(parse_uri(&escape(&path).replace('+', "%20")).path, path);
    }

    #[test]
    fn a_path_without_escapes_is_kept(path in "[^%?]*") {
        prop_assert_eq!(parse_uri(&path).path, path);
    }

    #[test]
    fn no_input_panics(any in any::<String>(), near in "(limit|watch|command|%[0-9a-g]{0,2}|[&=;+?é/])*") {
        let _ = (parse_uri(&any), parse_uri(&near));
    }
}
