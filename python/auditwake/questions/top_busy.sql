-- How many requests were at work at a time: the peak of each minute, and when it was.
--
-- A request counts from its receipt to its end. Watches and other requests that are meant to be long are left out.
--
-- of: not is_long_running
-- needs: ended
-- limit: 20
with changes as (
  select ts_received as moment, 1 as change from requests where state = 'ended' and ts_received is not null and duration_us >= 0
  union all
  select ts_stage as moment, -1 as change from requests where state = 'ended' and ts_received is not null and duration_us >= 0
), moments as (
  select moment, sum(change) as change, sum(change) filter (change > 0) as received from changes group by moment
), levels as (
  select moment, received, sum(change) over (order by moment rows unbounded preceding) as at_work from moments
)
select
  time_bucket(interval '1 minute', moment) as minute,
  max(at_work)::bigint as peak,
  arg_max(moment, at_work) as peak_at,
  sum(received)::bigint as requests
from levels
group by minute
order by peak desc, minute
limit $limit
