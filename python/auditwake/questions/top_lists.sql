-- Who lists how: lists that load the server, whoever asks, most rows that etcd had to give first.
--
-- `quorum` lists name no resourceVersion, or ask for an exact one: they are read from etcd, unless
-- the server answers them consistently from its cache. `unpaged` ones name no limit:
-- the whole answer is built at once. `cluster_wide` ones name no namespace, of resources that have
-- one: a custom resource that the log, also outside of what is asked of, has in no namespace is one of the cluster.
-- `pages` are those with a continue token.
-- `every_s` is the median of the seconds from one list of that kind to the next.
--
-- of: is_terminal and (verb = 'list' or (namespace is not null and contains(api_group, '.') and api_group not in ('coordination.k8s.io', 'discovery.k8s.io', 'events.k8s.io', 'metrics.k8s.io', 'networking.k8s.io', 'rbac.authorization.k8s.io')))
-- needs: ended
-- limit: 20
-- note: select 'the clock was set back during ' || counted(count(*), 'request, which counts', 'requests, which count') || ' as no time' from events where is_terminal and verb = 'list' and duration_us < 0 and /*scope*/true/*end*/ having count(*) > 0
with series as materialized (
  -- Texts are compared once a series, and times alone are sorted: there are few series of many lists. Requests that list
  -- nothing only say which custom resources have a namespace.
  select
    verb = 'list' and /*scope*/true/*end*/ as is_list,
    resource, api_group, namespace,
    if(is_list, eff_user, null) as eff_user,
    if(is_list, agent_name, null) as agent_name,
    if(is_list, subresource, null) as subresource,
    if(is_list and resource is null, path, null) as path,
    count(*) as lists,
    count(*) filter (is_quorum(q_rv, q_rv_match) and not q_continue is true) as quorum,
    count(*) filter (coalesce(q_limit, 0) = 0) as unpaged,
    count(*) filter (is_quorum(q_rv, q_rv_match) and coalesce(q_limit, 0) = 0) as quorum_and_unpaged,
    count(*) filter (q_continue) as pages,
    count(*) filter (q_label_sel is not null or q_field_sel is not null) as selected,
    max(took(duration_us)) as max_us,
    sum(took(duration_us)) as busy_us,
    max(resp_bytes) as max_response_bytes,
    list(epoch_us(ts_received)) filter (is_list) as times
  from requests
  where state = 'ended'
  group by all
), placed as (
  select distinct api_group, resource from series where namespace is not null and is_custom(api_group)
), numbered as (
  select
    *,
    what(resource, api_group, subresource, path) as what,
    namespace is null
      and if(is_custom(api_group), (api_group, resource) in (from placed), not is_of_cluster(resource)) as is_wide,
    dense_rank() over (order by eff_user, agent_name, resource, api_group, namespace) as kind,
    dense_rank() over (order by eff_user, agent_name, what(resource, api_group, subresource, path)) as row
  from series
  where is_list
), moments as (
  select kind, row, unnest(times) as moment from numbered
), gaps as (
  select row, moment - lag(moment) over (partition by kind order by moment) as gap from moments
), usual as (
  select row, median(gap) as gap from gaps group by row
)
select
  eff_user as "user",
  agent_name as agent,
  what,
  sum(lists)::bigint as lists,
  sum(quorum)::bigint as quorum,
  sum(unpaged)::bigint as unpaged,
  sum(quorum_and_unpaged)::bigint as quorum_and_unpaged,
  coalesce(sum(lists) filter (is_wide), 0)::bigint as cluster_wide,
  sum(pages)::bigint as pages,
  sum(selected)::bigint as selected,
  round(any_value(usual.gap) / 1000000, 1) as every_s,
  round(max(max_us) / 1000, 3) as max_ms,
  round(sum(busy_us) / 1000, 3)::double as busy_ms,
  max(max_response_bytes) as max_response_bytes
from numbered left join usual using (row)
group by all
order by quorum_and_unpaged desc, quorum desc, lists desc, "user", agent, what
limit $limit
