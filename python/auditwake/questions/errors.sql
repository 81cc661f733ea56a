-- What went wrong: requests that did not succeed, by what became of them.
--
-- Denials are left out (see `denied`). A request that was not found or met a conflict is how clients work; `failure`
-- keeps those apart from what a server or a client did wrong. `message` is one of those that were answered.
--
-- of: code >= 400 or stage = 'Panic'
-- needs: ended
-- limit: 50
-- note: select counted(count(*), 'request was', 'requests were') || ' denied: see `denied`' from requests where is_denied(code, decision, message) having count(*) > 0
select
  failure(code, stage, decision, message, outcome) as failure,
  code,
  reason,
  verb,
  what(resource, api_group, subresource, path) as what,
  count(*) as requests,
  list_sort(list(distinct eff_user) filter (eff_user is not null))[:5] as users,
  list_sort(list(distinct agent_name) filter (agent_name is not null))[:5] as agents,
  min(ts_received) as first,
  max(ts_received) as last,
  arg_max(message, ts_received) as message
from requests
where not is_denied(code, decision, message)
group by failure, code, reason, verb, what
order by failure in ('not found', 'conflict'), requests desc, code, verb, what, failure, reason
limit $limit
