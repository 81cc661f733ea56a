-- The slowest requests one by one, and where their time went.
--
-- The parts are what kube-apiserver annotates when a request took more than half a second; `unexplained_ms` is what none
-- of them covers. Parts may overlap: etcd is asked while admission runs. `failed_open` names the webhooks that did not
-- answer and were ignored, which is how a request takes the whole of their time-out and succeeds.
--
-- of: is_terminal
-- needs: ended
-- limit: 20
-- $min_us = 0: only requests that took so many microseconds or more
with slowest as (
  -- When they were received finds them again, and all other columns are read of few events alone.
  select ts_received
  from requests
  where state = 'ended' and not is_long_running and duration_us >= $min_us
  order by duration_us desc, ts_received
  limit $limit
)
select
  ts_received as received,
  round(duration_us / 1000, 3) as took_ms,
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  coalesce(name, response_name) as name,
  eff_user as "user",
  agent_name as agent,
  code,
  round(lat_mutating_us / 1000, 3) as mutating_webhooks_ms,
  round(lat_validating_us / 1000, 3) as validating_webhooks_ms,
  round(lat_etcd_us / 1000, 3) as etcd_ms,
  round(lat_apf_us / 1000, 3) as queued_ms,
  round((coalesce(lat_authn_us, 0) + coalesce(lat_authz_us, 0) + coalesce(lat_imp_us, 0)) / 1000, 3) as authentication_and_authorization_ms,
  round((coalesce(lat_decode_us, 0) + coalesce(lat_transform_us, 0) + coalesce(lat_serialize_us, 0)) / 1000, 3) as serialization_ms,
  round(lat_write_us / 1000, 3) as response_write_ms,
  failed_open,
  audit_id
from requests
where state = 'ended' and not is_long_running and duration_us >= $min_us and ts_received in (from slowest)
order by duration_us desc, ts_received, audit_id
limit $limit
