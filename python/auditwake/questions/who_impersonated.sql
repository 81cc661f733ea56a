-- Who acted as somebody else, and what they did as them.
--
-- of: imp_user is not null
-- needs: ended
-- limit: 100
select
  requests.user as authenticated,
  imp_user as acted_as,
  imp_groups as with_groups,
  imp_constraint as allowed_by,
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  outcome,
  count(*) as requests,
  list_sort(list(distinct source_ip) filter (source_ip is not null))[:10] as addresses,
  list_sort(list(distinct agent_name) filter (agent_name is not null))[:10] as agents,
  min(ts_received) as first,
  max(ts_received) as last
from requests
group by requests.user, imp_user, imp_groups, imp_constraint, verb, what, namespace, outcome
order by requests desc, authenticated, acted_as, verb, what, namespace, outcome
limit $limit
