-- When it went wrong: requests a minute, and what became of them.
--
-- needs: ended
-- $seconds = 60: width of a step
select
  time_bucket(to_seconds($seconds), ts_received) as time,
  count(*) as requests,
  count(*) filter (failure = 'throttled') as throttled,
  count(*) filter (failure = 'timeout') as timeouts,
  count(*) filter (failure = 'server error') as server_errors,
  count(*) filter (failure = 'panic') as panics,
  count(*) filter (failure = 'authentication failed') as authentication_failed,
  count(*) filter (failure = 'denied') as denied,
  count(*) filter (failure = 'rejected by admission') as rejected,
  count(*) filter (failure in ('not found', 'conflict', 'expired', 'invalid', 'client error')) as client_errors,
  count(distinct eff_user) filter (failure in ('throttled', 'timeout', 'server error', 'panic')) as users_hit
from (select *, failure(code, stage, decision, message, outcome) as failure from requests)
group by 1
order by 1
limit $limit
