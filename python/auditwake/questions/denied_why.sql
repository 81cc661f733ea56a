-- What is missing: for each thing that somebody was denied, the permission that would have allowed it, in words.
--
-- As `denied`. A permission is named as RBAC has it, and where it would have to stand: in a Role of the namespace, or in
-- a ClusterRole. `auditwake rbac fix` writes it down.
--
-- of: decision = 'forbid' or code = 403
-- needs: decision
-- limit: 50
select
  case when starts_with(eff_user, 'system:serviceaccount:')
         then 'ServiceAccount ' || replace(eff_user[length('system:serviceaccount:') + 1:], ':', '/')
       when eff_user is null then 'nobody who could be authenticated'
       else 'User ' || eff_user end as subject,
  case
    when refused_by = 'RBAC (impersonation)' then
      'may not act as ' || coalesce(imp_user, refused_user(message), refused_name(message), 'another') || ': it needs the verb impersonate on users, groups or serviceaccounts, which only a ClusterRole grants to ' || coalesce(authenticated, 'it')
    when refused_by = 'node authorizer' then
      'is a node: ' || reason || '. No role mends that: the node authorizer lets a node at what belongs to its own pods'
    when refused_by = 'authorization webhook or policy' then
      'was refused by another authorizer than RBAC, which says: ' || reason
    when starts_with(refused_by, 'unknown') then
      'was answered 403 to ' || concat_ws(' ', verb, what) || ': the log does not say whether a permission is missing'
    when coalesce(verb, '') = '' then
      'sent a method that RBAC has no verb for, on ' || what || ': no role can grant it'
    when eff_user = 'system:anonymous' then
      'was not logged in: ' || verb || ' ' || what || ' would have to be granted to everybody who can reach the server'
    when resource is null then
      'needs the verb "' || verb || '" on nonResourceURLs "' || what || '", in a ClusterRole by a ClusterRoleBinding'
    else
      'needs the verb "' || verb || '" on resources "' || resource || if(subresource is null, '', '/' || subresource)
        || '" of apiGroups "' || coalesce(api_group, '') || '"'
        || if(namespace is null, ', in a ClusterRole by a ClusterRoleBinding', ', in a Role of namespace ' || namespace)
  end as missing,
  count(*) as requests,
  min(ts_received) as first,
  max(ts_received) as last
from (
  select *, requests.user as authenticated, what(resource, api_group, subresource, path) as what,
         nullif(authz_reason, '') as reason, refused_by(code, decision, authz_reason, message, eff_user) as refused_by
  from requests
)
where refused_by not in ('admission', 'authentication')
group by subject, missing
order by requests desc, subject, missing
limit $limit
