-- Who acted as somebody else, and what they did as them; and who was not allowed to.
--
-- Where it was refused, `outcome` is denied, and as whom is what the message says of it: a user, a group or a service
-- account, whichever was refused first.
--
-- of: imp_user is not null or (code = 403 and decision is null and message like '% is forbidden: User "%" cannot impersonate%')
-- needs: ended
-- limit: 100
select
  requests.user as authenticated,
  coalesce(imp_user, refused_user(message)) as acted_as,
  coalesce(imp_groups::varchar[], refused_groups(message)) as with_groups,
  imp_constraint as allowed_by,
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  if(is_refused_impersonation(code, decision, message), 'denied', outcome) as outcome,
  count(*) as requests,
  list_sort(list(distinct source_ip) filter (source_ip is not null))[:10] as addresses,
  list_sort(list(distinct agent_name) filter (agent_name is not null))[:10] as agents,
  min(ts_received) as first,
  max(ts_received) as last
from requests
group by all
order by requests desc, authenticated, acted_as, verb, what, namespace, outcome
limit $limit
