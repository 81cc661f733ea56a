-- Who was denied what: requests that an authorizer refused, by who asked for what.
--
-- Code 403 alone does not say so: admission answers 403 as well, for requests that were allowed, and failed
-- authentication is another thing. Those are left out and counted in a note; with --all they are listed, and
-- `refused_by` keeps them apart. `reason` is what the authorizer said: RBAC says nothing when it refuses, the node
-- authorizer and webhooks say why. `impersonated_by` is who was authenticated, where somebody else's permissions counted.
--
-- of: decision = 'forbid' or code in (401, 403)
-- needs: decision
-- limit: 50
-- $all = 0: 1 lists what admission and authentication refused as well
-- note: select counted(count(*), 'request was', 'requests were') || ' refused by ' || refused_by || ': see `' || if(refused_by = 'admission', 'admission', 'errors') || '`' from (select refused_by(code, decision, authz_reason, message, eff_user) as refused_by from requests) where $all = 0 and refused_by in ('admission', 'authentication') group by refused_by order by refused_by
select
  eff_user as "user",
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  refused_by(code, decision, authz_reason, message, eff_user) as refused_by,
  count(*) as requests,
  min(ts_received) as first,
  max(ts_received) as last,
  max(nullif(authz_reason, '')) as reason,
  list_sort(list(distinct name) filter (name is not null))[:5] as names,
  list_sort(list(distinct agent_name) filter (agent_name is not null)) as agents,
  list_sort(list(distinct source_ip) filter (source_ip is not null)) as addresses,
  list_sort(list(distinct requests.user) filter (requests.user is distinct from eff_user)) as impersonated_by
from requests
where $all = 1 or refused_by(code, decision, authz_reason, message, eff_user) not in ('admission', 'authentication')
group by eff_user, verb, what, namespace, refused_by
order by requests desc, eff_user, verb, what, namespace, refused_by
limit $limit
