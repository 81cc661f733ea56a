-- Who got at secrets, tokens and certificates: people and workloads first, then what belongs to the cluster.
--
-- Secrets by any verb, tokens of service accounts (serviceaccounts/token), token reviews, and certificate signing
-- requests with their approval. A list or watch without a namespace gives all secrets of the cluster. Denied ones are
-- listed too.
--
-- of: resource = 'secrets' or (resource = 'serviceaccounts' and subresource = 'token') or resource in ('tokenreviews', 'certificatesigningrequests')
-- needs: ended
-- limit: 100
-- note: select 'no such request is in the log: there was none, or the policy drops them; `auditwake policy explain POLICY --verb get --resource secrets --user NAME` says which' where not exists (from requests)
with each as (
  select
    eff_user, actor, verb, what(resource, api_group, subresource, null) as what, namespace, outcome,
    coalesce(name, response_name) as object, requests.user as authenticated, agent_name, source_ip,
    count(*) as requests,
    min(ts_received) as first,
    max(ts_received) as last
  from requests
  group by all
)
select
  eff_user as "user",
  actor,
  verb,
  what,
  namespace,
  outcome,
  sum(requests)::bigint as requests,
  list_sort(list(distinct object) filter (object is not null))[:10] as names,
  list_sort(list(distinct authenticated) filter (authenticated is distinct from eff_user)) as impersonated_by,
  list_sort(list(distinct agent_name) filter (agent_name is not null)) as agents,
  list_sort(list(distinct source_ip) filter (source_ip is not null)) as addresses,
  min(first) as first,
  max(last) as last
from each
group by eff_user, actor, verb, what, namespace, outcome
order by coalesce(actor, 'anonymous') not in ('user', 'workload', 'anonymous'), requests desc, eff_user, verb, what, namespace, outcome
limit $limit
