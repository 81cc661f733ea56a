-- What admission refused, let through with a warning, or could not check.
--
-- `kind` is refused (4xx to a request that was allowed), failed open (a webhook did not answer and was ignored), or would
-- refuse (Pod Security or a ValidatingAdmissionPolicy in audit mode). `by` is who said so, as far as its message does.
--
-- of: code >= 400 or failed_open is not null or psa_violations is not null or vap_failure is not null
-- needs: ended decision
-- limit: 50
with said as (
  select *, 'refused' as kind, message as text,
    case
      when regexp_matches(message, 'admission webhook "[^"]*"') then 'webhook ' || regexp_extract(message, 'admission webhook "([^"]*)"', 1)
      when regexp_matches(message, 'failed calling webhook "[^"]*"') then 'webhook ' || regexp_extract(message, 'failed calling webhook "([^"]*)"', 1)
      when regexp_matches(message, 'ValidatingAdmissionPolicy ''[^'']*''') then 'ValidatingAdmissionPolicy ' || regexp_extract(message, 'ValidatingAdmissionPolicy ''([^'']*)''', 1)
      when contains(message, 'violates PodSecurity') then 'PodSecurity ' || regexp_extract(message, 'violates PodSecurity "([^"]*)"', 1)
      when contains(message, 'exceeded quota') then 'ResourceQuota ' || regexp_extract(message, 'exceeded quota: ([^,]*)', 1)
      when contains(message, 'is being terminated') then 'NamespaceLifecycle'
      when code = 403 and contains(message, 'PriorityClass') then 'Priority'
      when code = 403 and (contains(message, 'service account') or contains(message, 'serviceaccount')) then 'ServiceAccount'
      when code = 403 then 'an admission plugin'
    end as "by"
  from requests
  where decision is distinct from 'forbid' and code >= 400 and (decision = 'allow' or contains(coalesce(message, ''), 'admission webhook'))
  union all
  select *, 'failed open' as kind, 'the webhook did not answer and was ignored' as text, 'webhook ' || array_to_string(failed_open, ', ') as "by"
  from requests where failed_open is not null
  union all
  select *, 'would refuse' as kind, psa_violations as text, 'PodSecurity' as "by" from requests where psa_violations is not null
  union all
  select *, 'would refuse' as kind, vap_failure as text, 'ValidatingAdmissionPolicy' as "by" from requests where vap_failure is not null
)
select
  kind,
  "by",
  verb,
  what(resource, api_group, subresource, path) as what,
  namespace,
  eff_user as "user",
  count(*) as requests,
  list_sort(list(distinct coalesce(name, response_name)) filter (coalesce(name, response_name) is not null))[:5] as names,
  min(ts_received) as first,
  max(ts_received) as last,
  arg_max(text, ts_received) as message
from said
where "by" is not null
group by kind, "by", verb, what, namespace, eff_user
order by kind = 'would refuse', requests desc, kind, "by", verb, what, namespace, eff_user
limit $limit
