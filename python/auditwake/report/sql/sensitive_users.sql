-- Requests for secrets, tokens and a way into containers, by who asked for what. People come first.
--
-- with: sensitive
select
  kind,
  eff_user as "user",
  any_value(actor) as actor,
  verb,
  what,
  namespace,
  count(*) as requests,
  count(*) filter (failed) as errors,
  list_sort(list(distinct left(name, 200)) filter (name is not null))[:5] as names,
  list_sort(list(distinct left(array_to_string(exec_command, ' '), 500)) filter (exec_command is not null))[:3] as commands,
  min(ts_received) as first,
  max(ts_received) as last,
  count(*) over () as all_rows
from sensitive
group by kind, "user", verb, what, namespace
order by any_value(actor) in ('control-plane', 'node', 'apiserver'), kind, requests desc, "user", verb, namespace
limit $limit
