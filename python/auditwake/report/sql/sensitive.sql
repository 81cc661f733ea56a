-- Requests for secrets, tokens, and a way into containers. `kind` names them in words.
select
  case
    when resource = 'serviceaccounts' then 'token issued'
    when resource = 'pods' then 'into a container'
    when verb in ('get', 'list', 'watch') then 'secrets read'
    else 'secrets changed'
  end as kind,
  code >= 400 or stage = 'Panic' as failed,
  ts_received, eff_user, actor, verb, what(resource, api_group, subresource, path) as what, namespace, name, exec_command
from requests
where (resource = 'secrets' and api_group = '')
  or (resource = 'serviceaccounts' and subresource = 'token')
  or (resource = 'pods' and subresource in ('exec', 'attach', 'portforward', 'ephemeralcontainers'))
