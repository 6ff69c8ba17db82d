-- Files, and work that goes on after the answer: blobs, files, jobs.

create table blob (
    id uuid not null,
    digest bytea not null,
    size bigint not null,
    stored boolean not null default false,
    created_at timestamptz not null default now(),
    touched_at timestamptz not null default now(),
    doomed_at timestamptz,
    constraint blob_pkey primary key (id),
    constraint blob_digest_length check (octet_length(digest) = 32),
    constraint blob_size check (size >= 0)
);
-- One content is kept once; what is on its way out no longer counts.
create unique index blob_digest on blob (digest) where doomed_at is null;
create index blob_doomed_at on blob (doomed_at) where doomed_at is not null;
comment on table blob is 'The content of files, each kept once in the object store, whoever sent it.';
comment on column blob.id is 'Identity; with the digest it is the name in the store, so content that comes again after its removal has another name.';
comment on column blob.digest is 'SHA-256 of the content.';
comment on column blob.size is 'Bytes.';
comment on column blob.stored is 'Whether the store has it whole.';
comment on column blob.created_at is 'When it was first announced.';
comment on column blob.touched_at is 'When it was last announced or taken into use; it stays for a while after that.';
comment on column blob.doomed_at is 'Since when it is on its way out of the store; no file may refer to it any more.';

create table file (
    id uuid not null,
    blob_id uuid not null,
    digest bytea not null,
    size bigint not null,
    media_type text not null,
    name text not null,
    area_code text collate "C" not null,
    uploader_id uuid not null,
    object_kind text,
    object_id uuid,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    version integer not null default 1,
    constraint file_pkey primary key (id),
    constraint file_blob_id_fkey foreign key (blob_id) references blob (id),
    constraint file_digest_length check (octet_length(digest) = 32),
    constraint file_size check (size >= 0),
    constraint file_area_shape check (area_code ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$'),
    constraint file_object check ((object_kind is null) = (object_id is null))
);
create index file_blob_id on file (blob_id);
create index file_uploader_id on file (uploader_id, id);
create index file_object_id on file (object_id, id) where object_id is not null;
create index file_loose on file (created_at) where object_id is null;
create index file_expires_at on file (expires_at) where expires_at is not null;
comment on table file is 'Files: evidence, minutes, photos, what was imported and exported.';
comment on column file.id is 'Identity of the file.';
comment on column file.blob_id is 'Its content.';
comment on column file.digest is 'SHA-256 of the content, as the blob has it.';
comment on column file.size is 'Bytes, as the blob has it.';
comment on column file.media_type is 'What it is, found from its content.';
comment on column file.name is 'What its uploader called it; may name persons.';
comment on column file.area_code is 'Where it belongs: the area of its object, or the one that the uploader named.';
comment on column file.uploader_id is 'Who sent it; while it belongs to nothing, he alone reads it.';
comment on column file.object_kind is 'What kind of thing it belongs to, such as compound.';
comment on column file.object_id is 'Which thing it belongs to; who may see that may read the file.';
comment on column file.created_at is 'When it came.';
comment on column file.expires_at is 'From this instant on it is gone.';
comment on column file.version is 'Raised when it is attached.';

create table job (
    id uuid not null,
    kind text not null,
    resource text not null,
    state text not null,
    input jsonb not null,
    owner_id uuid not null,
    area_code text collate "C" not null,
    request_id text not null,
    source_file_id uuid,
    result_file_id uuid,
    run_id uuid,
    refusal jsonb,
    rows_read integer not null default 0,
    rows_refused integer not null default 0,
    rows_per_second integer not null default 0,
    attempts integer not null default 0,
    lease_id uuid,
    lease_until timestamptz,
    not_before timestamptz not null default now(),
    cancel_requested_at timestamptz,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    version integer not null default 1,
    constraint job_pkey primary key (id),
    constraint job_source_file_id_fkey foreign key (source_file_id) references file (id) on delete set null,
    constraint job_result_file_id_fkey foreign key (result_file_id) references file (id) on delete set null,
    constraint job_run_id_fkey foreign key (run_id) references import_run (id) on delete set null,
    constraint job_kind check (kind in ('import', 'export')),
    constraint job_state check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    constraint job_lease check ((state = 'running') = (lease_id is not null) and (lease_id is null) = (lease_until is null)),
    constraint job_end check ((state in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null)),
    constraint job_rows check (rows_refused between 0 and rows_read)
);
create index job_owner_id on job (owner_id, id);
create index job_open on job (id) where finished_at is null;
create index job_source_file_id on job (source_file_id);
create index job_result_file_id on job (result_file_id);
create index job_run_id on job (run_id);
create index job_finished_at on job (finished_at) where finished_at is not null;
comment on table job is 'Work that goes on after the answer: large imports and exports.';
comment on column job.id is 'Identity of the job; of one resource the earlier one is worked on first.';
comment on column job.kind is 'import or export.';
comment on column job.resource is 'What is imported or exported, as in the path: grids.';
comment on column job.state is 'queued, running, succeeded, failed or cancelled.';
comment on column job.input is 'What was asked for, by kind: mode and day, or form, headers and day.';
comment on column job.owner_id is 'Who asked for it: it runs with the rights that he has when it runs, and he alone reads it.';
comment on column job.area_code is 'Area of the owner when he asked.';
comment on column job.request_id is 'The request that asked for it, as the journal names it.';
comment on column job.source_file_id is 'The file to import; it goes when the job has ended.';
comment on column job.result_file_id is 'The file that came of an export.';
comment on column job.run_id is 'What came of an import.';
comment on column job.refusal is 'Why it failed: {code, zh, en}.';
comment on column job.rows_read is 'Rows read so far, or written by an export.';
comment on column job.rows_refused is 'Rows found at fault so far.';
comment on column job.rows_per_second is 'Rows a second of the present attempt.';
comment on column job.attempts is 'How often it was begun.';
comment on column job.lease_id is 'Names the present attempt: what another attempt says of the job no longer counts.';
comment on column job.lease_until is 'From this instant on another process may take the job over.';
comment on column job.not_before is 'Not to be begun earlier.';
comment on column job.cancel_requested_at is 'When its owner wanted it to stop.';
comment on column job.created_at is 'When it was asked for.';
comment on column job.started_at is 'When the present attempt began.';
comment on column job.finished_at is 'When it ended, in whichever way.';
comment on column job.version is 'Raised by every change, progress too.';
