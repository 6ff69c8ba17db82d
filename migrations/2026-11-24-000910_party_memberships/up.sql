-- Membership of the Party as a dated fact of a person, as far as governance needs it: never dues, discipline or files.

create table party_membership (
    id uuid not null,
    person_id uuid not null,
    organization text collate "zh-x-icu" not null,
    joined_on date not null,
    full_on date,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint party_membership_full_after_joined check (full_on >= joined_on),
    constraint party_membership_from_joined check (valid_from >= joined_on),
    -- A person has one organizational relation at a time. As in compound_grid: rows are not searched for in this.
    constraint party_membership_one_at_a_time exclude using gist (person_id with =, daterange(valid_from, valid_to) with &&)
        where (length(organization) > 0),
    constraint party_membership_period check (valid_to > valid_from),
    constraint party_membership_person_id_fkey foreign key (person_id) references person (id),
    constraint party_membership_pkey primary key (id),
    constraint party_membership_source_ref check ((source is null) = (ref is null)),
    constraint party_membership_source_ref_key unique (source, ref),
    constraint party_membership_years check (joined_on >= '1900-01-01' and valid_from <= '2200-12-31' and full_on <= '2200-12-31')
);
create index party_membership_person_id on party_membership (person_id, valid_from);
create index party_membership_valid_from on party_membership (valid_from, id);
comment on table party_membership is 'Who is a member of the Party, where his organizational relation is, and when.';
comment on column party_membership.id is 'Identity, for ever.';
comment on column party_membership.person_id is 'The person.';
comment on column party_membership.organization is 'The party organization that holds the relation (组织关系).';
comment on column party_membership.joined_on is 'Day of admission; from it on he is a probationary member.';
comment on column party_membership.full_on is 'Day on which he became a full member; null while he is on probation.';
comment on column party_membership.valid_from is 'First day on which the organization holds the relation.';
comment on column party_membership.valid_to is 'First day on which it no longer does; null while it does.';
comment on column party_membership.source is 'System of the caller that knows it by ref.';
comment on column party_membership.ref is 'Key of the caller, unique within source.';
comment on column party_membership.version is 'Rises with every change; the ETag.';
comment on column party_membership.created_at is 'When the row was made.';
comment on column party_membership.updated_at is 'When the row last changed.';
