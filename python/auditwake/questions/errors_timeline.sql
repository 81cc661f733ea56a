-- When it went wrong: requests a minute, and what became of them.
--
-- needs: ended
-- $seconds = 60: width of a step
with each as (
  select
    start_of_step(epoch_us(ts_received), $seconds) as start,
    failure(code, stage, decision, message, outcome) as failure,
    if(code = 429 or code >= 500, eff_user, null) as hit,
    count(*) as requests
  from requests
  group by all
)
select
  make_timestamptz(start) as time,
  sum(requests)::bigint as requests,
  coalesce(sum(requests) filter (failure = 'throttled'), 0)::bigint as throttled,
  coalesce(sum(requests) filter (failure = 'timeout'), 0)::bigint as timeouts,
  coalesce(sum(requests) filter (failure = 'server error'), 0)::bigint as server_errors,
  coalesce(sum(requests) filter (failure = 'panic'), 0)::bigint as panics,
  coalesce(sum(requests) filter (failure = 'authentication failed'), 0)::bigint as authentication_failed,
  coalesce(sum(requests) filter (failure = 'denied'), 0)::bigint as denied,
  coalesce(sum(requests) filter (failure = 'rejected by admission'), 0)::bigint as rejected,
  coalesce(sum(requests) filter (failure in ('not found', 'conflict', 'expired', 'invalid', 'client error')), 0)::bigint
    as client_errors,
  count(distinct hit) as users_hit
from each
group by start
order by start
limit $limit
