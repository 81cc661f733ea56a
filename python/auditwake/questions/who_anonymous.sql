-- What was asked without logging in, or with credentials that were refused, and what came of it.
--
-- of: actor = 'anonymous' or code = 401 or eff_user is null
-- needs: ended
-- limit: 100
select
  coalesce(eff_user, 'nobody who could be authenticated') as "user",
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  code,
  outcome,
  count(*) as requests,
  list_sort(list(distinct source_ip) filter (source_ip is not null))[:10] as addresses,
  list_sort(list(distinct agent_name) filter (agent_name is not null))[:10] as agents,
  min(ts_received) as first,
  max(ts_received) as last
from requests
group by eff_user, verb, what, namespace, code, outcome
order by outcome = 'ok' desc, requests desc, eff_user, verb, what, namespace, code
limit $limit
