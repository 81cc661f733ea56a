-- Who created, changed or deleted an object, in order of time.
--
-- Which object is said by the scope: --resource, --namespace and --name. An object that was made with generateName is
-- found by the name that the server gave it, if the policy recorded the response. A deletecollection names no object,
-- and is listed because it may have deleted this one. Dry runs changed nothing and are marked; kubectl asks for that of
-- a deletion in the body, which is looked at where the policy recorded one. With --reads, reads as well.
--
-- of: $reads = 1 or verb in ('create', 'update', 'patch', 'delete', 'deletecollection')
-- needs: ended
-- limit: 200
-- $reads = 0: 1 lists who read it as well
select
  ts_received as received,
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  coalesce(name, response_name) as name,
  eff_user as "user",
  if(requests.user is distinct from eff_user, requests.user, null) as impersonated_by,
  code,
  outcome,
  coalesce(q_dry_run, false) as dry_run,
  q_field_manager as field_manager,
  agent_name as agent,
  source_ip as address,
  level,
  coalesce(object_uid, response_uid) as uid,
  audit_id,
  src_file as file,
  src_offset as "offset"
from requests
where $reads = 1 or verb in ('create', 'update', 'patch', 'delete', 'deletecollection')
order by ts_received, audit_id
limit $limit
