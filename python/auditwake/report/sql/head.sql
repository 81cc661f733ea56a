-- How many requests there are, and what became of them.
select
  count(*) as requests,
  count(*) filter (state = 'ended') as ended,
  count(*) filter (state = 'open') as open,
  count(*) filter (state = 'refused') as refused,
  count(*) filter (code between 400 and 499) as client_errors,
  count(*) filter (code >= 500 or stage = 'Panic') as server_errors,
  count(*) filter (is_denied(code, decision, message)) as denied,
  count(distinct eff_user) as users,
  count(*) filter (is_terminal and duration_us < 0) as backwards,
  min(ts_received) as first,
  max(ts_received) as last
from requests
