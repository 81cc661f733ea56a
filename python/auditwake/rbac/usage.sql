-- Which bindings allowed something: what the authorizer gave as its reason, counted.
--
-- The authorizer stops at the first binding that allows a request, those of the cluster before those of a namespace: a
-- binding that is never named may still be one of several that would have allowed it.
with by_user as (
  select rbac_binding_kind, rbac_binding_ns, rbac_binding, rbac_role_kind, rbac_role, rbac_subject, eff_user as user,
    count(*) as requests, min(ts_received) as first, max(ts_received) as last
  from requests
  where decision = 'allow'
  group by all
)
select
  rbac_binding_kind as binding_kind,
  rbac_binding as binding,
  rbac_binding_ns as namespace,
  rbac_role_kind as role_kind,
  rbac_role as role,
  rbac_subject as subject,
  sum(requests)::bigint as requests,
  min(first) as first,
  max(last) as last,
  count(*) as users_seen,
  coalesce(min(user, $ids), []) as users
from by_user
where /*whose*/ true /*end*/
group by all
order by requests desc, binding_kind, binding, namespace, subject
