-- What rules say over and over, once. Bodies are text of clients: each macro takes any of it, and gives nothing for what
-- is no JSON.

-- The control plane and the nodes at their work, and nobody who impersonates them.
create macro machinery(actor, imp_user) as
  imp_user is null and coalesce(actor in ('control-plane', 'apiserver', 'node'), false);

-- The control plane at its work, without the nodes: for what no kubelet does, so that a node's credential which does it
-- was taken from its node.
create macro control_plane(actor, imp_user) as
  imp_user is null and coalesce(actor in ('control-plane', 'apiserver'), false);

-- The request was let through and answered; a session counts from the moment at which it is upgraded (101).
create macro served(decision, code) as
  decision is distinct from 'forbid' and coalesce(code between 100 and 399, false);

-- Something was written: a dry run writes nothing.
create macro changed(code, q_dry_run) as
  coalesce(code between 200 and 299, false) and not coalesce(q_dry_run, false);

-- The command of an exec, as one line; its words are percent-decoded in the column. A line that goes on behind a
-- backslash is joined to the next one as a shell does it, and any white space, line ends too, is one space.
create macro command_of(exec_command) as
  regexp_replace(regexp_replace(coalesce(array_to_string(exec_command, ' '), ''), '\\\r?\n', '', 'g'), '\s+', ' ', 'g');

-- The object that one operation of a JSON patch writes: path /a/0/b and value 1 give {"a":[{"b":1}]}. The server takes
-- -1 for the last item of a list, and +1 for the second.
create macro patched(operation) as list_reduce(
  list_reverse(string_split(json_extract_string(operation, '$.path'), '/')[2:]),
  lambda tail, step: case
    when regexp_full_match(step, '[+-]?\d+|-') then '[' || tail || ']'
    else '{' || to_json(replace(replace(step, '~1', '/'), '~0', '~'))::varchar || ':' || tail || '}' end,
  coalesce(json_extract(operation, '$.value')::varchar, 'null')
)::json;

-- The operations of a JSON patch.
create macro operations(body) as case
  when coalesce(json_valid(body::varchar), false) and json_type(body::varchar::json) = 'ARRAY'
  then json_extract(body::varchar::json, '$[*]') else []::json[] end;

-- What a JSON patch takes away: the paths of `remove`, and those that `move` takes from.
create macro removed(body) as list_transform(operations(body), lambda one: case json_extract_string(one, '$.op')
  when 'remove' then json_extract_string(one, '$.path') when 'move' then json_extract_string(one, '$.from') end);

-- Whether a patch does not show what it writes: a JSON patch that copies or moves, or a body that is neither an object nor
-- a list, as a server since 1.37 records a patch that is YAML or CBOR.
create macro unseen(body) as
  list_has_any(list_transform(operations(body), lambda one: json_extract_string(one, '$.op')), ['copy', 'move'])
  or (body::varchar is not null and not contains(body::varchar, 'skipped-too-big-size-object')
    and coalesce(json_type(case when json_valid(body::varchar) then body::varchar::json end), 'none') not in ('OBJECT', 'ARRAY'));

-- What a request body writes, as a list of objects: the body itself, whole or a merge patch, or one object for each
-- `add` and `replace` of a JSON patch.
create macro bodies(body) as case
  when not coalesce(json_valid(body::varchar), false) then []::json[]
  when json_type(body::varchar::json) = 'OBJECT' then [body::varchar::json]
  when json_type(body::varchar::json) = 'ARRAY' then list_transform(
    list_filter(
      operations(body),
      lambda one: json_extract_string(one, '$.op') in ('add', 'replace') and json_type(one, '$.path') = 'VARCHAR'
    ),
    lambda one: patched(one)
  )
  else []::json[] end;

-- Whether a label is taken away: by a null, a JSON patch, a patch that replaces all labels, all metadata or the whole
-- object, or an update without it whose managed fields still have it. `label` is a text of the rule.
create macro label_taken(verb, body, label) as
  list_has_any(list_transform(removed(body), lambda path: regexp_replace(path, '^[^/]*', '')),
    ['/metadata', '/metadata/labels', '/metadata/labels/' || replace(label, '/', '~1')])
  or len(list_filter(operations(body), lambda one: json_extract_string(one, '$.op') in ('add', 'replace')
    and json_type(one, '$.path') = 'VARCHAR' and (json_extract_string(one, '$.path') = ''
      or regexp_replace(json_extract_string(one, '$.path'), '^[^/]*', '') in ('/metadata', '/metadata/labels'))
    and json_extract(patched(one), '$.metadata.labels."' || label || '"') is null)) > 0
  or len(list_filter(bodies(body), lambda doc:
    coalesce(json_type(doc, '$.metadata.labels."' || label || '"') = 'NULL' or json_type(doc, '$.metadata.labels') = 'NULL', false)
    or json_extract(doc, '$.metadata.labels."' || label || '"') is null and coalesce(
      list_has_any(json_extract_string(doc, ['$."$patch"', '$.metadata."$patch"', '$.metadata.labels."$patch"']),
        ['delete', 'replace'])
      or verb = 'update' and contains(json_extract(doc, '$.metadata.managedFields')::varchar, '"f:' || label || '"'), false))) > 0;

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

-- Which privileges of its node a body gives to pods: privileged, hostPID, hostIPC, hostNetwork, hostProcess. A list of one
-- item gives what is taken out of the body a name, so that it is done once for all of them.
create macro node_privileges(body) as list_transform(
  [{
    'of_pods': in_pod_specs(body, ['$.hostPID', '$.hostIPC', '$.hostNetwork', '$.securityContext.windowsOptions.hostProcess']),
    'of_containers': in_containers(body, ['$.securityContext.privileged', '$.securityContext.windowsOptions.hostProcess'])
  }],
  lambda said: list_filter([
    if(list_contains(list_transform(said.of_containers, lambda one: one[1]), 'true'), 'privileged', null),
    if(list_contains(list_transform(said.of_pods, lambda one: one[1]), 'true'), 'hostPID', null),
    if(list_contains(list_transform(said.of_pods, lambda one: one[2]), 'true'), 'hostIPC', null),
    if(list_contains(list_transform(said.of_pods, lambda one: one[3]), 'true'), 'hostNetwork', null),
    if(list_contains(list_concat(list_transform(said.of_containers, lambda one: one[2]),
      list_transform(said.of_pods, lambda one: one[4])), 'true'), 'hostProcess', null)
  ], lambda one: one is not null)
)[1];

-- The paths of nodes that a body names: in volumes of pods, and as persistent volumes.
create macro host_paths(body) as list_concat(
  all_in_pod_specs(body, '$.volumes[*].hostPath.path'), all_written(body, ['$.spec.hostPath.path', '$.spec.local.path']));

-- Whether a role's rules, at `$.rules` of a body, hold a wildcard, a verb that makes more of oneself, or a subresource that
-- gives what others may do; or whether the role joins those that are built of others, such as view, edit and admin.
create macro escalating(body) as
  len(list_filter(all_written(body, '$.rules[*].verbs[*]'),
    lambda verb: verb in ('*', 'escalate', 'bind') or starts_with(verb, 'impersonate'))) > 0
  or len(list_filter(all_written(body, '$.rules[*].resources[*]'), lambda what: regexp_full_match(what,
    '\*(/.*)?|nodes/(proxy|\*)|pods/(exec|attach|ephemeralcontainers|\*)|serviceaccounts/(token|\*)|certificatesigningrequests/(approval|\*)'))) > 0
  or len(list_filter(bodies(body), lambda doc:
    len(list_filter(list_zip(json_keys(doc, '$.metadata.labels'), json_extract_string(doc, '$.metadata.labels.*')),
      lambda label: starts_with(label[1], 'rbac.authorization.k8s.io/aggregate-to-') and label[2] is not null)) > 0
    and (json_extract(doc, '$.rules') is null
      or list_has_any(json_extract_string(doc, '$.rules[*].resources[*]'), ['secrets'])))) > 0
  or len(list_filter(flatten(list_transform(bodies(body), lambda doc: json_extract(doc, '$.aggregationRule.clusterRoleSelectors[*]'))),
    lambda selector: len(list_filter(coalesce(json_keys(selector, '$.matchLabels'), []::varchar[]),
      lambda label: label <> 'kubernetes.io/bootstrapping')) = 0)) > 0;

-- An address that is not private, local or shared by carriers: the internet.
create macro public_address(address) as
  address is not null and not regexp_matches(lower(address),
    '^(::ffff:)?(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|0\.0\.0\.0$|::1?$|f[cd]|fe[89ab])')
  and regexp_matches(lower(address), '^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)$');

-- The objects and lists in objects and lists, one level down. What DuckDB takes out of JSON begins with its first sign.
create macro children(found) as list_filter(
  flatten(list_transform(found, lambda one:
    case when starts_with(one::varchar, '{') then json_extract(one, '$.*') else json_extract(one, '$[*]') end)),
  lambda one: starts_with(one::varchar, '{') or starts_with(one::varchar, '['));

-- Whether a key stands twice in one of these objects.
create macro any_twice(found) as
  len(list_filter(list_transform(found, lambda one: json_keys(one)), lambda keys: len(keys) > len(list_distinct(keys)))) > 0;

-- Whether a key stands twice in an object, down to the sixteenth level: capabilities in the operation of a JSON patch of a
-- cron job stand in the thirteenth.
create macro key_twice(body) as list_reduce(
  range(16),
  lambda seen, level: {'found': children(seen.found), 'twice': seen.twice or any_twice(seen.found)},
  {'found': children([json_array(case when json_valid(body::varchar) then body::varchar::json end)]), 'twice': false}
).twice;
