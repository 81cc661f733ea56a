-- What rules say over and over, once. Bodies are text of clients: each macro takes any of it, and gives nothing for what
-- is no JSON.

-- The control plane and the nodes at their work, and nobody who impersonates them.
create macro machinery(actor, imp_user) as
  imp_user is null and coalesce(actor in ('control-plane', 'apiserver', 'node'), false);

-- The request was let through and answered; a session counts from the moment at which it is upgraded (101).
create macro served(decision, code) as
  decision is distinct from 'forbid' and coalesce(code between 100 and 399, false);

-- Something was written: a dry run writes nothing.
create macro changed(code, q_dry_run) as
  coalesce(code between 200 and 299, false) and not coalesce(q_dry_run, false);

-- The command of an exec, as one line; its words are percent-decoded in the column.
create macro command_of(exec_command) as coalesce(array_to_string(exec_command, ' '), '');

-- The object that one operation of a JSON patch writes: path /a/0/b and value 1 give {"a":[{"b":1}]}.
create macro patched(operation) as list_reduce(
  list_reverse(string_split(json_extract_string(operation, '$.path'), '/')[2:]),
  lambda tail, step: case
    when regexp_full_match(step, '\d+|-') then '[' || tail || ']'
    else '{' || to_json(replace(replace(step, '~1', '/'), '~0', '~'))::varchar || ':' || tail || '}' end,
  coalesce(json_extract(operation, '$.value')::varchar, 'null')
)::json;

-- What a request body writes, as a list of objects: the body itself, whole or a merge patch, or one object for each
-- `add` and `replace` of a JSON patch.
create macro bodies(body) as case
  when not coalesce(json_valid(body::varchar), false) then []::json[]
  when json_type(body::varchar::json) = 'OBJECT' then [body::varchar::json]
  when json_type(body::varchar::json) = 'ARRAY' then list_transform(
    list_filter(
      json_extract(body::varchar::json, '$[*]'),
      lambda one: json_extract_string(one, '$.op') in ('add', 'replace') and json_type(one, '$.path') = 'VARCHAR'
    ),
    lambda one: patched(one)
  )
  else []::json[] end;

-- The values at a path in what a body writes; `[*]` goes through a list.
create macro written(body, path) as
  list_transform(bodies(body), lambda doc: json_extract_string(doc, path));
create macro all_written(body, path) as
  flatten(list_transform(bodies(body), lambda doc: json_extract_string(doc, path)));

-- Specs of pods: of pods themselves, and of the templates of everything that makes pods.
create macro pod_specs(body) as flatten(list_transform(bodies(body), lambda doc: json_extract(
  doc, ['$.spec', '$.spec.template.spec', '$.spec.jobTemplate.spec.template.spec', '$.template.spec']
)));
create macro in_pod_specs(body, path) as
  list_transform(pod_specs(body), lambda spec: json_extract_string(spec, path));
create macro all_in_pod_specs(body, path) as
  flatten(list_transform(pod_specs(body), lambda spec: json_extract_string(spec, path)));

-- All containers of those: init and ephemeral ones too.
create macro containers(body) as flatten(list_transform(pod_specs(body), lambda spec: list_concat(
  json_extract(spec, '$.containers[*]'), json_extract(spec, '$.initContainers[*]'), json_extract(spec, '$.ephemeralContainers[*]')
)));
create macro in_containers(body, path) as
  list_transform(containers(body), lambda one: json_extract_string(one, path));
create macro all_in_containers(body, path) as
  flatten(list_transform(containers(body), lambda one: json_extract_string(one, path)));

-- Whether a role's rules, at `$.rules` of a body, hold a wildcard or a verb that makes more of oneself.
create macro escalating(body) as
  list_has_any(all_written(body, '$.rules[*].verbs[*]'), ['*', 'escalate', 'bind', 'impersonate'])
  or list_contains(all_written(body, '$.rules[*].resources[*]'), '*');

-- An address that is not private, local or shared by carriers: the internet.
create macro public_address(address) as
  address is not null and not regexp_matches(lower(address),
    '^(::ffff:)?(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|0\.0\.0\.0$|::1?$|f[cd]|fe[89ab])')
  and regexp_matches(lower(address), '^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)$');

-- Whether a key stands twice in an object where rules look: at the top, in metadata and labels, on the way to the specs of
-- pods, in them, in containers and in their security contexts.
create macro key_twice(body) as len(list_filter(
  list_concat(
    flatten(list_transform(bodies(body), lambda doc: json_keys(doc, [
      '$', '$.metadata', '$.metadata.labels', '$.spec', '$.spec.template', '$.spec.template.spec', '$.spec.jobTemplate',
      '$.spec.jobTemplate.spec', '$.spec.jobTemplate.spec.template', '$.spec.jobTemplate.spec.template.spec', '$.roleRef'
    ]))),
    flatten(list_transform(containers(body), lambda one: json_keys(one, ['$', '$.securityContext', '$.securityContext.capabilities'])))
  ),
  lambda keys: len(keys) > len(list_distinct(keys))
)) > 0;
