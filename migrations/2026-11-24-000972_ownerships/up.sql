-- Ownerships (ORG-08): who owns which dwelling, in what share, and when. No number of a certificate is kept.

create aggregate lcm_of(numeric) (sfunc = lcm, stype = numeric, initcond = '1', parallel = safe);
comment on aggregate lcm_of(numeric) is 'The least common multiple: the denominator over which shares are added up.';

create table ownership (
    id uuid not null,
    dwelling_code text collate "C" not null,
    area_code text collate "C" not null generated always as (left(dwelling_code, 12)) stored,
    person_id uuid,
    organization_name text collate "zh-x-icu",
    organization_code text collate "C",
    share_numerator integer not null default 1,
    share_denominator integer not null default 1,
    voting_representative boolean not null default false,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ownership_one_owner check ((person_id is null) <> (organization_name is null)),
    constraint ownership_organization_code check (organization_code is null or organization_name is not null),
    constraint ownership_organization_code_shape check (is_credit_code(organization_code)),
    constraint ownership_share check (share_numerator between 1 and share_denominator and share_denominator <= 10000),
    constraint ownership_dwelling_code_fkey foreign key (dwelling_code) references dwelling (code),
    constraint ownership_person_id_fkey foreign key (person_id) references person (id),
    -- As in compound_grid: rows are not searched for in these. Ids stand first, for they fill an index faster than texts.
    constraint ownership_once_a_person exclude using gist (person_id with =, dwelling_code with =, daterange(valid_from, valid_to) with &&)
        where (person_id is not null and length(dwelling_code) > 0) deferrable initially immediate,
    constraint ownership_once_an_organization exclude using gist (organization_name with =, dwelling_code with =, daterange(valid_from, valid_to) with &&)
        where (organization_name is not null and length(dwelling_code) > 0) deferrable initially immediate,
    -- Who votes for a dwelling does so alone.
    constraint ownership_one_representative exclude using gist (dwelling_code with =, daterange(valid_from, valid_to) with &&)
        where (voting_representative and length(dwelling_code) > 0) deferrable initially immediate,
    constraint ownership_pkey primary key (id),
    constraint ownership_period check (valid_to > valid_from),
    constraint ownership_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint ownership_source_ref check ((source is null) = (ref is null)),
    constraint ownership_source_ref_key unique (source, ref)
);
create index ownership_dwelling_code on ownership (dwelling_code, id);
create index ownership_person_id on ownership (person_id);
create index ownership_area_code on ownership (area_code, dwelling_code);
comment on table ownership is 'Ownerships: who owns which dwelling, in what share, and when (ORG-08).';
comment on column ownership.id is 'Identity, for ever.';
comment on column ownership.dwelling_code is 'The dwelling.';
comment on column ownership.area_code is 'The community, from the code of the dwelling.';
comment on column ownership.person_id is 'The person who owns; null where an organization does.';
comment on column ownership.organization_name is 'The organization that owns; null where a person does.';
comment on column ownership.organization_code is 'Unified social credit code of the organization, its check digit right, where it is known.';
comment on column ownership.share_numerator is 'Of the share, the part above the line.';
comment on column ownership.share_denominator is 'Of the share, the part below the line. On no day are the shares of a dwelling more than the whole.';
comment on column ownership.voting_representative is 'Whether this owner votes for the dwelling, on behalf of those who own it with him.';
comment on column ownership.valid_from is 'First day of ownership.';
comment on column ownership.valid_to is 'First day on which it is another''s; null while it has no end.';
comment on column ownership.source is 'System of the caller that knows it by ref.';
comment on column ownership.ref is 'Key of the caller, unique within source.';
comment on column ownership.version is 'Rises with every change; the ETag.';
comment on column ownership.created_at is 'When the row was made.';
comment on column ownership.updated_at is 'When the row last changed.';
