-- Why requests are slow: which share of their time went where, by what was asked.
--
-- From the annotations that kube-apiserver writes when a request took more than half a second, to the nanosecond.
-- Shares are of the time of the annotated requests, in percent; parts may overlap, since etcd is asked while admission
-- runs, so they need not add up to 100. `mostly` is the largest part. `failed_open` names the webhooks that did not
-- answer and were ignored: such a request took their whole time-out.
--
-- of: is_terminal and lat_total_us is not null and not is_long_running
-- needs: ended latency
-- limit: 20
with parts as (
  select *,
    go_nanos(annotations['apiserver.latency.k8s.io/total']) as total,
    coalesce(go_nanos(annotations['apiserver.latency.k8s.io/mutating-webhook']), 0) as mutating,
    coalesce(go_nanos(annotations['apiserver.latency.k8s.io/validating-webhook']), 0) as validating,
    coalesce(go_nanos(annotations['apiserver.latency.k8s.io/etcd']), 0) as etcd,
    coalesce(go_nanos(annotations['apiserver.latency.k8s.io/apf-queue-wait']), 0) as queued,
    coalesce(go_nanos(annotations['apiserver.latency.k8s.io/authentication']), 0)
      + coalesce(go_nanos(annotations['apiserver.latency.k8s.io/authorization']), 0)
      + coalesce(go_nanos(annotations['apiserver.latency.k8s.io/impersonation']), 0) as identity,
    coalesce(go_nanos(annotations['apiserver.latency.k8s.io/decode-response-object']), 0)
      + coalesce(go_nanos(annotations['apiserver.latency.k8s.io/transform-response-object']), 0)
      + coalesce(go_nanos(annotations['apiserver.latency.k8s.io/serialize-response-object']), 0) as serialization,
    coalesce(go_nanos(annotations['apiserver.latency.k8s.io/response-write']), 0) as written
  from requests
  where state = 'ended' and lat_total_us is not null
), shares as (
  select
    /*by*/ verb, what(resource, api_group, subresource, path) as what /*end*/,
    count(*) as requests,
    sum(total)::bigint as total_ns,
    round(100 * sum(mutating) / sum(total), 1)::double as mutating_webhooks,
    round(100 * sum(validating) / sum(total), 1)::double as validating_webhooks,
    round(100 * sum(etcd) / sum(total), 1)::double as etcd,
    round(100 * sum(queued) / sum(total), 1)::double as queued,
    round(100 * sum(identity) / sum(total), 1)::double as authentication_and_authorization,
    round(100 * sum(serialization) / sum(total), 1)::double as serialization,
    round(100 * sum(written) / sum(total), 1)::double as response_write,
    list_sort(list_distinct(flatten(list(failed_open) filter (failed_open is not null)))) as failed_open
  from parts
  group by all
)
select
  * exclude (failed_open),
  case greatest(mutating_webhooks, validating_webhooks, etcd, queued, authentication_and_authorization, serialization, response_write)
    when 0 then 'something else' when mutating_webhooks then 'mutating webhooks' when validating_webhooks then 'validating webhooks'
    when etcd then 'etcd' when queued then 'the queue' when authentication_and_authorization then 'authentication and authorization'
    when serialization then 'serialization' else 'writing the response' end as mostly,
  failed_open
from shares
order by total_ns desc, requests desc
limit $limit
