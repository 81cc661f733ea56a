-- What was asked of the authorizer, by whom, and what it said: one row for each distinct question.
--
-- A request asks it for itself (`request`). One that impersonates has also asked, in the name of who was authenticated,
-- whether it may be that user, each of the groups, the UID and the extra values (`impersonation`), and, where the
-- server constrains impersonation, whether it may do just this as somebody else. A patch or an update that created its
-- object (code 201) has also asked for `create` (`create by patch`, `create by update`). An impersonation that was
-- refused has no decision in its event: the message of the response says what was asked for.
--
-- `named` says whether the question had a name. RBAC sees the name in the path, or the one that a field selector
-- metadata.name asks for; on create, the name in the event is from the body, which the authorizer has not seen.
-- Of the names of a question, $names are kept and one more, which says that there are too many.
with counted as materialized (
  -- Most events repeat a question: they are counted before anything else is made of them. Lists are slow to group by,
  -- so their text stands for them.
  select user, eff_user, imp_user, imp_constraint, imp_uid, imp_extra, verb, resource, namespace, name, decision, code,
    coalesce(api_group, '') as asked_group, coalesce(subresource, '') as asked_subresource,
    if(resource is null, path, null) as asked_path,
    -- As with the name, a body that has a namespace where the path has none gives it to the event.
    verb = 'create' and not contains(path, '/namespaces/' || namespace) as is_placed_by_body,
    if(decision is null and code = 403 and message like '% is forbidden: User "%" cannot impersonate%', message, null) as refusal,
    len(user_groups) || chr(30) || array_to_string(user_groups::varchar[], chr(30)) as own_key,
    len(imp_groups) || chr(30) || array_to_string(imp_groups::varchar[], chr(30)) as imp_key,
    any_value(user_groups::varchar[]) as own_groups, any_value(imp_groups::varchar[]) as imp_groups,
    count(*) as requests, min(ts_received) as first, max(ts_received) as last, min(audit_id, $ids) as audit_ids
  from requests
  where user is not null
  group by all
),
answered as (
  select * replace (coalesce(own_groups, []) as own_groups, coalesce(imp_groups, []) as imp_groups),
    coalesce(if(imp_user is null, own_groups, imp_groups), []) as eff_groups,
    if(imp_user is null, own_key, imp_key) as eff_key,
    -- What is no name of an account is the name of a user.
    if(regexp_full_match(
        imp_user, 'system:serviceaccount:[a-z0-9]([a-z0-9-]*[a-z0-9])?:[a-z0-9]([a-z0-9.-]*[a-z0-9])?'
      ), string_split(imp_user, ':'), null) as imp_account,
    -- The server adds these groups by itself: nobody had to ask for them.
    ['system:authenticated', 'system:unauthenticated'] as everybody,
    split_part(imp_constraint, ':', 2) as imp_mode
  from counted
),
impersonated as (
  select *, coalesce(imp_constraint, 'impersonate') as imp_verb,
    if(imp_constraint is null, '', 'authentication.k8s.io') as imp_group,
    list_filter(imp_groups, lambda one: not list_contains(everybody, one)) as asked_groups,
    case when imp_account is not null then ['system:serviceaccounts', 'system:serviceaccounts:' || imp_account[3]]
         when imp_mode in ('arbitrary-node', 'associated-node') then ['system:nodes'] else [] end as added_groups
  from answered where imp_user is not null
),
refused as (
  select *, regexp_extract(
      refusal,
      'User "(?:[^"\\]|\\.)*" cannot (impersonate[a-z:-]*) resource "([^"/]+)(?:/([^"]*))?" in API group '
      || '"([^"]*)" (?:at the cluster scope|in the namespace "([^"]*)")',
      ['verb', 'resource', 'subresource', 'api_group', 'namespace']
    ) as wanted,
    regexp_extract(refusal, '^[^ ]+ "([^"\\]*)" is forbidden: ', 1) as wanted_name
  from answered where refusal is not null
),
asked as (
  select eff_user as user, eff_groups as groups, eff_key as groups_key, 'request' as through, verb,
    asked_group as api_group, resource, asked_subresource as subresource,
    if(is_placed_by_body, null, namespace) as namespace,
    if(verb = 'deletecollection' or (verb = 'create' and asked_subresource = ''), null, name) as name,
    asked_path as path, decision, requests, first, last, code, audit_ids
  from answered where decision is not null
  union all
  select eff_user, eff_groups, eff_key, 'create by ' || verb, 'create', asked_group, resource, asked_subresource,
    namespace, null, null, 'allow', requests, first, last, code, audit_ids
  from answered where decision = 'allow' and verb in ('patch', 'update') and code = 201 and resource is not null
  union all
  select user, own_groups, own_key, 'impersonation', imp_verb, imp_group,
    case when imp_account is not null then 'serviceaccounts' when imp_mode like '%-node' then 'nodes' else 'users' end,
    '', imp_account[3],
    case when imp_account is not null then imp_account[4]
         when imp_mode = 'associated-node' then null
         when imp_mode = 'arbitrary-node' then replace(imp_user, 'system:node:', '') else imp_user end,
    null, 'allow', requests, first, last, code, audit_ids
  from impersonated
  union all
  select user, own_groups, own_key, 'impersonation', imp_verb, imp_group, 'groups', '', null,
    unnest(if(list_sort(asked_groups) = list_sort(added_groups), [], asked_groups)), null, 'allow', requests, first,
    last, code, audit_ids
  from impersonated
  union all
  select user, own_groups, own_key, 'impersonation', imp_verb, 'authentication.k8s.io', 'uids', '', null, imp_uid,
    null, 'allow', requests, first, last, code, audit_ids
  from impersonated where imp_uid is not null
  union all
  select user, own_groups, own_key, 'impersonation', imp_verb, 'authentication.k8s.io', 'userextras', entry.key,
    null, unnest(entry.value), null, 'allow', requests, first, last, code, audit_ids
  from (select *, unnest(map_entries(imp_extra)) as entry from impersonated where imp_extra is not null)
  union all
  select user, own_groups, own_key, 'impersonation', 'impersonate-on:' || imp_mode || ':' || verb, asked_group,
    resource, asked_subresource, if(is_placed_by_body, null, namespace),
    if(verb = 'deletecollection' or (verb = 'create' and asked_subresource = ''), null, name), asked_path, 'allow',
    requests, first, last, code, audit_ids
  from impersonated where imp_constraint is not null
  union all
  select user, own_groups, own_key, 'impersonation', wanted.verb, wanted.api_group, wanted.resource,
    wanted.subresource, nullif(wanted.namespace, ''), nullif(wanted_name, ''), null, 'forbid', requests,
    first, last, code, audit_ids
  from refused where wanted.verb != ''
),
by_name as (
  select user, groups_key, through, coalesce(verb, '') as verb, api_group, coalesce(resource, '') as resource,
    subresource, coalesce(namespace, '') as namespace, coalesce(path, '') as path, decision, name,
    list_sort(any_value(groups)) as groups, sum(requests) as requests, min(first) as first, max(last) as last,
    min(code) as lowest, max(code) as highest, min(audit_ids) as audit_ids
  from asked where /*whose*/ true /*end*/
  group by user, groups_key, through, asked.verb, api_group, asked.resource, subresource, asked.namespace, asked.path,
    decision, name
)
select user, any_value(groups) as groups, through, verb, api_group, resource, subresource, namespace, path, decision,
  name is not null as named,
  coalesce(min(name, $names + 1), []) as names,
  sum(requests)::bigint as requests,
  min(first) as first,
  max(last) as last,
  list_sort(list_distinct(list(distinct lowest) || list(distinct highest))) as codes,
  list_sort(list_distinct(flatten(min(audit_ids, $ids))))[:$ids] as audit_ids
from by_name
group by user, groups_key, through, verb, api_group, resource, subresource, namespace, path, decision, named
order by user, groups, resource, path, api_group, subresource, verb, namespace, named, decision, through
