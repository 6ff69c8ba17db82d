-- The journal in one table again, as it was: rows stay, their roles and the seals go.

drop function journal_block_of(xid8, bigint);
drop table journal_block;
drop function journal_make_partitions();
drop function journal_make_partition(date);
drop function journal_make_default();
drop function journal_attach(text, text, text);

lock table journal in access exclusive mode;
alter table journal rename to journal_by_month;
alter table journal_by_month rename constraint journal_pkey to journal_by_month_pkey;
alter index journal_object rename to journal_by_month_object;
alter sequence journal_seq_seq rename to journal_by_month_seq_seq;

create table journal (
    xid xid8 not null default pg_current_xact_id(),
    seq bigint not null generated always as identity,
    at timestamptz not null default now(),
    actor_id uuid not null,
    actor_name text not null,
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
    constraint journal_pkey primary key (xid, seq)
);
create index journal_object on journal (object_id, seq);
comment on table journal is 'Every change, appended in the transaction that made it: history, audit log and change feed are views of it.';
comment on column journal.xid is 'Transaction that wrote the row; with seq, the order in which readers may follow without a gap.';
comment on column journal.seq is 'Order within and across transactions, as handed out.';
comment on column journal.at is 'When the transaction began.';
comment on column journal.actor_id is 'Who acted: an API key, or the nil UUID for the system itself.';
comment on column journal.actor_name is 'Name of the actor at the time.';
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

insert into journal (xid, seq, at, actor_id, actor_name, request_id, action, object_kind, object_id, area_code, former_area_code, version, reason, change, format)
    overriding system value
    select xid, seq, at, actor_id, actor_name, request_id, action, object_kind, object_id, area_code, former_area_code, version, reason, change, format from journal_by_month;
select setval('journal_seq_seq', last_value, is_called) from journal_by_month_seq_seq;
drop table journal_by_month;
drop function journal_guard(regclass);

create trigger journal_append_only before update or delete on journal
    for each row execute function journal_is_append_only();
create trigger journal_no_truncate before truncate on journal
    for each statement execute function journal_is_append_only();
