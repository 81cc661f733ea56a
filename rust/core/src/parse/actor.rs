//! Who acted, from the effective user name and groups.
//!
//! `identity` reads what a user name says by its own form. `actor` puts every request into one of the seven classes
//! of the integration page, tested in this order:
//!
//! | class | who | why |
//! |---|---|---|
//! | `anonymous` | no user name, `system:anonymous`, group `system:unauthenticated` | nobody proved who they are; the name is empty when authentication failed |
//! | `apiserver` | `system:apiserver` | the server's own loopback client: its work, not a client's |
//! | `node` | `system:node:…`, group `system:nodes` | kubelets; the group decides for the Node authorizer |
//! | `control-plane` | the controller manager, the scheduler, the cloud controller manager, every other `system:kube-…`, and the accounts in `kube-system` that the controller manager makes for its controllers | the cluster working on itself |
//! | `cluster-service` | `system:kube-proxy`, `system:kube-dns`, other `system:…`, other service accounts in `kube-system`, `kube-public` and `kube-node-lease` | add-ons: part of the cluster, but chosen and updated by its owner |
//! | `workload` | every other service account | programs that run on the cluster |
//! | `user` | everything else, `system:admin` too | people and what acts for them from outside |
//!
//! `system:admin` is no component: k3s, RKE2 and `OpenShift` give that name to the administrator's certificate, and
//! a person's acts must not be filed under the cluster's own.

/// What a user name says by its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `serviceaccount`, `node`, `system`, `person` or `anonymous`.
    pub kind: &'static str,
    /// Namespace of a service account.
    pub sa_namespace: Option<&'a str>,
    /// Name of a service account.
    pub sa_name: Option<&'a str>,
    /// Name of the node that a kubelet speaks for.
    pub node_name: Option<&'a str>,
}

/// Reads a user name by its form. A `system:serviceaccount:` or `system:node:` name without the parts that
/// Kubernetes puts behind it (`serviceaccount.SplitUsername` in apiserver) is just another `system` name.
#[must_use]
pub fn identity(username: &str) -> Identity<'_> {
    let named = |kind| Identity { kind, sa_namespace: None, sa_name: None, node_name: None };
    if username.is_empty() || username == "system:anonymous" {
        return named("anonymous");
    }
    let Some(system) = username.strip_prefix("system:") else {
        return named("person");
    };
    if let Some((namespace, name)) = system.strip_prefix("serviceaccount:").and_then(service_account) {
        return Identity { sa_namespace: Some(namespace), sa_name: Some(name), ..named("serviceaccount") };
    }
    match system.strip_prefix("node:") {
        Some(node) if !node.is_empty() => Identity { node_name: Some(node), ..named("node") },
        _ => named("system"),
    }
}

fn service_account(parts: &str) -> Option<(&str, &str)> {
    let (namespace, name) = parts.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

/// The class of whoever acted, one of `anonymous`, `apiserver`, `node`, `control-plane`, `cluster-service`,
/// `workload` and `user`, as the module's table defines them.
///
/// Pass the impersonated user if there is one. The groups are asked for at most once, and only when the name alone
/// does not decide.
#[must_use]
pub fn actor(username: &str, groups: &mut dyn Iterator<Item = &str>) -> &'static str {
    let identity = identity(username);
    match identity.kind {
        "anonymous" => return "anonymous",
        "node" => return "node",
        _ if username == "system:apiserver" => return "apiserver",
        _ => {}
    }
    let mut is_node = false;
    for group in groups {
        match group {
            "system:unauthenticated" => return "anonymous",
            "system:nodes" => is_node = true,
            _ => {}
        }
    }
    if is_node {
        return "node";
    }
    match (identity.kind, identity.sa_namespace, identity.sa_name) {
        ("serviceaccount", Some("kube-system"), Some(name)) if is_control_plane_account(name) => {
            "control-plane"
        }
        ("serviceaccount", Some("kube-system" | "kube-public" | "kube-node-lease"), _) => "cluster-service",
        ("serviceaccount", ..) => "workload",
        ("system", ..) => system_actor(username),
        _ => "user",
    }
}

fn system_actor(username: &str) -> &'static str {
    match username {
        "system:admin" => "user",
        "system:kube-proxy" | "system:kube-dns" => "cluster-service",
        "system:cloud-controller-manager" => "control-plane",
        _ if username.starts_with("system:kube-") => "control-plane",
        _ => "cluster-service",
    }
}

fn is_control_plane_account(name: &str) -> bool {
    CONTROL_PLANE_ACCOUNTS.binary_search(&name).is_ok()
}

/// Service accounts in `kube-system` under which the control plane itself works, in sorted order.
///
/// From `controller_policy.go` and `namespace_policy.go` in `kubernetes/plugin/pkg/auth/authorizer/rbac/
/// bootstrappolicy`, 1.28 to 1.37, and the accounts that the three managers use where they run as pods. A list and
/// not the ending `-controller`: many add-ons in `kube-system` end so (`snapshot-controller`,
/// `aws-load-balancer-controller`), and they are what this column is to tell apart. A controller newer than the list
/// falls back to `cluster-service`.
const CONTROL_PLANE_ACCOUNTS: &[&str] = &[
    "attachdetach-controller",
    "bootstrap-signer",
    "certificate-controller",
    "cloud-controller-manager",
    "cloud-provider",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "device-taint-eviction-controller",
    "disruption-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "ephemeral-volume-controller",
    "expand-controller",
    "generic-garbage-collector",
    "horizontal-pod-autoscaler",
    "job-controller",
    "kube-apiserver-serving-clustertrustbundle-publisher",
    "kube-controller-manager",
    "kube-scheduler",
    "leader-election-controller",
    "legacy-service-account-token-cleaner",
    "namespace-controller",
    "node-controller",
    "persistent-volume-binder",
    "pod-garbage-collector",
    "podcertificaterequestcleaner",
    "podcheckpoint-controller",
    "pv-protection-controller",
    "pvc-protection-controller",
    "replicaset-controller",
    "replication-controller",
    "resource-claim-controller",
    "resourcequota-controller",
    "root-ca-cert-publisher",
    "route-controller",
    "selinux-warning-controller",
    "service-account-controller",
    "service-cidrs-controller",
    "service-controller",
    "statefulset-controller",
    "storage-version-garbage-collector",
    "storage-version-migrator-controller",
    "token-cleaner",
    "ttl-after-finished-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
    "volumeattributesclass-protection-controller",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn actor_of(username: &str, groups: &[&str]) -> &'static str {
        actor(username, &mut groups.iter().copied())
    }

    #[test]
    fn identities() {
        let account = identity("system:serviceaccount:team-a11:builder");
        assert_eq!(account.kind, "serviceaccount");
        assert_eq!((account.sa_namespace, account.sa_name), (Some("team-a11"), Some("builder")));
        let node = identity("system:node:ip-10-0-0-1.ec2.internal");
        assert_eq!((node.kind, node.node_name), ("node", Some("ip-10-0-0-1.ec2.internal")));
        for (username, kind) in [
            ("", "anonymous"),
            ("system:anonymous", "anonymous"),
            ("system:apiserver", "system"),
            ("system:", "system"),
            ("system:node:", "system"),
            ("system:nodes", "system"),
            ("system:serviceaccount:", "system"),
            ("system:serviceaccount:ns", "system"),
            ("system:serviceaccount:ns:", "system"),
            ("system:serviceaccount::name", "system"),
            ("system:serviceaccount:ns:name:more", "system"),
            ("alice@example.com", "person"),
            ("System:node:x", "person"),
            ("system", "person"),
        ] {
            let identity = identity(username);
            assert_eq!(identity.kind, kind, "{username}");
            assert_eq!((identity.sa_namespace, identity.sa_name, identity.node_name), (None, None, None));
        }
    }

    #[test]
    fn actors() {
        for (username, groups, expected) in [
            ("", &[][..], "anonymous"),
            ("system:anonymous", &["system:unauthenticated"], "anonymous"),
            ("mallory", &["system:unauthenticated", "system:nodes"], "anonymous"),
            ("system:apiserver", &["system:authenticated", "system:masters"], "apiserver"),
            ("system:node:node-1", &["system:nodes", "system:authenticated"], "node"),
            ("system:node:node-1", &[], "node"),
            ("kubelet", &["system:authenticated", "system:nodes"], "node"),
            ("system:kube-scheduler", &["system:authenticated"], "control-plane"),
            ("system:kube-controller-manager", &[], "control-plane"),
            ("system:cloud-controller-manager", &[], "control-plane"),
            ("system:serviceaccount:kube-system:replicaset-controller", &[], "control-plane"),
            ("system:serviceaccount:kube-system:root-ca-cert-publisher", &[], "control-plane"),
            ("system:serviceaccount:kube-system:snapshot-controller", &[], "cluster-service"),
            ("system:serviceaccount:kube-system:coredns", &[], "cluster-service"),
            ("system:serviceaccount:kube-public:x", &[], "cluster-service"),
            ("system:serviceaccount:kube-node-lease:x", &[], "cluster-service"),
            ("system:kube-proxy", &["system:node-proxier"], "cluster-service"),
            ("system:kube-dns", &[], "cluster-service"),
            ("system:coredns", &[], "cluster-service"),
            ("system:serviceaccount:kube-system", &[], "cluster-service"),
            ("system:serviceaccount:default:replicaset-controller", &[], "workload"),
            ("system:serviceaccount:team-a11:builder", &[], "workload"),
            ("kubernetes-admin", &["system:masters"], "user"),
            ("system:admin", &["system:masters"], "user"),
            ("alice@example.com", &["dev"], "user"),
        ] {
            assert_eq!(actor_of(username, groups), expected, "{username} {groups:?}");
        }
    }

    #[test]
    fn the_list_is_sorted_for_the_search() {
        assert!(CONTROL_PLANE_ACCOUNTS.is_sorted_by(|a, b| a < b));
    }

    proptest! {
        #[test]
        fn every_name_has_a_kind_and_a_class(name in "(system:)?(serviceaccount:|node:|kube-)?\\PC*", group in any::<String>()) {
            let kinds = ["serviceaccount", "node", "system", "person", "anonymous"];
            let actors =
                ["anonymous", "apiserver", "node", "control-plane", "cluster-service", "workload", "user"];
            prop_assert!(kinds.contains(&identity(&name).kind));
            prop_assert!(actors.contains(&actor_of(&name, &[&group])));
        }

        #[test]
        fn service_accounts_are_read_back(namespace in "[a-z0-9-]{1,20}", name in "[a-z0-9.-]{1,20}") {
            let username = format!("system:serviceaccount:{namespace}:{name}");
            let identity = identity(&username);
            prop_assert_eq!(identity.sa_namespace, Some(namespace.as_str()));
            prop_assert_eq!(identity.sa_name, Some(name.as_str()));
        }
    }
}
