-- Who asked: requests, time and bytes by user, with the kind of actor.
--
-- `busy_us` is the time that the server was at work for them; watches and other requests that are meant to be long have
-- none. `bytes` are those of the events in the log.
select
  eff_user as "user",
  any_value(actor) as actor,
  count(*) as requests,
  count(*) filter (code >= 400 or stage = 'Panic') as errors,
  sum(took(duration_us)) filter (not is_long_running) as busy_us,
  sum(line_bytes)::bigint as bytes,
  list_sort(list(distinct left(agent_name, 200)) filter (agent_name is not null))[:5] as agents,
  min(ts_received) as first,
  max(ts_received) as last,
  count(*) over () as all_rows
from requests
group by eff_user
order by requests desc, "user"
limit $limit
