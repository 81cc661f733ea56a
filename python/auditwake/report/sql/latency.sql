-- How long requests took, by verb. Watches and other requests that are meant to be long are not among them.
select
  coalesce(nullif(verb, ''), '(no verb)') as verb,
  count(*) as requests,
  quantile_disc(duration_us, 0.5) as p50_us,
  quantile_disc(duration_us, 0.9) as p90_us,
  quantile_disc(duration_us, 0.99) as p99_us,
  max(duration_us) as max_us,
  sum(duration_us) as busy_us,
  count(*) over () as all_rows
from requests
where is_terminal and not is_long_running and duration_us >= 0
group by all
order by busy_us desc, verb
limit $limit
