-- Who was inside containers: exec, attach, port-forward and ephemeral containers, session by session.
--
-- kubectl sends an exec as `get` (over WebSocket) or as `create`; both are sessions. `took_s` is how long it lasted; it
-- has none while it is open. What was typed into a session stands in no audit log: `command` is what it was begun with.
--
-- of: subresource in ('exec', 'attach', 'portforward') or (subresource = 'ephemeralcontainers' and verb in ('update', 'patch'))
-- needs: ended
-- limit: 100
-- note: select 'no session is in the log: there was none, or the policy drops them; `auditwake policy explain POLICY --verb create --resource pods/exec --user NAME` says which' where not exists (from requests)
select
  ts_received as received,
  subresource as kind,
  namespace,
  name as pod,
  exec_container as container,
  array_to_string(exec_command, ' ') as command,
  eff_user as "user",
  if(requests.user is distinct from eff_user, requests.user, null) as impersonated_by,
  verb,
  code,
  outcome,
  state,
  if(state = 'ended', round(took(duration_us) / 1000000, 3), null) as took_s,
  source_ip as address,
  agent_name as agent,
  message,
  audit_id
from requests
order by ts_received, audit_id
limit $limit
