-- Who lists how: lists that load the server, whoever asks, most rows that etcd had to give first.
--
-- `quorum` lists name no resourceVersion, or ask for an exact one: they are read from etcd, unless
-- the server answers them consistently from its cache. `unpaged` ones name no limit:
-- the whole answer is built at once. `cluster_wide` ones name no namespace, of resources that have
-- one: a custom resource that the log has in no namespace is one of the cluster. `pages` are those with a continue token.
-- `every_s` is the median of the seconds from one list of that kind to the next.
--
-- of: is_terminal and (verb = 'list' or (namespace is not null and contains(api_group, '.') and not ends_with(api_group, '.k8s.io')))
-- needs: ended
-- limit: 20
-- note: select 'the clock was set back during ' || counted(count(*), 'request, which counts', 'requests, which count') || ' as no time' from events where is_terminal and verb = 'list' and duration_us < 0 having count(*) > 0
with placed as (
  select distinct api_group, resource from requests where namespace is not null
), lists as (
  select *,
    coalesce(q_rv, '') = '' or q_rv_match = 'Exact' as is_quorum,
    coalesce(q_limit, 0) = 0 as is_unpaged,
    namespace is null and not is_of_cluster(resource)
      and (not is_custom(api_group) or (api_group, resource) in (from placed)) as is_wide,
    ts_received - lag(ts_received) over (partition by eff_user, agent_name, resource, api_group, namespace order by ts_received) as since
  from requests
  where state = 'ended' and verb = 'list'
)
select
  eff_user as "user",
  agent_name as agent,
  what(resource, api_group, subresource, path) as what,
  count(*) as lists,
  count(*) filter (is_quorum and not q_continue is true) as quorum,
  count(*) filter (is_unpaged) as unpaged,
  count(*) filter (is_quorum and is_unpaged) as quorum_and_unpaged,
  count(*) filter (is_wide) as cluster_wide,
  count(*) filter (q_continue) as pages,
  count(*) filter (q_label_sel is not null or q_field_sel is not null) as selected,
  round(median(epoch_us(since)) / 1000000, 1) as every_s,
  round(max(took(duration_us)) / 1000, 3) as max_ms,
  round(sum(took(duration_us)) / 1000, 3)::double as busy_ms,
  max(resp_bytes) as max_response_bytes
from lists
group by all
order by quorum_and_unpaged desc, quorum desc, lists desc, "user", agent, what
limit $limit
