-- Which requests are slow: percentiles of the time from receipt to the end, most time in all first.
--
-- Watches and other requests that are meant to be long are left out; with --long-running they alone are listed, by how
-- long they were open. `busy_ms` is the time of all of them added up: what the server was at work for. --min leaves out
-- requests that took less; those that ended before they began, since the clock was set back, are none. `annotated` are
-- those whose time `slow --explain` can break down.
--
-- of: is_terminal
-- needs: ended
-- limit: 20
-- note: select 'the clock was set back during ' || counted(count(*), 'request, which counts', 'requests, which count') || ' as no time' from events where is_terminal and duration_us < 0 having count(*) > 0
-- $min_us = 0: only requests that took so many microseconds or more
-- $long_running = 0: 1 for watches and the like in place of the others
with groups as (
  select
    /*by*/ verb, what(resource, api_group, subresource, path) as what, case when resource is null then 'path' when namespace is null then 'cluster' else 'namespace' end as scope, agent_name as agent /*end*/,
    count(*) as requests,
    quantile_disc(duration_us, [0.5, 0.9, 0.99]) as quantiles,
    max(duration_us) as max_us,
    sum(duration_us)::bigint as busy_us,
    count(lat_total_us) as annotated,
    min(ts_received) as first,
    max(ts_received) as last
  from requests
  where state = 'ended' and is_long_running = ($long_running = 1) and duration_us >= $min_us
  group by all
)
select
  * exclude (quantiles, max_us, busy_us, annotated, first, last),
  round(quantiles[1] / 1000, 3) as p50_ms,
  round(quantiles[2] / 1000, 3) as p90_ms,
  round(quantiles[3] / 1000, 3) as p99_ms,
  round(max_us / 1000, 3) as max_ms,
  round(busy_us / 1000, 3) as busy_ms,
  annotated,
  first,
  last
from groups
order by /*order*/ busy_ms /*end*/ desc, requests desc, first, last
limit $limit
