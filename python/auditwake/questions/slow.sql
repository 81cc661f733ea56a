-- Which requests are slow: percentiles of the time from receipt to the end, most time in all first.
--
-- Watches and other requests that are meant to be long are left out; with $long_running they alone are listed, by how
-- long they were open. `busy_ms` is the time of all of them added up: what the server was at work for. $min_us leaves out
-- requests that took less.
--
-- needs: ended
-- limit: 20
-- $min_us = 0: only requests that took so many microseconds or more
-- $long_running = 0: 1 for watches and the like in place of the others
-- note: select counted(count(*), 'watch or other long request was', 'watches and other long requests were') || ' still open where the log ends' from requests where state = 'open' having count(*) > 0
select
  /*by*/ verb, what(resource, api_group, subresource, path) as what, case when resource is null then 'path' when namespace is null then 'cluster' else 'namespace' end as scope, agent_name as agent /*end*/,
  count(*) as requests,
  round(quantile_disc(duration_us, 0.5) / 1000, 3) as p50_ms,
  round(quantile_disc(duration_us, 0.9) / 1000, 3) as p90_ms,
  round(quantile_disc(duration_us, 0.99) / 1000, 3) as p99_ms,
  round(max(duration_us) / 1000, 3) as max_ms,
  round(sum(duration_us) / 1000, 3)::double as busy_ms,
  count(*) filter (lat_total_us is not null) as annotated,
  min(ts_received) as first,
  max(ts_received) as last
from requests
where state = 'ended' and is_long_running = ($long_running = 1) and duration_us >= $min_us
group by all
order by /*order*/ busy_ms /*end*/ desc, requests desc, first, last
limit $limit
