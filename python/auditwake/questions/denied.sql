-- Who was denied what: requests that the authorizer refused (decision = forbid), by who asked for what.
--
-- Code 403 alone does not say so: admission answers 403 as well, for requests that were allowed (see `admission`), and
-- failed authentication is another thing (see `errors`). `reason` is what the authorizer said. RBAC says nothing when it
-- refuses, so an empty reason means that no rule grants it; the node authorizer and webhooks say why. `impersonated_by`
-- is who was authenticated, where the permissions of somebody else counted.
--
-- of: decision = 'forbid'
-- needs: decision
-- limit: 50
select
  eff_user as user,
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  count(*) as requests,
  min(ts_received) as first,
  max(ts_received) as last,
  max(nullif(authz_reason, '')) as reason,
  list_sort(list(distinct name) filter (name is not null))[:5] as names,
  list_sort(list(distinct agent_name) filter (agent_name is not null)) as agents,
  list_sort(list(distinct source_ip) filter (source_ip is not null)) as addresses,
  list_sort(list(distinct events_user) filter (events_user is distinct from eff_user)) as impersonated_by
from (select *, requests.user as events_user from requests)
group by all
order by requests desc, user, verb, what, namespace
limit $limit
