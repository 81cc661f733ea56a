-- The slowest requests, and where the server says that their time went.
--
-- The server says so above 500 ms only. `webhooks` are mutating and validating ones, `identity` is authentication,
-- authorization and impersonation, `serialization` is decoding, transforming and serialising. Parts may overlap. What
-- is left of the duration is in none of them, or was not recorded.
select
  ts_received as received,
  duration_us as took_us,
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  name,
  eff_user as "user",
  agent_name as agent,
  code,
  lat_mutating_us as mutating_us,
  lat_validating_us as validating_us,
  lat_etcd_us as etcd_us,
  lat_apf_us as queue_us,
  coalesce(lat_authn_us, 0) + coalesce(lat_authz_us, 0) + coalesce(lat_imp_us, 0) as identity_us,
  coalesce(lat_decode_us, 0) + coalesce(lat_transform_us, 0) + coalesce(lat_serialize_us, 0) as serialization_us,
  lat_write_us as write_us,
  lat_total_us is not null as said,
  failed_open
from requests
where is_terminal and not is_long_running and duration_us >= 0
order by duration_us desc, ts_received, audit_id
limit $limit
