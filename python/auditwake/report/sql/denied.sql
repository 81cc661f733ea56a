-- Who was denied what: requests that the authorizer refused, by who asked for what. An impersonation that was refused
-- has no decision: its message says why.
select
  eff_user as "user",
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  count(*) as requests,
  min(ts_received) as first,
  max(ts_received) as last,
  coalesce(max(nullif(authz_reason, '')), max(message) filter (is_refused_impersonation(code, decision, message))) as reason,
  list_sort(list(distinct left(name, 200)) filter (name is not null))[:5] as names,
  list_sort(list(distinct left(agent_name, 200)) filter (agent_name is not null))[:5] as agents,
  list_sort(list(distinct source_ip) filter (source_ip is not null))[:5] as addresses,
  count(*) over () as all_rows
from requests
where is_denied(code, decision, message)
group by eff_user, verb, what, namespace
order by requests desc, "user", verb, what, namespace
limit $limit
