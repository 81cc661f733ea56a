-- Which requests did not succeed: by code, verb, and what was asked, most frequent first.
select
  code,
  outcome,
  verb,
  what(resource, api_group, subresource, path) as what,
  count(*) as requests,
  count(distinct eff_user) as users,
  list_sort(list(distinct message) filter (message is not null))[:2] as messages,
  min(ts_received) as first,
  max(ts_received) as last,
  count(*) over () as all_rows
from requests
where code >= 400 or stage = 'Panic'
group by code, outcome, verb, what
order by requests desc, code, verb, what
limit $limit
