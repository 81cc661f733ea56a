//! What each key of the event gives to which columns. One function a key: it parses the raw value, then writes one cell
//! for each of the group's columns, in order. Parsing comes first, since cells cannot be taken back.

use crate::parse::actor::{actor, identity};
use crate::parse::agent::split_agent;
use crate::parse::reason::parse_rbac_reason;
use crate::parse::time::parse_go_duration;
use crate::parse::uri::{is_long_running, parse_uri};
use crate::parse::values::{
    Invalid, ObjectReference, Single, Status, StringList, StringMap, Text, UserInfo, impersonation_constraint,
};

use super::table::{Aside, Writer};

/// The authorizer said allow; see [`annotations`].
pub(super) const ALLOW: i32 = 1;
/// The authorizer said forbid; see [`annotations`].
pub(super) const FORBID: i32 = 2;
/// The event says that its bodies were removed; see [`annotations`].
pub(super) const TRUNCATED: i32 = 4;

/// Facts of [`stage`].
pub(super) const REQUEST_RECEIVED: i32 = 1;
/// See [`REQUEST_RECEIVED`].
pub(super) const PANIC: i32 = 2;

/// The fact of a status without a code.
pub(super) const NO_CODE: i32 = 0;

/// Facts of [`object_ref`]: the value is no object, or absent, so that the request is for none.
pub(super) const NO_OBJECT: i32 = 0;
/// No subresource that makes a request long-running.
const SHORT: i32 = 1;
/// One that does.
pub(super) const LONG: i32 = 2;

pub(super) const LEVEL: &[&str] = &["level"];
pub(super) const STAGE: &[&str] = &["stage", "is_terminal"];
pub(super) const VERB: &[&str] = &["verb"];
pub(super) const USER: &[&str] = &[
    "user",
    "user_uid",
    "user_groups",
    "user_kind",
    "sa_namespace",
    "sa_name",
    "node_name",
    "credential_id",
    "cred_pod_name",
    "cred_node_name",
    "user_extra",
];
pub(super) const IMPERSONATED: &[&str] = &["imp_user", "imp_groups", "imp_uid", "imp_extra"];
pub(super) const CONSTRAINT: &[&str] = &["imp_constraint"];
pub(super) const EFFECTIVE: &[&str] = &["eff_user", "actor"];
pub(super) const SOURCE_IPS: &[&str] = &["source_ips", "source_ip", "client_ip_claimed"];
pub(super) const USER_AGENT: &[&str] = &["user_agent", "agent_name", "agent_version"];
pub(super) const URI: &[&str] = &[
    "uri",
    "path",
    "q_limit",
    "q_rv",
    "q_rv_match",
    "q_continue",
    "q_label_sel",
    "q_field_sel",
    "q_timeout_s",
    "q_watch",
    "q_dry_run",
    "q_field_manager",
    "q_force",
    "exec_command",
    "exec_container",
];
pub(super) const OBJECT_REF: &[&str] = &["api_group", "api_version", "resource", "subresource", "namespace"];
pub(super) const STATUS: &[&str] = &["code", "status", "reason", "message"];
pub(super) const ANNOTATIONS: &[&str] = &[
    "decision",
    "authz_reason",
    "rbac_binding_kind",
    "rbac_binding",
    "rbac_binding_ns",
    "rbac_role_kind",
    "rbac_role",
    "rbac_subject",
    "deprecated",
    "removed_release",
    "psa_enforce",
    "psa_violations",
    "vap_failure",
    "failed_open",
    "lat_total_us",
    "lat_etcd_us",
    "lat_apf_us",
    "lat_authn_us",
    "lat_authz_us",
    "lat_imp_us",
    "lat_mutating_us",
    "lat_validating_us",
    "lat_decode_us",
    "lat_serialize_us",
    "lat_transform_us",
    "lat_write_us",
    "annotations",
];
pub(super) const OUTCOME: &[&str] = &["outcome"];
pub(super) const ORIGIN: &[&str] = &["cluster", "apiserver", "src_file"];

/// The columns of every group.
pub(super) const ALL: [&[&str]; 15] = [
    LEVEL,
    STAGE,
    VERB,
    USER,
    IMPERSONATED,
    CONSTRAINT,
    EFFECTIVE,
    SOURCE_IPS,
    USER_AGENT,
    URI,
    OBJECT_REF,
    STATUS,
    ANNOTATIONS,
    OUTCOME,
    ORIGIN,
];

/// Annotation keys of the `lat_` columns, in their order (k8s.io/apiserver, `pkg/endpoints/request/webhook_duration.go`).
const LATENCIES: [&str; 12] = [
    "total",
    "etcd",
    "apf-queue-wait",
    "authentication",
    "authorization",
    "impersonation",
    "mutating-webhook",
    "validating-webhook",
    "decode-response-object",
    "serialize-response-object",
    "transform-response-object",
    "response-write",
];

type Prepared = Result<Aside, Invalid>;

pub(super) fn level(raw: &str, out: &mut Writer<'_>) -> Prepared {
    single(raw, out, |_| 0)
}

/// Fact: [`REQUEST_RECEIVED`], [`PANIC`] or zero.
pub(super) fn stage(raw: &str, out: &mut Writer<'_>) -> Prepared {
    let Single { text, rest } = Single::parse(raw)?;
    out.text(text.as_deref());
    out.next().flag(text.as_deref().map(|stage| matches!(stage, "ResponseComplete" | "Panic")));
    let fact = match text.as_deref() {
        Some("RequestReceived") => REQUEST_RECEIVED,
        Some("Panic") => PANIC,
        _ => 0,
    };
    Ok(Aside::new(rest, fact))
}

/// Fact: 1 for a verb that makes any request long-running.
pub(super) fn verb(raw: &str, out: &mut Writer<'_>) -> Prepared {
    single(raw, out, |verb| i32::from(is_long_running(verb, None, "", true)))
}

fn single(raw: &str, out: &mut Writer<'_>, fact: impl Fn(&str) -> i32) -> Prepared {
    let Single { text, rest } = Single::parse(raw)?;
    out.text(text.as_deref());
    Ok(Aside::new(rest, text.as_deref().map_or(0, fact)))
}

pub(super) fn user(raw: &str, out: &mut Writer<'_>) -> Prepared {
    let user = UserInfo::parse(raw)?;
    let identity = user.username.as_deref().map(identity);
    out.text(user.username.as_deref());
    out.text(user.uid.as_deref());
    out.next().list(user.groups.as_deref());
    out.text(identity.as_ref().map(|identity| identity.kind));
    out.text(identity.as_ref().and_then(|identity| identity.sa_namespace));
    out.text(identity.as_ref().and_then(|identity| identity.sa_name));
    out.text(identity.as_ref().and_then(|identity| identity.node_name));
    for key in ["credential-id", "pod-name", "node-name"] {
        out.text(extra(&user, key));
    }
    out.next().map_of_lists(user.extra.as_deref());
    Ok(Aside::new(user.rest, 0))
}

/// The first value of `authentication.kubernetes.io/<key>` in the user's extra.
fn extra<'a>(user: &'a UserInfo<'_>, key: &str) -> Option<&'a str> {
    let named = |entry: &&(Text<'_>, Vec<Text<'_>>)| {
        entry.0.strip_prefix("authentication.kubernetes.io/").is_some_and(|rest| rest == key)
    };
    user.extra.as_ref()?.iter().find(named)?.1.first().map(|value| &**value)
}

pub(super) fn impersonated(raw: &str, out: &mut Writer<'_>) -> Prepared {
    let mut user = UserInfo::parse(raw)?;
    out.text(user.username.as_deref());
    out.next().list(user.groups.as_deref());
    out.text(user.uid.as_deref());
    out.next().map_of_lists(user.extra.as_deref());
    if user.is_empty() && user.rest.json.is_none() {
        user.rest.json = Some("{}".into());
    }
    Ok(Aside::new(user.rest, 0))
}

pub(super) fn constraint(raw: &str, out: &mut Writer<'_>) -> Prepared {
    let Single { text, rest } = impersonation_constraint(raw)?;
    out.text(text.as_deref());
    Ok(Aside::new(rest, 0))
}

/// From both users.
pub(super) fn effective(user: &str, impersonated: Option<&str>, out: &mut Writer<'_>) -> Prepared {
    let user = UserInfo::parse(user)?;
    let effective = effective_user(user, impersonated.map(UserInfo::parse).transpose()?);
    out.text(effective.username.as_deref());
    out.text(Some(actor_of(&effective)));
    Ok(Aside::default())
}

/// Whose rights count: those of the impersonated user when it has a name.
pub(super) fn effective_user<'a>(user: UserInfo<'a>, impersonated: Option<UserInfo<'a>>) -> UserInfo<'a> {
    impersonated.filter(|user| user.username.is_some()).unwrap_or(user)
}

/// The class of an effective user.
pub(super) fn actor_of(user: &UserInfo<'_>) -> &'static str {
    let mut groups = user.groups.iter().flatten().map(|group| &**group);
    actor(user.username.as_deref().unwrap_or_default(), &mut groups)
}

pub(super) fn source_ips(raw: &str, out: &mut Writer<'_>) -> Prepared {
    let StringList { items, rest } = StringList::parse(raw)?;
    out.next().list(items.as_deref());
    out.text(items.as_ref().and_then(|ips| ips.last()).map(|ip| &**ip));
    out.text(items.as_ref().and_then(|ips| ips.first()).map(|ip| &**ip));
    Ok(Aside::new(rest, 0))
}

pub(super) fn user_agent(raw: &str, out: &mut Writer<'_>) -> Prepared {
    let Single { text, rest } = Single::parse(raw)?;
    let agent = text.as_deref().map(split_agent);
    out.text(text.as_deref());
    out.text(agent.map(|(name, _)| name));
    out.text(agent.and_then(|(_, version)| version));
    Ok(Aside::new(rest, 0))
}

/// Fact: 1 for a path that makes a non-resource request long-running.
pub(super) fn uri(raw: &str, out: &mut Writer<'_>) -> Prepared {
    let Single { text, rest } = Single::parse(raw)?;
    let Some(uri) = text else {
        out.text(None);
        out.text(None);
        query(None, out);
        return Ok(Aside::new(rest, 0));
    };
    out.text(Some(&uri));
    // Nobody asks for the path or the query, and without escapes the prefix of the path is that of the URI.
    if !out.wants_more() && !uri.contains('%') {
        return Ok(Aside::new(rest, i32::from(is_long_running("get", None, &uri, false))));
    }
    let parsed = parse_uri(&uri);
    out.text(Some(&parsed.path));
    query(Some(&parsed.query), out);
    Ok(Aside::new(rest, i32::from(is_long_running("get", None, &parsed.path, false))))
}

fn query(query: Option<&crate::parse::uri::Query>, out: &mut Writer<'_>) {
    let text = |get: fn(&crate::parse::uri::Query) -> Option<&str>| query.and_then(get);
    out.next().int(query.and_then(|q| q.limit).map(Into::into));
    out.text(text(|q| q.resource_version.as_deref()));
    out.text(text(|q| q.resource_version_match.as_deref()));
    out.next().flag(query.and_then(|q| q.has_continue));
    out.text(text(|q| q.label_selector.as_deref()));
    out.text(text(|q| q.field_selector.as_deref()));
    out.next().int(query.and_then(|q| q.timeout_seconds).map(Into::into));
    out.next().flag(query.and_then(|q| q.watch));
    out.next().flag(query.and_then(|q| q.dry_run));
    out.text(text(|q| q.field_manager.as_deref()));
    out.next().flag(query.and_then(|q| q.force));
    out.next().list(query.map(|q| q.command.as_slice()).filter(|command| !command.is_empty()));
    out.text(text(|q| q.container.as_deref()));
}

/// The strings that differ from object to object are no cells: see [`crate::event::Event::split_object`]. Fact:
/// [`NO_OBJECT`], [`SHORT`] or [`LONG`].
pub(super) fn object_ref(raw: &str, out: &mut Writer<'_>) -> Prepared {
    let object = ObjectReference::parse(raw)?;
    let group = object.api_group.as_deref().or(object.present.then_some(""));
    out.text(group);
    for text in [&object.api_version, &object.resource, &object.subresource, &object.namespace] {
        out.text(text.as_deref());
    }
    let long = is_long_running("get", object.subresource.as_deref(), "", true);
    let fact = match (object.present, long) {
        (false, _) => NO_OBJECT,
        (true, false) => SHORT,
        (true, true) => LONG,
    };
    Ok(Aside::new(object.rest, fact))
}

/// Fact: the code, [`NO_CODE`] without one.
pub(super) fn status(raw: &str, out: &mut Writer<'_>) -> Prepared {
    let status = Status::parse(raw)?;
    out.next().int(status.code.map(Into::into));
    out.text(status.status.as_deref());
    out.text(status.reason.as_deref());
    out.text(status.message.as_deref());
    Ok(Aside::new(status.rest, status.code.map_or(NO_CODE, Into::into)))
}

/// Fact: [`ALLOW`] or [`FORBID`], with [`TRUNCATED`].
pub(super) fn annotations(raw: &str, out: &mut Writer<'_>) -> Prepared {
    let StringMap { entries, rest } = StringMap::parse(raw)?;
    let all = entries.as_deref().unwrap_or_default();
    let get = |key: &str| all.iter().find(|entry| entry.0 == key).map(|entry| &*entry.1);
    let decision = get("authorization.k8s.io/decision");
    let reason = get("authorization.k8s.io/reason");
    out.text(decision);
    out.text(reason);
    rbac(reason, out);
    out.next().flag(get("k8s.io/deprecated").map(|value| value == "true"));
    out.text(get("k8s.io/removed-release"));
    out.text(get("pod-security.kubernetes.io/enforce-policy"));
    out.text(get("pod-security.kubernetes.io/audit-violations"));
    out.text(get("validation.policy.admission.k8s.io/validation_failure"));
    let failed = |entry: &&(Text<'_>, Text<'_>)| entry.0.starts_with("failed-open.");
    let failed: Vec<&str> = all.iter().filter(failed).map(|entry| &*entry.1).collect();
    out.next().list((!failed.is_empty()).then_some(&failed[..]));
    for part in LATENCIES {
        let named = |entry: &&(Text<'_>, Text<'_>)| {
            entry.0.strip_prefix("apiserver.latency.k8s.io/").is_some_and(|rest| rest == part)
        };
        out.next().int(all.iter().find(named).and_then(|entry| parse_go_duration(&entry.1)));
    }
    out.next().map(entries.as_deref());
    let mut fact = match decision {
        Some("allow") => ALLOW,
        Some("forbid") => FORBID,
        _ => 0,
    };
    if get("audit.k8s.io/truncated") == Some("true") {
        fact |= TRUNCATED;
    }
    Ok(Aside::new(rest, fact))
}

fn rbac(reason: Option<&str>, out: &mut Writer<'_>) {
    let parsed = reason.and_then(parse_rbac_reason);
    let parsed = parsed.as_ref();
    out.text(parsed.map(|reason| reason.binding_kind));
    out.text(parsed.map(|reason| &*reason.binding));
    out.text(parsed.and_then(|reason| reason.binding_namespace.as_deref()));
    out.text(parsed.map(|reason| reason.role_kind));
    out.text(parsed.map(|reason| &*reason.role));
    out.text(parsed.map(crate::parse::reason::RbacReason::subject_text).as_deref());
}

/// The words of the column `outcome`.
pub(super) const OUTCOMES: [&str; 10] = [
    "panic",
    "unknown",
    "denied",
    "ok",
    "rejected",
    "not_found",
    "conflict",
    "throttled",
    "client_error",
    "server_error",
];

/// Which of [`OUTCOMES`] it is. 403 has two meanings: the authorizer forbade it (denied), or it allowed it and admission
/// refused (rejected).
pub(super) fn outcome(stage: i32, code: i32, decision: i32) -> usize {
    match code {
        _ if stage == PANIC => 0,
        NO_CODE => 1,
        _ if decision == FORBID => 2,
        ..=399 => 3,
        403 if decision == ALLOW => 4,
        404 | 410 => 5,
        409 => 6,
        429 => 7,
        400..=499 => 8,
        _ => 9,
    }
}
