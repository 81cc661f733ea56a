-- Denials by user and resource: the users and the resources with the most of them.
with denied as (
  select eff_user as "user", what(resource, api_group, subresource, path) as what, count(*) as requests
  from requests where is_denied(code, decision, message) group by all
),
users as (
  select "user", row_number() over (order by sum(requests) desc, "user") as place from denied group by "user"
),
whats as (
  select what, row_number() over (order by sum(requests) desc, what) as place from denied group by what
)
select denied."user", denied.what, denied.requests, users.place as user_place, whats.place as what_place
from denied
join users on users."user" is not distinct from denied."user"
join whats on whats.what is not distinct from denied.what
where users.place <= $users and whats.place <= $whats
order by users.place, whats.place
