-- Who loads the server: requests, time and bytes by whoever asks.
--
-- `busy_ms` is the time that the server was at work for them, all requests added up; watches and other requests that
-- are meant to be long have none. `denied` and `failed` are as in `who`: a denial is no failure. `bytes` are those of
-- the events in the log, and `response_bytes` those of the bodies that the policy let the server record: what the
-- network carried does not stand in an audit log.
--
-- needs: ended
-- limit: 20
-- note: select 'the clock was set back during ' || counted(count(*), 'request, which counts', 'requests, which count') || ' as no time' from events where is_terminal and duration_us < 0 having count(*) > 0
select
  /*by*/ eff_user as "user", agent_name as agent /*end*/,
  count(*) as requests,
  count(*) filter (is_long_running) as long_running,
  count(*) filter (is_denied(code, decision, message)) as denied,
  count(*) filter (has_failed(code, decision, message, outcome)) as failed,
  round(coalesce(sum(took(duration_us)) filter (not is_long_running), 0) / 1000.0, 3) as busy_ms,
  sum(line_bytes)::bigint as bytes,
  sum(resp_bytes)::bigint as response_bytes,
  min(ts_received) as first,
  max(ts_received) as last
from requests
group by all
order by /*order*/ requests /*end*/ desc, first, last
limit $limit
