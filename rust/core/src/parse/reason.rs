//! Which RBAC binding allowed a request, from the annotation `authorization.k8s.io/reason`.
//!
//! The text is made by `authorizingVisitor.visit` (`kubernetes/plugin/pkg/auth/authorizer/rbac/rbac.go`) and the
//! describers in `kubernetes/pkg/registry/rbac/validation/rule.go`:
//!
//! ```text
//! RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "g"
//! RBAC: allowed by RoleBinding "b/namespace" of Role "r" to ServiceAccount "name/namespace"
//! ```
//!
//! Names are written with Go's `%q`. A user or a group may be called anything, so they can hold quotes, spaces and
//! what looks like the rest of a reason: nothing here looks for words between the quotes.

use std::borrow::Cow;

use memchr::memchr2;

/// An RBAC reason, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RbacReason<'a> {
    /// `ClusterRoleBinding` or `RoleBinding`.
    pub binding_kind: &'static str,
    /// Name of the binding, without its namespace.
    pub binding: Cow<'a, str>,
    /// Namespace of a `RoleBinding`.
    pub binding_namespace: Option<Cow<'a, str>>,
    /// `ClusterRole` or `Role`.
    pub role_kind: &'static str,
    /// Name of the role.
    pub role: Cow<'a, str>,
    /// `User`, `Group` or `ServiceAccount`: through which of its subjects the binding applied.
    pub subject_kind: &'static str,
    /// Name of the subject, without a service account's namespace.
    pub subject: Cow<'a, str>,
    /// Namespace of a service account.
    pub subject_namespace: Option<Cow<'a, str>>,
}

impl RbacReason<'_> {
    /// The subject as one text: `User/<name>`, `Group/<name>` or `ServiceAccount/<namespace>/<name>`.
    ///
    /// The namespace comes first, as in the user name `system:serviceaccount:<namespace>:<name>`; the reason itself
    /// has it last. Only names of users and groups can contain a `/`, so the text is unambiguous.
    #[must_use]
    pub fn subject_text(&self) -> String {
        match &self.subject_namespace {
            Some(namespace) => format!("{}/{namespace}/{}", self.subject_kind, self.subject),
            None => format!("{}/{}", self.subject_kind, self.subject),
        }
    }
}

/// Takes an RBAC reason apart; `None` for the reasons of other authorizers and for what RBAC says when it fails.
#[must_use]
pub fn parse_rbac_reason(reason: &str) -> Option<RbacReason<'_>> {
    let rest = reason.strip_prefix("RBAC: allowed by ")?;
    let (binding_kind, rest) = kind(rest, &["ClusterRoleBinding", "RoleBinding"])?;
    let (binding, rest) = quoted(rest)?;
    let (role_kind, rest) = kind(rest.strip_prefix(" of ")?, &["ClusterRole", "Role"])?;
    let (role, rest) = quoted(rest)?;
    let (subject_kind, rest) = kind(rest.strip_prefix(" to ")?, &["ServiceAccount", "Group", "User"])?;
    let (subject, rest) = quoted(rest)?;
    if !rest.is_empty() {
        return None;
    }
    let (binding, binding_namespace) = split_namespace(binding, binding_kind == "RoleBinding")?;
    let (subject, subject_namespace) = split_namespace(subject, subject_kind == "ServiceAccount")?;
    Some(RbacReason {
        binding_kind,
        binding,
        binding_namespace,
        role_kind,
        role,
        subject_kind,
        subject,
        subject_namespace,
    })
}

fn kind<'a>(text: &'a str, kinds: &[&'static str]) -> Option<(&'static str, &'a str)> {
    kinds.iter().find_map(|kind| Some((*kind, text.strip_prefix(kind)?.strip_prefix(' ')?)))
}

/// Splits `name/namespace`. Neither half can hold a `/` in a real cluster; if one does, a namespace is the half that
/// is checked more strictly (a DNS label), so the last `/` is the seam.
fn split_namespace(text: Cow<'_, str>, namespaced: bool) -> Option<(Cow<'_, str>, Option<Cow<'_, str>>)> {
    if !namespaced {
        return Some((text, None));
    }
    Some(match text {
        Cow::Borrowed(text) => {
            let (name, namespace) = text.rsplit_once('/')?;
            (Cow::Borrowed(name), Some(Cow::Borrowed(namespace)))
        }
        Cow::Owned(text) => {
            let (name, namespace) = text.rsplit_once('/')?;
            (Cow::Owned(name.to_owned()), Some(Cow::Owned(namespace.to_owned())))
        }
    })
}

/// Reads what Go's `strconv.Quote` wrote at the front of `text`, and returns it with the text after it.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let text = text.strip_prefix('"')?;
    let stop = memchr2(b'"', b'\\', text.as_bytes())?;
    let (clean, mut rest) = text.split_at_checked(stop)?;
    if let Some(rest) = rest.strip_prefix('"') {
        return Some((Cow::Borrowed(clean), rest));
    }
    let mut out = clean.as_bytes().to_vec();
    loop {
        let stop = memchr2(b'"', b'\\', rest.as_bytes())?;
        let (clean, tail) = rest.split_at_checked(stop)?;
        out.extend_from_slice(clean.as_bytes());
        if let Some(rest) = tail.strip_prefix('"') {
            // Go writes a byte that was no UTF-8 as `\xff`, so the name may not be text.
            let name = String::from_utf8(out)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            return Some((Cow::Owned(name), rest));
        }
        rest = unescape(tail.strip_prefix('\\')?, &mut out)?;
    }
}

/// Decodes one escape, given what follows its backslash. Octal escapes and `\'` are left out: Go reads them but
/// `%q` never writes them.
fn unescape<'a>(tail: &'a str, out: &mut Vec<u8>) -> Option<&'a str> {
    let byte = match tail.as_bytes().first()? {
        b'"' => b'"',
        b'\\' => b'\\',
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'r' => b'\r',
        b'x' => {
            let (value, rest) = hex(tail.get(1..)?, 2)?;
            out.push(value as u8);
            return Some(rest);
        }
        long @ (b'u' | b'U') => {
            let (value, rest) = hex(tail.get(1..)?, if *long == b'u' { 4 } else { 8 })?;
            out.extend_from_slice(char::from_u32(value)?.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(rest);
        }
        _ => return None,
    };
    out.push(byte);
    tail.get(1..)
}

fn hex(text: &str, len: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(len)?;
    let value = digits.chars().try_fold(0, |value, c| Some(value << 4 | c.to_digit(16)?))?;
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(text: &str) -> RbacReason<'_> {
        parse_rbac_reason(text).unwrap_or_else(|| panic!("not parsed: {text}"))
    }

    #[test]
    fn cluster_role_bindings_of_real_logs() {
        let group = reason(
            r#"RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated""#,
        );
        assert_eq!(
            group,
            RbacReason {
                binding_kind: "ClusterRoleBinding",
                binding: "system:discovery".into(),
                binding_namespace: None,
                role_kind: "ClusterRole",
                role: "system:discovery".into(),
                subject_kind: "Group",
                subject: "system:authenticated".into(),
                subject_namespace: None,
            }
        );
        assert_eq!(group.subject_text(), "Group/system:authenticated");
        let account = reason(
            r#"RBAC: allowed by ClusterRoleBinding "system:controller:job-controller" of ClusterRole "system:controller:job-controller" to ServiceAccount "job-controller/kube-system""#,
        );
        assert_eq!(account.subject, "job-controller");
        assert_eq!(account.subject_namespace.as_deref(), Some("kube-system"));
        assert_eq!(account.subject_text(), "ServiceAccount/kube-system/job-controller");
    }

    #[test]
    fn role_bindings_of_real_logs() {
        let user = reason(
            r#"RBAC: allowed by RoleBinding "system::extension-apiserver-authentication-reader/kube-system" of Role "extension-apiserver-authentication-reader" to User "system:kube-scheduler""#,
        );
        assert_eq!((user.binding_kind, user.role_kind, user.subject_kind), ("RoleBinding", "Role", "User"));
        assert_eq!(user.binding, "system::extension-apiserver-authentication-reader");
        assert_eq!(user.binding_namespace.as_deref(), Some("kube-system"));
        assert_eq!(user.subject_text(), "User/system:kube-scheduler");
        let account = reason(
            r#"RBAC: allowed by RoleBinding "builder-edit/team-a72" of ClusterRole "edit" to ServiceAccount "builder/team-a72""#,
        );
        assert_eq!(account.role_kind, "ClusterRole");
        assert!(matches!(account.role, Cow::Borrowed("edit")));
        assert_eq!(account.subject_text(), "ServiceAccount/team-a72/builder");
    }

    #[test]
    fn a_user_can_be_called_anything() {
        let odd = reason(
            r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "x\" of Role \"y\\ é\t\u200b\U000e0001\x00\a\xff/z""#,
        );
        assert_eq!(odd.subject, "x\" of Role \"y\\ é\t\u{200b}\u{e0001}\0\u{7}\u{fffd}/z");
        assert_eq!(odd.role, "r");
    }

    #[test]
    fn other_reasons_are_none() {
        for text in [
            "",
            "node: no relationship found between node 'node-2' and this object",
            r#"RBAC: clusterrole.rbac.authorization.k8s.io "x" not found"#,
            r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "g" and more"#,
            r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Robot "g""#,
            r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "g"#,
            r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "g\"#,
            r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "g\q""#,
            r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "\u12""#,
            r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "\ud800""#,
            r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to ServiceAccount "no-namespace""#,
            r#"RBAC: allowed by RoleBinding "no-namespace" of Role "r" to Group "g""#,
            r#"RBAC: allowed by RoleBindings "b/n" of Role "r" to Group "g""#,
        ] {
            assert_eq!(parse_rbac_reason(text), None, "{text}");
        }
    }

    /// `%q`, but with every character that is not plain ASCII escaped.
    fn quote(text: &str) -> String {
        let escape = |c: char| match c {
            '"' | '\\' => format!("\\{c}"),
            ' '..='~' => c.to_string(),
            _ => format!("\\U{:08x}", u32::from(c)),
        };
        format!("\"{}\"", text.chars().map(escape).collect::<String>())
    }

    proptest! {
        #[test]
        fn quoted_names_are_read_back(binding in any::<String>(), role in any::<String>(), subject in any::<String>()) {
            let text = format!(
                "RBAC: allowed by RoleBinding {} of ClusterRole {} to ServiceAccount {}",
                quote(&format!("{binding}/ns")), quote(&role), quote(&format!("{subject}/other")),
            );
            let parsed = parse_rbac_reason(&text).unwrap();
            prop_assert_eq!((&*parsed.binding, parsed.binding_namespace.as_deref()), (&*binding, Some("ns")));
            prop_assert_eq!(&*parsed.role, role.as_str());
            prop_assert_eq!((&*parsed.subject, parsed.subject_namespace.as_deref()), (&*subject, Some("other")));
        }

        #[test]
        fn no_input_panics(any in any::<String>(), near in r#"("|\\|\\x?[uU]?[0-9a-f]{0,9}|é|/)*"#) {
            let _ = parse_rbac_reason(&any);
            let _ = parse_rbac_reason(&format!("RBAC: allowed by RoleBinding \"{near}"));
        }
    }
}
