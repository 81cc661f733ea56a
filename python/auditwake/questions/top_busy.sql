-- How many requests were at work at a time: the peak of each minute, and when it was.
--
-- A request counts from its receipt to its end. Watches and other requests that are meant to be long are left out.
--
-- of: is_terminal
-- needs: ended
-- limit: 20
with spans as materialized (
  -- One that took no whole microsecond was at work for one.
  select epoch_us(ts_received) as began, greatest(epoch_us(ts_stage), epoch_us(ts_received) + 1) as ended
  from requests where state = 'ended' and not is_long_running and ts_received is not null and duration_us >= 0
), changes as (
  -- Twice the microsecond, and one more for a beginning: of the same moment, ends come first, since a request that ends
  -- when another begins is not at work beside it. One number sorts in half the time of two.
  select began * 2 + 1 as change from spans union all select ended * 2 from spans
), numbered as (
  select change, row_number() over (order by change) as place from changes
), levels as (
  -- Of the changes up to a beginning, its number among beginnings says how many began, and the others are ends.
  -- Row numbers take less than a running sum.
  select change, 2 * row_number() over (order by place) - place as at_work from numbered where change & 1 = 1
), begins as (
  select
    change // 120000000 as minute,
    count(*) as requests,
    -- The peak, and of several moments the first: 27 bits hold the half microseconds of a minute.
    max(at_work << 27 | ((1 << 27) - 1 - change % 120000000)) as highest
  from levels
  group by minute
), ends as (
  select ended // 60000000 as minute, count(*) as ends, count(*) filter (ended % 60000000 = 0) as ends_at_first
  from spans
  group by minute
), minutes as (
  select
    minute, coalesce(requests, 0) as requests, highest, coalesce(ends, 0) as ends, coalesce(ends_at_first, 0) as ends_at_first
  from begins full join ends using (minute)
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
