-- How many requests were at work at a time: the peak of each minute, and when it was.
--
-- A request counts from its receipt to its end. Watches and other requests that are meant to be long are left out.
--
-- needs: ended
-- limit: 20
with changes as (
  select ts_received as moment, 1 as change
  from requests where state = 'ended' and not is_long_running and ts_received is not null and duration_us >= 0
  union all
  select ts_stage as moment, -1 as change
  from requests where state = 'ended' and not is_long_running and ts_received is not null and duration_us >= 0
), steps as (
  from changes
  union all
  -- What was at work when a minute began counts in that minute, too.
  select distinct time_bucket(interval '1 minute', moment), 0 from changes
), levels as (
  -- Of the same moment, ends come before beginnings: a request that ends when another begins is not at work beside it.
  select moment, change, sum(change) over (order by moment, change rows unbounded preceding) as at_work from steps
)
select
  time_bucket(interval '1 minute', moment) as minute,
  max(at_work)::bigint as peak,
  arg_max(moment, at_work) as peak_at,
  count(*) filter (change > 0) as requests
from levels
group by minute
order by peak desc, minute
limit $limit
