//! An event's row.

use auditwake_core::parse::actor::{actor, identity};
use auditwake_core::parse::agent::split_agent;
use auditwake_core::parse::reason::parse_rbac_reason;
use auditwake_core::parse::time::parse_go_duration;
use auditwake_core::parse::uri::{is_long_running, parse_uri};
use auditwake_core::schema::COLUMNS;

use super::super::cells::{Cell, Row};
use super::values::{self, Repairs, Rest, User};
use super::{DEEP, DEEP_SLACK, Event, Expected, KEYS, json, scan};

const LATENCIES: [(&str, &str); 12] = [
    ("lat_total_us", "total"),
    ("lat_etcd_us", "etcd"),
    ("lat_apf_us", "apf-queue-wait"),
    ("lat_authn_us", "authentication"),
    ("lat_authz_us", "authorization"),
    ("lat_imp_us", "impersonation"),
    ("lat_mutating_us", "mutating-webhook"),
    ("lat_validating_us", "validating-webhook"),
    ("lat_decode_us", "decode-response-object"),
    ("lat_serialize_us", "serialize-response-object"),
    ("lat_transform_us", "transform-response-object"),
    ("lat_write_us", "response-write"),
];

/// The row so far.
struct Writer {
    row: Row,
    repairs: Repairs,
    /// Members of `extra_fields`.
    extra: Vec<String>,
}

impl Writer {
    fn set(&mut self, name: &'static str, cell: Cell) {
        let slot = self.row.get_mut(name).unwrap_or_else(|| panic!("no column {name}"));
        *slot = cell;
    }

    fn text(&mut self, name: &'static str, text: Option<impl Into<String>>) {
        self.set(name, text.map_or(Cell::Null, |text| Cell::Text(text.into())));
    }

    fn int(&mut self, name: &'static str, value: Option<impl Into<i64>>) {
        self.set(name, value.map_or(Cell::Null, |value| Cell::Int(value.into())));
    }

    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        self.set(name, value.map_or(Cell::Null, Cell::Bool));
    }

    fn list(&mut self, name: &'static str, items: Option<&[String]>) {
        self.set(name, items.map_or(Cell::Null, list));
    }

    fn rest(&mut self, key: &str, rest: Rest) {
        self.repairs.extend(rest.repairs);
        if let Some(json) = rest.json {
            self.extra.push(format!("\"{key}\":{json}"));
        }
    }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn list(items: &[String]) -> Cell {
    Cell::List(items.iter().map(|item| text(item)).collect())
}

/// The row that the event must have. `raw` is the event as it stood.
pub(super) fn expected(event: &Event<'_>, raw: &[u8], before: Repairs) -> Expected {
    let row = COLUMNS.iter().map(|column| (column.name, Cell::Null)).collect();
    let mut out = Writer { row, repairs: before, extra: Vec::new() };
    if let Some(version) = event.get("apiVersion").filter(|version| *version != "\"audit.k8s.io/v1\"") {
        out.extra.push(format!("\"apiVersion\":{version}"));
    }
    // In this order, since `extra_fields` has it.
    let level = scalar(event, "level", &mut out);
    out.text("level", level);
    let stage = scalar(event, "stage", &mut out);
    let uri = scalar(event, "requestURI", &mut out);
    let verb = scalar(event, "verb", &mut out);
    users(event, &mut out);
    agents(event, &mut out);
    let object = event.get("objectRef").map(values::object_ref);
    let subresource = object.as_ref().and_then(|(values, _)| values[3].clone());
    if let Some((values, rest)) = object {
        let names = [
            "api_group",
            "api_version",
            "resource",
            "subresource",
            "namespace",
            "name",
            "object_uid",
            "object_rv",
        ];
        names.into_iter().zip(values).for_each(|(name, value)| out.text(name, value));
        out.rest("objectRef", rest);
    }
    let status = event.get("responseStatus").map(values::status).unwrap_or_default();
    out.int("code", status.code);
    out.text("status", status.status);
    out.text("reason", status.reason);
    out.text("message", status.message);
    out.rest("responseStatus", status.rest);
    let decision = annotations(event, &mut out);
    let audit_id = scalar(event, "auditID", &mut out);
    out.text("audit_id", audit_id);
    times(event, stage.as_deref(), &mut out);
    out.extra.extend(event.unknown().map(str::to_owned));

    out.flag("is_terminal", stage.as_deref().map(|stage| matches!(stage, "ResponseComplete" | "Panic")));
    let path = uri.as_deref().map(|uri| parse_uri(uri).path).unwrap_or_default();
    let is_resource = event.get("objectRef").is_some_and(|raw| raw.starts_with('{'));
    out.flag(
        "is_long_running",
        event.get("verb").map(|_| {
            is_long_running(verb.as_deref().unwrap_or_default(), subresource.as_deref(), &path, is_resource)
        }),
    );
    if event.get("stage").is_some() {
        let word = outcome(stage.as_deref(), status.code, decision.as_deref());
        out.text("outcome", Some(word));
    }
    out.text("verb", verb);
    out.text("stage", stage);
    query(uri.as_deref(), &mut out);
    bodies(event, &mut out);
    finish(event, raw, out)
}

fn scalar(event: &Event<'_>, key: &str, out: &mut Writer) -> Option<String> {
    let (text, rest) = values::text(event.get(key)?);
    out.rest(key, rest);
    text
}

fn users(event: &Event<'_>, out: &mut Writer) {
    let user = event.get("user").map(values::user);
    let other = event.get("impersonatedUser").map(values::impersonated);
    let effective = other.as_ref().filter(|user| user.username.is_some()).or(user.as_ref());
    let nobody = User::default();
    if let Some(User { username, groups, .. }) = effective.or(other.as_ref().map(|_| &nobody)) {
        let name = username.as_deref().unwrap_or_default();
        let mut groups = groups.iter().flatten().map(String::as_str);
        out.text("eff_user", username.as_deref());
        out.text("actor", Some(actor(name, &mut groups)));
    }
    if let Some(user) = user {
        let identity = user.username.as_deref().map(identity);
        out.text("user", user.username.as_deref());
        out.text("user_uid", user.uid.as_deref());
        out.list("user_groups", user.groups.as_deref());
        out.text("user_kind", identity.map(|identity| identity.kind));
        out.text("sa_namespace", identity.and_then(|identity| identity.sa_namespace));
        out.text("sa_name", identity.and_then(|identity| identity.sa_name));
        out.text("node_name", identity.and_then(|identity| identity.node_name));
        let first = |name: &str| {
            let key = format!("authentication.kubernetes.io/{name}");
            let entry = user.extra.iter().flatten().find(|entry| entry.0 == key);
            entry.and_then(|entry| entry.1.first().cloned())
        };
        out.text("credential_id", first("credential-id"));
        out.text("cred_pod_name", first("pod-name"));
        out.text("cred_node_name", first("node-name"));
        extra("user_extra", &user, out);
        out.rest("user", user.rest);
    }
    if let Some(user) = other {
        out.text("imp_user", user.username.as_deref());
        out.text("imp_uid", user.uid.as_deref());
        out.list("imp_groups", user.groups.as_deref());
        extra("imp_extra", &user, out);
        out.rest("impersonatedUser", user.rest);
    }
    if let Some((text, rest)) = event.get("authenticationMetadata").map(values::constraint) {
        out.text("imp_constraint", text);
        out.rest("authenticationMetadata", rest);
    }
}

fn extra(name: &'static str, user: &User, out: &mut Writer) {
    if let Some(extra) = &user.extra {
        out.set(name, Cell::Map(extra.iter().map(|(key, items)| (text(key), list(items))).collect()));
    }
}

fn agents(event: &Event<'_>, out: &mut Writer) {
    if let Some((items, rest)) = event.get("sourceIPs").map(values::list) {
        out.list("source_ips", items.as_deref());
        out.text("source_ip", items.iter().flatten().next_back().cloned());
        out.text("client_ip_claimed", items.iter().flatten().next().cloned());
        out.rest("sourceIPs", rest);
    }
    let agent = scalar(event, "userAgent", out);
    let split = agent.as_deref().map(split_agent);
    out.text("agent_name", split.map(|(name, _)| name));
    out.text("agent_version", split.and_then(|(_, version)| version));
    out.text("user_agent", agent);
}

/// Answers the decision.
fn annotations(event: &Event<'_>, out: &mut Writer) -> Option<String> {
    let (entries, rest) = values::annotations(event.get("annotations")?);
    out.rest("annotations", rest);
    let entries = entries?;
    let get = |key: &str| entries.iter().find(|entry| entry.0 == key).map(|entry| entry.1.clone());
    let decision = get("authorization.k8s.io/decision");
    let reason = get("authorization.k8s.io/reason");
    let rbac = reason.as_deref().and_then(parse_rbac_reason);
    out.text("rbac_binding_kind", rbac.as_ref().map(|rbac| rbac.binding_kind));
    out.text("rbac_binding", rbac.as_ref().map(|rbac| &*rbac.binding));
    out.text("rbac_binding_ns", rbac.as_ref().and_then(|rbac| rbac.binding_namespace.as_deref()));
    out.text("rbac_role_kind", rbac.as_ref().map(|rbac| rbac.role_kind));
    out.text("rbac_role", rbac.as_ref().map(|rbac| &*rbac.role));
    out.text("rbac_subject", rbac.as_ref().map(auditwake_core::parse::reason::RbacReason::subject_text));
    out.text("decision", decision.clone());
    out.text("authz_reason", reason);
    out.flag("deprecated", get("k8s.io/deprecated").map(|value| value == "true"));
    out.text("removed_release", get("k8s.io/removed-release"));
    out.text("psa_enforce", get("pod-security.kubernetes.io/enforce-policy"));
    out.text("psa_violations", get("pod-security.kubernetes.io/audit-violations"));
    out.text("vap_failure", get("validation.policy.admission.k8s.io/validation_failure"));
    let failed = entries.iter().filter(|entry| entry.0.starts_with("failed-open."));
    let failed: Vec<String> = failed.map(|entry| entry.1.clone()).collect();
    out.list("failed_open", (!failed.is_empty()).then_some(&failed));
    for (name, part) in LATENCIES {
        let value = get(&format!("apiserver.latency.k8s.io/{part}"));
        out.int(name, value.and_then(|value| parse_go_duration(&value)));
    }
    out.flag("truncated", Some(get("audit.k8s.io/truncated").as_deref() == Some("true")));
    out.set("annotations", Cell::Map(entries.iter().map(|(key, value)| (text(key), text(value))).collect()));
    decision
}

fn times(event: &Event<'_>, stage: Option<&str>, out: &mut Writer) {
    let mut read = |key: &str| {
        let (micros, rest) = values::time(event.get(key)?);
        out.rest(key, rest);
        micros
    };
    let (received, reached) = (read("requestReceivedTimestamp"), read("stageTimestamp"));
    out.int("ts_received", received);
    out.int("ts_stage", reached);
    if stage != Some("RequestReceived") {
        out.int("duration_us", received.zip(reached).map(|(received, reached)| reached - received));
    }
}

fn outcome(stage: Option<&str>, code: Option<i16>, decision: Option<&str>) -> &'static str {
    match (code.unwrap_or(0), decision) {
        _ if stage == Some("Panic") => "panic",
        (0, _) => "unknown",
        (_, Some("forbid")) => "denied",
        (code, _) if code < 400 => "ok",
        (403, Some("allow")) => "rejected",
        (404 | 410, _) => "not_found",
        (409, _) => "conflict",
        (429, _) => "throttled",
        (code, _) if code < 500 => "client_error",
        _ => "server_error",
    }
}

fn query(uri: Option<&str>, out: &mut Writer) {
    out.text("uri", uri);
    let Some(parsed) = uri.map(parse_uri) else { return };
    let query = parsed.query;
    out.text("path", Some(parsed.path));
    out.int("q_limit", query.limit);
    out.text("q_rv", query.resource_version);
    out.text("q_rv_match", query.resource_version_match);
    out.flag("q_continue", query.has_continue);
    out.text("q_label_sel", query.label_selector);
    out.text("q_field_sel", query.field_selector);
    out.int("q_timeout_s", query.timeout_seconds);
    out.flag("q_watch", query.watch);
    out.flag("q_dry_run", query.dry_run);
    out.text("q_field_manager", query.field_manager);
    out.flag("q_force", query.force);
    out.list("exec_command", (!query.command.is_empty()).then_some(&query.command));
    out.text("exec_container", query.container);
}

fn bodies(event: &Event<'_>, out: &mut Writer) {
    let weight = |body: Option<&str>| body.map(|body| body.len() as i64);
    let (request, response) = (event.get("requestObject"), event.get("responseObject"));
    out.text("request_object", request);
    out.text("response_object", response);
    out.int("req_bytes", weight(request));
    out.int("resp_bytes", weight(response));
    // Of a body that is no JSON nothing is promised but its bytes; the comparison leaves these columns out then.
    let Some((members, _)) = response.and_then(json::object) else { return };
    let body = response.unwrap_or_default();
    let Some(metadata) = members.into_iter().find(|member| member.key == "metadata") else { return };
    let metadata = &body[metadata.value];
    let Some((members, _)) = json::object(metadata) else { return };
    for (column, key) in
        [("response_name", "name"), ("response_uid", "uid"), ("response_rv", "resourceVersion")]
    {
        let mut named = members.iter().filter(|member| member.key == key);
        out.text(column, named.find_map(|member| json::string(&metadata[member.value.clone()])));
    }
}

/// What depends on all the rest.
fn finish(event: &Event<'_>, raw: &[u8], mut out: Writer) -> Expected {
    let mut maybe_deep = false;
    for member in &event.members {
        let known = KEYS.contains(&&*member.key);
        let depth = scan::depth(event.text, &member.value);
        if known && depth > DEEP + DEEP_SLACK {
            out.repairs.insert("deep_nesting");
        } else if depth > DEEP {
            maybe_deep = true;
        }
        if known && event.members.iter().filter(|other| other.key == member.key).count() > 1 {
            out.repairs.insert("duplicate_key");
        }
    }
    let marked = out.row["truncated"] == Cell::Bool(true);
    out.flag("truncated", Some(marked || event.cut));
    out.int("line_bytes", Some(raw.len() as i64));
    out.int("src_offset", Some(0));
    if !out.repairs.is_empty() {
        out.set("raw", Cell::Bytes(raw.to_vec()));
    }
    if !out.extra.is_empty() {
        let extra = format!("{{{}}}", out.extra.join(","));
        out.text("extra_fields", Some(extra));
    }
    if event.get("responseObject").is_some_and(|body| !is_json(body)) {
        for name in ["response_name", "response_uid", "response_rv"] {
            out.row.remove(name);
        }
    }
    for name in ["src_file", "cluster", "apiserver", "repairs"] {
        out.row.remove(name);
    }
    Expected { row: out.row, repairs: out.repairs, maybe_deep }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
