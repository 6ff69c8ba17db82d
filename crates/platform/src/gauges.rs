//! What an operator watches of the database itself.

use kernel::gauge::Gauge;

/// How far readers of the feed are behind: they see nothing that is younger than the oldest running writer.
pub const FEED_LAG: Gauge = Gauge {
    name: "feed_lag_seconds",
    help: "Age of the oldest committed change that readers of the feed do not see yet",
    label: None,
    query: "select '' as label, coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float8 as value \
            from journal where xid >= pg_snapshot_xmin(pg_current_snapshot())",
};

/// How long the oldest transaction that has written is running: it holds up the feed and the vacuum.
pub const OLDEST_WRITER: Gauge = Gauge {
    name: "oldest_writer_seconds",
    help: "Age of the oldest running transaction that has written something, in any database of the server",
    label: None,
    query: "select '' as label, coalesce(extract(epoch from clock_timestamp() - min(xact_start)), 0)::float8 as value \
            from pg_stat_activity where backend_xid is not null",
};

/// How far the seals of the journal are behind; the bound keeps it from looking through lines of another cluster.
pub const SEAL_LAG: Gauge = Gauge {
    name: "seal_lag_seconds",
    help: "Age of the oldest line of the journal that is not sealed yet",
    label: None,
    query: "with last as (select coalesce(max(last_xid), '0') as xid, coalesce(max(last_seq), 0) as seq, coalesce(max(from_seq), -1) as from_seq \
            from (select last_xid, last_seq, from_seq from journal_block order by number desc limit 1) as latest) \
            select '' as label, coalesce(extract(epoch from clock_timestamp() - (select at from journal, last \
            where journal.xid >= last.xid and (journal.xid > last.xid or journal.seq > last.seq) and journal.seq >= last.from_seq \
            and journal.xid < pg_snapshot_xmax(pg_current_snapshot()) order by journal.xid, journal.seq limit 1)), 0)::float8 as value",
};

/// What there is to do for workers.
pub const JOBS: Gauge = Gauge {
    name: "jobs",
    help: "Jobs that wait and jobs that are worked on, by any replica",
    label: Some("state"),
    query: "select label, count(job.id)::float8 as value from unnest(array['queued', 'running']) as label \
            left join job on job.finished_at is null and job.state = label group by label",
};

/// How webhooks fare.
pub const WEBHOOKS: Gauge = Gauge {
    name: "webhooks",
    help: "Webhooks by state; a disabled one was given up, or its owner has lost his rights",
    label: Some("state"),
    query: "select label, count(webhook.id)::float8 as value from unnest(array['unverified', 'active', 'paused', 'disabled']) as label \
            left join webhook on webhook.state = label group by label",
};

/// How large the database is.
pub const SIZE: Gauge = Gauge {
    name: "database_bytes",
    help: "Size of the database on disk",
    label: None,
    query: "select '' as label, pg_database_size(current_database())::float8 as value",
};

/// How far a replica is behind; asked of the replica.
pub const REPLICA_LAG: Gauge = Gauge {
    name: "replica_lag_seconds",
    help: "Age of the last change that the replica shows; 0 while it has shown all that it got",
    label: None,
    query: "select '' as label, case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0 \
            else coalesce(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 0) end::float8 as value",
};
