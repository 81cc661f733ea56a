-- The views that every question stands on. `events` is the log itself: the columns of docs/schema.md, less what other
-- rows repeat in full.

-- The exact nanoseconds of a Go duration such as 1m2.5s or 700.25ms; null for what is none.
create macro go_nanos(said) as
  case when regexp_full_match(said, '(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*')
  then list_sum(list_transform(
    regexp_extract_all(said, '[\d.]+[a-zµμ]+'),
    lambda piece: regexp_extract(piece, '[\d.]+')::decimal(28, 9) * case regexp_extract(piece, '[a-zµμ]+')
      when 'ns' then 1 when 'us' then 1000 when 'µs' then 1000 when 'μs' then 1000 when 'ms' then 1000000
      when 's' then 1000000000 when 'm' then 60000000000 when 'h' then 3600000000000 end
  ))::bigint end;

-- What a request was about: resource.group/subresource, or the path where it was no resource.
create macro what(resource, api_group, subresource, path) as
  case when resource is null then path else
    resource || case when coalesce(api_group, '') = '' then '' else '.' || api_group end
             || case when coalesce(subresource, '') = '' then '' else '/' || subresource end end;

-- One row a request: its last stage. `state` says whether it has ended, or is a watch (or another request that is meant
-- to be long) that was open where the log ends, or was `refused` before it began: failed authentication and a bad
-- timeout leave only a ResponseStarted. Events of the same audit ID are not the same request by that alone: a client
-- may choose the ID.
create view requests as
  select *, case when is_terminal then 'ended' else 'refused' end as state
  from events
  where is_terminal or (stage = 'ResponseStarted' and not is_long_running)
  union all
  select *, if(code >= 400, 'refused', 'open') as state
  from events as started
  where stage = 'ResponseStarted' and is_long_running and not exists (
    from events as ended
    where ended.is_terminal and ended.is_long_running
      and ended.audit_id is not distinct from started.audit_id
      and ended.ts_received is not distinct from started.ts_received
      and ended.uri is not distinct from started.uri
      and ended.eff_user is not distinct from started.eff_user
  );
