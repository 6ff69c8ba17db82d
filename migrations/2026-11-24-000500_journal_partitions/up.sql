-- The journal by months, with the role that granted each act, and the blocks that seal it.

lock table journal in access exclusive mode;
alter table journal rename to journal_in_one;
alter table journal_in_one rename constraint journal_pkey to journal_in_one_pkey;
alter index journal_object rename to journal_in_one_object;
alter sequence journal_seq_seq rename to journal_in_one_seq_seq;

create table journal (
    xid xid8 not null default pg_current_xact_id(),
    seq bigint not null generated always as identity,
    at timestamptz not null default now(),
    actor_id uuid not null,
    actor_name text not null,
    acting_role text,
    request_id text not null,
    action text not null,
    object_kind text not null,
    object_id uuid not null,
    area_code text collate "C" not null,
    former_area_code text collate "C",
    version integer not null,
    reason text,
    change jsonb not null,
    format smallint not null default 1,
    constraint journal_pkey primary key (xid, seq, at)
) partition by range (at);
-- What is searched for, the latest first. Only journal_at ends in seq: without it a whole import shares one key, and
-- such keys are kept once, which makes them cheap to write.
create index journal_at on journal (at, seq);
create index journal_actor on journal (actor_id, at);
create index journal_action on journal (action, at);
create index journal_kind on journal (object_kind, at);
create index journal_area on journal (area_code, at);
create index journal_former_area on journal (former_area_code, at) where former_area_code is not null;
create index journal_request on journal (request_id);
create index journal_object on journal (object_id, seq);
comment on table journal is 'Every change, appended in the transaction that made it: history, audit log and change feed are views of it. A partition holds a month (Asia/Shanghai).';
comment on column journal.xid is 'Transaction that wrote the row; with seq, the order in which readers may follow without a gap.';
comment on column journal.seq is 'Order within and across transactions, as handed out.';
comment on column journal.at is 'When the transaction began.';
comment on column journal.actor_id is 'Who acted: an API key, or the nil UUID for the system itself.';
comment on column journal.actor_name is 'Name of the actor at the time.';
comment on column journal.acting_role is 'The role that granted the act; null for a key, whose permissions are its own.';
comment on column journal.request_id is 'The request that asked for it.';
comment on column journal.action is 'What was done, such as grid.created.';
comment on column journal.object_kind is 'What kind of thing changed, such as grid.';
comment on column journal.object_id is 'Which one.';
comment on column journal.area_code is 'Where it belongs after the change.';
comment on column journal.former_area_code is 'Where it belonged before, if it moved.';
comment on column journal.version is 'Version of the object after the change.';
comment on column journal.reason is 'Why, in the words of the actor.';
comment on column journal.change is 'Created: its members. Changed: {member: {from, to}}.';
comment on column journal.format is 'Version of the form of change.';

-- Insert-only, once by grant and once by trigger: whoever is past the one still meets the other. Postgres hands
-- the row trigger on to every partition, the statement trigger it does not.
create function journal_guard(guarded regclass) returns void language plpgsql as $$
begin
    execute format('create trigger %I before truncate on %s for each statement execute function journal_is_append_only()',
        (select relname || '_no_truncate' from pg_class where oid = guarded), guarded);
    execute format('revoke update, delete, truncate on %s from public, %I', guarded, (select pg_get_userbyid(relowner) from pg_class where oid = guarded));
end $$;
comment on function journal_guard(regclass) is 'Lets rows be added to a table and read, nothing else.';

create trigger journal_append_only before update or delete on journal
    for each row execute function journal_is_append_only();
select journal_guard('journal');

-- Attaching lets writers go on, where making it as a partition from the start would stop them.
create function journal_attach(part text, bounds text, says text) returns void language plpgsql as $$
begin
    execute format('create table %I (like journal including defaults including constraints including comments)', part);
    execute format('comment on table %I is %L', part, says);
    execute format('alter table journal attach partition %I %s', part, bounds);
    perform journal_guard(part::regclass);
end $$;
comment on function journal_attach(text, text, text) is 'Makes a partition of the journal, guarded as the journal is.';

create function journal_make_default() returns void language sql as $$
    select journal_attach('journal_default', 'default', 'Rows of the journal for whose month there is no partition yet.')
$$;
comment on function journal_make_default() is 'Makes the partition for the rows of months that have none.';
select journal_make_default();

create function journal_make_partition(month date) returns boolean language plpgsql set lock_timeout = '2s' as $$
declare
    part text := 'journal_' || to_char(month, 'YYYY_MM');
    begins timestamptz := date_trunc('month', month::timestamp) at time zone 'Asia/Shanghai';
    ends timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'Asia/Shanghai';
    stranded boolean;
begin
    -- Two replicas come one after the other, and the second finds it done.
    perform pg_advisory_xact_lock(hashtextextended('linli.journal_partitions' || current_schema(), 0));
    if exists (select from pg_inherits join pg_class on oid = inhrelid where inhparent = 'journal'::regclass and relname = part) then
        return false;
    end if;
    select exists (select from journal_default where at >= begins and at < ends) into stranded;
    if stranded then
        -- No row is ever deleted from the journal: the default partition is put aside and its rows are written anew.
        lock table journal in access exclusive mode;
        alter table journal detach partition journal_default;
        alter table journal_default rename to journal_put_aside;
        perform journal_make_default();
    end if;
    perform journal_attach(part, format('for values from (%L) to (%L)', begins, ends), 'Rows of the journal of ' || to_char(month, 'YYYY-MM') || ' (Asia/Shanghai).');
    if stranded then
        insert into journal overriding system value select * from journal_put_aside;
        drop table journal_put_aside;
    end if;
    return true;
end $$;
comment on function journal_make_partition(date) is 'Makes the partition of the month that a day lies in, with the rows of that month that the default partition holds; false if it is there.';

create function journal_make_partitions() returns integer language sql as $$
    select count(*) filter (where journal_make_partition((date_trunc('month', now() at time zone 'Asia/Shanghai') + make_interval(months => ahead))::date))::integer
    from generate_series(0, 2) as ahead
$$;
comment on function journal_make_partitions() is 'Makes the partitions of this month and of the next two; returns how many were made.';

select journal_make_partition(month::date)
from (select distinct date_trunc('month', at at time zone 'Asia/Shanghai') as month from journal_in_one) as months;
select journal_make_partitions();
insert into journal (xid, seq, at, actor_id, actor_name, request_id, action, object_kind, object_id, area_code, former_area_code, version, reason, change, format)
    overriding system value
    select xid, seq, at, actor_id, actor_name, request_id, action, object_kind, object_id, area_code, former_area_code, version, reason, change, format from journal_in_one;
select setval('journal_seq_seq', last_value, is_called) from journal_in_one_seq_seq;
drop table journal_in_one;

create table journal_block (
    number bigint not null,
    form smallint not null,
    from_seq bigint not null,
    after_xid xid8 not null,
    after_seq bigint not null,
    last_xid xid8 not null,
    last_seq bigint not null,
    lines integer not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    root bytea not null,
    previous bytea not null,
    sealed_at timestamptz not null,
    hash bytea not null,
    constraint journal_block_hash_length check (octet_length(hash) = 32),
    constraint journal_block_last_key unique (from_seq, last_xid, last_seq),
    constraint journal_block_lines check (lines >= 0),
    constraint journal_block_number check (number > 0),
    constraint journal_block_pkey primary key (number),
    constraint journal_block_previous_length check (octet_length(previous) = 32),
    constraint journal_block_root_length check (octet_length(root) = 32)
);
create index journal_block_first on journal_block (from_seq) where after_xid = '0';
comment on table journal_block is 'Seals of the journal: a block is a run of its rows in the order of (xid, seq), chained to the block before by a hash.';
comment on column journal_block.number is 'Counted from 1 without a gap.';
comment on column journal_block.form is 'Version of the form in which rows and block are hashed.';
comment on column journal_block.from_seq is 'Rows have this seq or a greater one: the first after those restored from a dump into a cluster that counts its transactions anew; before any, the least of all numbers.';
comment on column journal_block.after_xid is 'Rows come after this transaction and seq: the last row of the block before; 0 where rows begin.';
comment on column journal_block.after_seq is 'Seq to after_xid.';
comment on column journal_block.last_xid is 'Transaction of the last row.';
comment on column journal_block.last_seq is 'Seq of the last row.';
comment on column journal_block.lines is 'How many rows there are: none in a block that only says where rows begin after a restore.';
comment on column journal_block.first_at is 'The earliest at of a row.';
comment on column journal_block.last_at is 'The latest at of a row.';
comment on column journal_block.root is 'Root of the Merkle tree (RFC 9162) over the rows, SHA-256.';
comment on column journal_block.previous is 'Hash of the block before; zeros in the first.';
comment on column journal_block.sealed_at is 'When it was sealed.';
comment on column journal_block.hash is 'SHA-256 over all other columns.';
create trigger journal_block_append_only before update or delete on journal_block
    for each row execute function journal_is_append_only();
select journal_guard('journal_block');

create function journal_block_of(line_xid xid8, line_seq bigint) returns bigint stable language sql as $$
    select number from journal_block
    where from_seq = (select max(from_seq) from journal_block where after_xid = '0' and from_seq <= line_seq)
        and (last_xid, last_seq) >= (line_xid, line_seq)
    order by last_xid, last_seq limit 1
$$;
comment on function journal_block_of(xid8, bigint) is 'The block that seals a row of the journal; null while none does.';
