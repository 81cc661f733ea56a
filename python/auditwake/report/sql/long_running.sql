-- Requests that are meant to be long: watches, and exec, attach, port-forward, proxy and followed logs.
select
  coalesce(nullif(verb, ''), '(no verb)') as verb,
  case when subresource in ('exec', 'attach', 'portforward', 'proxy', 'log') then subresource end as subresource,
  count(*) as requests,
  count(*) filter (state = 'open') as still_open,
  quantile_disc(took(duration_us), 0.5) filter (state = 'ended') as p50_us,
  max(took(duration_us)) filter (state = 'ended') as longest_us,
  count(*) over () as all_rows
from requests
where is_long_running
group by all
order by requests desc, verb, subresource
limit $limit
