-- What an object was after each change that succeeded, for `history --diff`: the bodies that the policy recorded.
--
-- Values of secrets, tokens and token reviews are compared and never shown; of all other objects that holds for texts
-- and numbers whose key or name ends in token, password, secret, _key or the like, and for what has the form of a JSON
-- web token. Of a step, 50 paths are shown, and 2,000 characters of a value; the rest is counted.
--
-- of: is_terminal and verb in ('create', 'update', 'patch', 'delete')
-- needs: ended
-- limit: 200
select
  ts_received as received,
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  coalesce(name, response_name) as name,
  coalesce(object_uid, response_uid) as uid,
  eff_user as "user",
  if(requests.user is distinct from eff_user, requests.user, null) as impersonated_by,
  level,
  request_object,
  response_object,
  audit_id
from requests
where state = 'ended' and code < 400 and not is_dry_run(verb, q_dry_run, request_object)
order by ts_received, audit_id
limit $limit
