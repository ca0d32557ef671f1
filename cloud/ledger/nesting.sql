-- name: circle_since
SELECT circle_since(%(unit)s::bigint, %(parent)s::bigint, %(at)s::timestamptz, %(units)s::bigint[], %(parents)s::bigint[],
    %(instants)s::timestamptz[]);
