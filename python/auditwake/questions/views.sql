-- The views that every question stands on. `events` is the log itself: the columns of docs/schema.md, less what other
-- rows repeat in full.

-- The exact nanoseconds of a Go duration such as 1m2.5s or 700.25ms; null for what is none, or longer than Go's longest.
create macro go_nanos(said) as
  case when regexp_full_match(said, '(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*')
  then try(list_sum(list_transform(
    regexp_extract_all(said, '[\d.]+[a-zµμ]+'),
    lambda piece: regexp_extract(piece, '[\d.]+')::decimal(28, 9) * case regexp_extract(piece, '[a-zµμ]+')
      when 'ns' then 1 when 'us' then 1000 when 'µs' then 1000 when 'μs' then 1000 when 'ms' then 1000000
      when 's' then 1000000000 when 'm' then 60000000000 when 'h' then 3600000000000 end
  ))::bigint) end;

-- What a request was about: resource.group/subresource, or the path where it was no resource.
create macro what(resource, api_group, subresource, path) as
  case when resource is null then path else
    resource || case when coalesce(api_group, '') = '' then '' else '.' || api_group end
             || case when coalesce(subresource, '') = '' then '' else '/' || subresource end end;

-- One row a request: its last stage. `state` says whether it has ended, or is a watch (or another request that is meant
-- to be long) that was open where the log ends, or was `refused` before it began: failed authentication and a bad
-- timeout leave only a ResponseStarted, of nobody. Events of the same audit ID are not the same request by that alone: a
-- client may choose the ID.
create view requests as
  select *, case when is_terminal then 'ended' else 'refused' end as state
  from events
  where is_terminal or (stage = 'ResponseStarted' and (not is_long_running or eff_user is null))
  union all
  select *, 'open' as state from open_requests;

-- Whether a request changed nothing: ?dryRun=All, or the options in the body of a deletion.
create macro is_dry_run(verb, q_dry_run, request_object) as
  coalesce(q_dry_run, false) or coalesce(
    verb in ('delete', 'deletecollection') and contains(request_object, 'dryRun')
      and try(json_extract_string(request_object, '$.dryRun[*]')) = ['All'], false
  );

-- The parts of a release such as 1.36, to be compared: 1.9 comes before 1.10.
create macro release_number(release) as
  list_transform(string_split(ltrim(release, 'v'), '.'), lambda part: try_cast(part as integer));

-- A number of something, as a sentence has it.
create macro counted(n, one, many) as if(n = 1, '1 ' || one, format('{:,} ', n) || many);

-- Whether a resource of a group of Kubernetes' own belongs to no namespace.
create macro is_of_cluster(resource) as resource in (
  'namespaces', 'nodes', 'persistentvolumes', 'componentstatuses', 'clusterroles', 'clusterrolebindings', 'storageclasses',
  'csidrivers', 'csinodes', 'volumeattachments', 'volumeattributesclasses', 'customresourcedefinitions', 'apiservices',
  'mutatingwebhookconfigurations', 'validatingwebhookconfigurations', 'validatingadmissionpolicies',
  'validatingadmissionpolicybindings', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings', 'priorityclasses',
  'runtimeclasses', 'ingressclasses', 'ipaddresses', 'servicecidrs', 'flowschemas', 'prioritylevelconfigurations',
  'certificatesigningrequests', 'clustertrustbundles', 'deviceclasses', 'resourceslices', 'devicetaintrules',
  'storageversions', 'storageversionmigrations', 'podsecuritypolicies'
);
-- Whether a group is none of Kubernetes' own: one of custom resources, those of its special interest groups among them,
-- such as gateway.networking.k8s.io, or of another server.
create macro is_custom(api_group) as coalesce(contains(api_group, '.') and api_group not in (
  'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io', 'authentication.k8s.io',
  'authorization.k8s.io', 'certificates.k8s.io', 'coordination.k8s.io', 'discovery.k8s.io', 'events.k8s.io',
  'flowcontrol.apiserver.k8s.io', 'internal.apiserver.k8s.io', 'metrics.k8s.io', 'networking.k8s.io', 'node.k8s.io',
  'rbac.authorization.k8s.io', 'resource.k8s.io', 'scheduling.k8s.io', 'storage.k8s.io', 'storagemigration.k8s.io'
), false);

-- Where a step of time begins, as time_bucket has it, which counts from a Monday. Of a time with a zone, that takes as
-- long as the rest of a question.
create macro start_of_step(us, seconds) as
  us - ((us - 946857600000000) % (seconds * 1000000::bigint) + seconds * 1000000::bigint) % (seconds * 1000000::bigint);

-- Whether a list is read from etcd: it names no resourceVersion, or asks for an exact one.
create macro is_quorum(q_rv, q_rv_match) as coalesce(q_rv, '') = '' or q_rv_match = 'Exact';

-- The time that a request took. One that ended before it began, since somebody set the server's clock, has none.
create macro took(duration_us) as if(duration_us >= 0, duration_us, null);

-- Refused impersonation leaves no decision: it is refused before the authorizer is asked about the request itself, and
-- the event does not say as whom: only the message of the response does.
create macro is_refused_impersonation(code, decision, message) as
  coalesce(code = 403 and decision is null and message like '% is forbidden: User "%" cannot impersonate%', false);
create macro is_denied(code, decision, message) as
  coalesce(decision = 'forbid', false) or is_refused_impersonation(code, decision, message);
-- What it wanted to be: the name of a user, a group or a service account.
create macro refused_name(message) as nullif(regexp_extract(message, '^[^ ]+ "([^"\\]*)" is forbidden: ', 1), '');
create macro refused_user(message) as
  case regexp_extract(message, 'cannot impersonate[^ ]* resource "([a-z]+)', 1)
    when 'users' then refused_name(message)
    when 'serviceaccounts' then 'system:serviceaccount:'
      || regexp_extract(message, 'in the namespace "([^"]*)"', 1) || ':' || refused_name(message)
  end;
create macro refused_groups(message) as
  case when contains(message, ' resource "groups"') then [refused_name(message)] end;

-- Whether a request did not succeed for another reason than that it was denied.
create macro has_failed(code, decision, message, outcome) as
  outcome not in ('ok', 'unknown') and not is_denied(code, decision, message);

-- Who refused a request. RBAC gives no reason when it refuses, or one that begins with its name; the node authorizer is
-- asked for nodes only; whatever else gives a reason is an authorization webhook or policy. 403 to a request that was
-- allowed is admission.
create macro refused_by(code, decision, authz_reason, message, eff_user) as
  case
    when code = 401 then 'authentication'
    when decision = 'forbid' and coalesce(authz_reason, '') in ('', 'no opinion') then 'RBAC'
    when decision = 'forbid' and starts_with(authz_reason, 'RBAC') then 'RBAC'
    when decision = 'forbid' and starts_with(coalesce(eff_user, ''), 'system:node:') then 'node authorizer'
    when decision = 'forbid' then 'authorization webhook or policy'
    when is_refused_impersonation(code, decision, message) then 'RBAC (impersonation)'
    when code = 403 and decision = 'allow' then 'admission'
    when code = 403 then 'unknown: the log has no decision'
  end;

-- What became of a request that did not succeed, in one word or two.
create macro failure(code, stage, decision, message, outcome) as
  case
    when stage = 'Panic' then 'panic'
    when code = 401 then 'authentication failed'
    when is_denied(code, decision, message) then 'denied'
    when code = 403 and decision = 'allow' then 'rejected by admission'
    when code = 429 then 'throttled'
    when code in (408, 504) or (code >= 500 and regexp_matches(coalesce(message, ''), 'timeout|timed out|deadline exceeded')) then 'timeout'
    when code >= 500 then 'server error'
    when code = 404 then 'not found'
    when code = 409 then 'conflict'
    when code = 410 then 'expired'
    when code = 422 then 'invalid'
    when code >= 400 then 'client error'
  end;
