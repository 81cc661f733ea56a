-- Requests for secrets, tokens and a way into containers, by time.
--
-- with: sensitive
select
  epoch_us(ts_received) - (epoch_us(ts_received) - $first::bigint) % $width::bigint as "from",
  kind,
  coalesce(failed, false) as failed,
  count(*) as requests,
  count(distinct eff_user) as users
from sensitive
where ts_received is not null
group by all
order by "from", kind, failed
