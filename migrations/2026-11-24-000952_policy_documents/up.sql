-- Policy documents (ORG-13): what local rules come from. A document is one version of its text: a revised text is issued
-- under a number of its own and says which one it replaces. So a rule that names a number names the version as well.

create table policy_document (
    id uuid not null,
    number text collate "C" not null,
    title text collate "zh-x-icu" not null,
    issuer text collate "zh-x-icu" not null,
    issued_on date not null,
    replaces_number text collate "C",
    area_code text collate "C" not null,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint policy_document_number_key unique (number),
    constraint policy_document_issued_on check (issued_on between '1800-01-01' and '2200-12-31'),
    constraint policy_document_replaces_another check (replaces_number <> number),
    constraint policy_document_area_code_shape check (area_code ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$'),
    constraint policy_document_replaces_number_fkey foreign key (replaces_number) references policy_document (number),
    constraint policy_document_pkey primary key (id),
    constraint policy_document_period check (valid_to > valid_from),
    constraint policy_document_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint policy_document_source_ref check ((source is null) = (ref is null)),
    constraint policy_document_source_ref_key unique (source, ref)
);
create index policy_document_replaces_number on policy_document (replaces_number);
create index policy_document_area_code on policy_document (area_code);
create index policy_document_issued_on on policy_document (issued_on, id);
comment on table policy_document is 'Policy documents: notices and measures that local rules come from, each one version of its text (ORG-13).';
comment on column policy_document.id is 'Identity, for ever.';
comment on column policy_document.number is 'Number of the document (文号), never used again.';
comment on column policy_document.title is 'Title.';
comment on column policy_document.issuer is 'Who issued it; several joined by 、.';
comment on column policy_document.issued_on is 'Day of issue.';
comment on column policy_document.replaces_number is 'Number of the document that it replaces, the version before.';
comment on column policy_document.area_code is 'Where it was issued for, for access; seen also from below. Not moved by a re-division.';
comment on column policy_document.valid_from is 'First day in force; may lie before the day of issue.';
comment on column policy_document.valid_to is 'First day no longer in force; null while it has no end.';
comment on column policy_document.source is 'System of the caller that knows it by ref.';
comment on column policy_document.ref is 'Key of the caller, unique within source.';
comment on column policy_document.version is 'Rises with every change; the ETag.';
comment on column policy_document.created_at is 'When the row was made.';
comment on column policy_document.updated_at is 'When the row last changed.';

alter table grid_size_band add column document_number text collate "C";
alter table grid_size_band add constraint grid_size_band_document_number_fkey foreign key (document_number) references policy_document (number);
create index grid_size_band_document_number on grid_size_band (document_number);
comment on column grid_size_band.document_number is 'The policy document that it comes from; null where there is none, as of practice.';
