-- name: hold
SELECT EXISTS (
        SELECT FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.pid = pg_backend_pid() AND l.granted
            AND (l.classid, l.objid, l.objsubid) = (1685283700, 1685351535, 2)
    ) OR pg_try_advisory_lock(1685283700, 1685351535);
