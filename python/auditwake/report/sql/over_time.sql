-- Requests by time and verb: how many, and how many of them were answered with 400 and above.
--
-- Rows are of $width microseconds each, from $first on. All but the most used verbs are one: a client can invent verbs.
with used as (
  select verb, row_number() over (order by count(*) desc, verb) as place from requests group by verb
)
select
  epoch_us(ts_received) - (epoch_us(ts_received) - $first::bigint) % $width::bigint as "from",
  if(place <= $verbs, coalesce(nullif(requests.verb, ''), '(no verb)'), 'others') as verb,
  count(*) as requests,
  count(*) filter (code between 400 and 499) as client_errors,
  count(*) filter (code >= 500 or stage = 'Panic') as server_errors
from requests left join used on used.verb is not distinct from requests.verb
where ts_received is not null
group by all
order by "from", min(place)
