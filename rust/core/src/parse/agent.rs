//! Who called, from the `User-Agent` header.
//!
//! The header is free text from the client. What Kubernetes' own clients send (`rest.DefaultKubernetesUserAgent` in
//! client-go) has the form `kubectl/v1.37.2 (linux/amd64) kubernetes/0123456`; curl, browsers and Go programs put
//! name and version first in the same way. Grouping by name needs the version apart.

/// Splits a user agent into the program's name and its version.
///
/// The name ends at the first `/` or space, the version at the next one. A version must follow a `/` directly:
/// without one, or with nothing after the `/`, there is none.
#[must_use]
pub fn split_agent(ua: &str) -> (&str, Option<&str>) {
    let Some((name, rest)) = ua.split_once(['/', ' ']) else {
        return (ua, None);
    };
    if ua.as_bytes().get(name.len()) != Some(&b'/') {
        return (name, None);
    }
    let version = rest.split(['/', ' ']).next().filter(|version| !version.is_empty());
    (name, version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agents_of_real_logs() {
        for (ua, name, version) in [
            ("kubectl/v1.37.2 (linux/amd64) kubernetes/0123456", "kubectl", Some("v1.37.2")),
            (
                "kube-controller-manager/v1.37.2 (linux/amd64) kubernetes/0123456/system:serviceaccount:kube-system:job-controller",
                "kube-controller-manager",
                Some("v1.37.2"),
            ),
            ("hollow-kubelet", "hollow-kubelet", None),
            ("curl/7.88.1", "curl", Some("7.88.1")),
            ("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101", "Mozilla", Some("5.0")),
            ("Go-http-client/2.0", "Go-http-client", Some("2.0")),
        ] {
            assert_eq!(split_agent(ua), (name, version), "{ua}");
        }
    }

    #[test]
    fn odd_agents() {
        for (ua, name, version) in [
            ("", "", None),
            ("/", "", None),
            ("/v1", "", Some("v1")),
            ("x/", "x", None),
            ("x//y", "x", None),
            ("x/ (linux)", "x", None),
            ("my agent/1.0", "my", None),
            (" x/1", "", None),
            ("x/v1/extra", "x", Some("v1")),
            ("é/ü ö", "é", Some("ü")),
        ] {
            assert_eq!(split_agent(ua), (name, version), "{ua:?}");
        }
    }

    proptest! {
        #[test]
        fn both_parts_stand_at_the_front(ua in "\\PC*|[a-z/ ]*") {
            let (name, version) = split_agent(&ua);
            prop_assert!(ua.starts_with(name) && !name.contains(['/', ' ']));
            if let Some(version) = version {
                let front = format!("{name}/{version}");
                prop_assert!(ua.starts_with(&front) && !version.is_empty());
            }
        }
    }
}
