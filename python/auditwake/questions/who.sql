-- Who acted: every effective user, with what became of their requests.
--
-- `actor` is what kind they are. `impersonated_by` are those who were authenticated and acted as them. `writes` are
-- requests that changed something, dry runs apart. `denied` are refused impersonations, too; `failed` are those that did
-- not succeed for another reason.
--
-- needs: ended
-- limit: 100
with each as (
  select
    eff_user, actor, requests.user as authenticated, agent_name, source_ip,
    count(*) as requests,
    count(*) filter (verb in ('create', 'update', 'patch', 'delete', 'deletecollection') and code < 400 and not coalesce(q_dry_run, false)) as writes,
    count(*) filter (is_denied(code, decision, message)) as denied,
    count(*) filter (has_failed(code, decision, message, outcome)) as failed,
    min(ts_received) as first,
    max(ts_received) as last
  from requests
  group by all
)
select
  eff_user as "user",
  actor,
  sum(requests)::bigint as requests,
  sum(writes)::bigint as writes,
  sum(denied)::bigint as denied,
  sum(failed)::bigint as failed,
  list_sort(list(distinct authenticated) filter (authenticated is distinct from eff_user)) as impersonated_by,
  list_sort(list(distinct agent_name) filter (agent_name is not null))[:5] as agents,
  list_sort(list(distinct source_ip) filter (source_ip is not null))[:5] as addresses,
  min(first) as first,
  max(last) as last
from each
group by eff_user, actor
order by coalesce(actor, 'anonymous') not in ('user', 'workload', 'anonymous'), requests desc, eff_user
limit $limit
