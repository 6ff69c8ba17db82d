-- Two entries that turned out to be one person: what refers to the duplicate moves to the survivor, and can move back.

create table person_merge (
    id uuid not null,
    survivor_id uuid not null,
    duplicate_id uuid not null,
    reason text not null,
    took_number boolean not null,
    took_phone boolean not null,
    undone_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint person_merge_duplicate_id_fkey foreign key (duplicate_id) references person (id),
    constraint person_merge_pkey primary key (id),
    constraint person_merge_survivor_id_fkey foreign key (survivor_id) references person (id),
    constraint person_merge_two check (survivor_id <> duplicate_id)
);
create unique index person_merge_once on person_merge (duplicate_id) where undone_at is null;
create index person_merge_duplicate_id on person_merge (duplicate_id);
create index person_merge_survivor_id on person_merge (survivor_id);
comment on table person_merge is 'Merges of a duplicate into the person that it is.';
comment on column person_merge.id is 'Identity, for ever.';
comment on column person_merge.survivor_id is 'The person who stays.';
comment on column person_merge.duplicate_id is 'The entry that was the same person.';
comment on column person_merge.reason is 'Why they are one.';
comment on column person_merge.took_number is 'Whether the survivor had no number and got the duplicate''s.';
comment on column person_merge.took_phone is 'Whether the survivor had no phone and got the duplicate''s.';
comment on column person_merge.undone_at is 'When the merge was undone; null while it holds.';
comment on column person_merge.version is 'Rises with every change; the ETag.';
comment on column person_merge.created_at is 'When they were merged.';
comment on column person_merge.updated_at is 'When the row last changed.';

create table person_merge_move (
    merge_id uuid not null,
    table_name text collate "C" not null,
    row_id uuid not null,
    constraint person_merge_move_merge_id_fkey foreign key (merge_id) references person_merge (id),
    constraint person_merge_move_pkey primary key (merge_id, table_name, row_id)
);
comment on table person_merge_move is 'The rows that a merge made the survivor''s, so that undoing it gives back just these.';
comment on column person_merge_move.merge_id is 'The merge.';
comment on column person_merge_move.table_name is 'The table of the row.';
comment on column person_merge_move.row_id is 'The id of the row.';
