-- How many requests were at work at a time: the peak of each minute, and when it was.
--
-- A request counts from its receipt to its end. Watches and other requests that are meant to be long are left out.
--
-- of: is_terminal
-- needs: ended
-- limit: 20
with spans as (
  -- One that took no whole microsecond was at work for one.
  select epoch_us(ts_received) as began, greatest(epoch_us(ts_stage), epoch_us(ts_received) + 1) as ended
  from requests where state = 'ended' and not is_long_running and ts_received is not null and duration_us >= 0
), changes as (
  -- Twice the microsecond, and one more for a beginning: of the same moment, ends come first, since a request that ends
  -- when another begins is not at work beside it. One number sorts in half the time of two.
  select began * 2 + 1 as change from spans union all select ended * 2 from spans
), levels as (
  select change, sum(if(change & 1 = 1, 1, -1)) over (order by change rows unbounded preceding)::bigint as at_work from changes
), minutes as (
  select
    change // 120000000 as minute,
    count(*) filter (change & 1 = 1) as requests,
    count(*) filter (change & 1 = 0) as ends,
    count(*) filter (change % 120000000 = 0) as ends_at_first,
    -- The peak, and of several moments the first: 27 bits hold the half microseconds of a minute.
    max(at_work << 27 | ((1 << 27) - 1 - change % 120000000)) filter (change & 1 = 1) as highest
  from levels
  group by minute
), peaks as (
  select
    minute, requests, highest,
    -- What was at work when the minute began counts in it, less what ended at that very moment.
    coalesce(sum(requests - ends) over (order by minute rows between unbounded preceding and 1 preceding), 0)::bigint
      - ends_at_first as at_first
  from minutes
)
select
  make_timestamptz(minute * 60000000) as minute,
  greatest(at_first, highest >> 27) as peak,
  make_timestamptz(minute * 60000000 + if(highest is null or at_first >= highest >> 27, 0, ((1 << 27) - 1 - highest & (1 << 27) - 1) // 2)) as peak_at,
  requests
from peaks
order by peak desc, minute
limit $limit
