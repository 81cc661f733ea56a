-- Who calls APIs that are deprecated, and in which release they go.
--
-- From the annotations k8s.io/deprecated and k8s.io/removed-release. `removed` is empty where no release is set. With
-- --target, only what that release no longer has.
--
-- of: deprecated
-- needs: ended
-- limit: 100
-- $target = '': a release such as 1.36
select
  what(resource, api_group, null, path) as what,
  api_version as version,
  removed_release as removed,
  agent_name as agent,
  eff_user as "user",
  count(*) as requests,
  list_sort(list(distinct verb)) as verbs,
  list_sort(list(distinct namespace) filter (namespace is not null))[:5] as namespaces,
  min(ts_received) as first,
  max(ts_received) as last
from requests
where $target = '' or (
  removed_release is not null and release_number(removed_release) <= release_number($target)
)
group by what, version, removed, agent, eff_user
order by release_number(removed) nulls last, requests desc, what, version, agent, eff_user
limit $limit
