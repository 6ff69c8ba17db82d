-- Members of governance bodies (ORG-14). Whether they are in the Party is a fact of the person and not written down here.

create table governance_body_member (
    id uuid not null,
    governance_body_id uuid not null,
    compound_code text collate "C" not null,
    body_kind text not null,
    area_code text collate "C" not null generated always as (left(compound_code, 12)) stored,
    person_id uuid not null,
    role text not null,
    chosen_by text,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint governance_body_member_role check (role in ('director', 'deputy_director', 'member')),
    constraint governance_body_member_body_fkey foreign key (governance_body_id, compound_code, body_kind) references governance_body (id, compound_code, kind),
    constraint governance_body_member_person_id_fkey foreign key (person_id) references person (id),
    -- As in compound_grid: rows are not searched for in these.
    constraint governance_body_member_once exclude using gist (governance_body_id with =, person_id with =, daterange(valid_from, valid_to) with &&)
        where (length(compound_code) > 0) deferrable initially immediate,
    constraint governance_body_member_one_director exclude using gist (governance_body_id with =, daterange(valid_from, valid_to) with &&)
        where (role = 'director' and length(compound_code) > 0) deferrable initially immediate,
    constraint governance_body_member_pkey primary key (id),
    constraint governance_body_member_period check (valid_to > valid_from),
    constraint governance_body_member_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint governance_body_member_source_ref check ((source is null) = (ref is null)),
    constraint governance_body_member_source_ref_key unique (source, ref)
);
create index governance_body_member_governance_body_id on governance_body_member (governance_body_id, compound_code, body_kind);
create index governance_body_member_person_id on governance_body_member (person_id);
create index governance_body_member_compound_code on governance_body_member (compound_code, body_kind);
create index governance_body_member_area_code on governance_body_member (area_code);
comment on table governance_body_member is 'Who sits in a governance body, in which role, and when (ORG-14).';
comment on column governance_body_member.id is 'Identity, for ever.';
comment on column governance_body_member.governance_body_id is 'The body.';
comment on column governance_body_member.compound_code is 'The compound of the body.';
comment on column governance_body_member.body_kind is 'What the body is.';
comment on column governance_body_member.area_code is 'The community, from the code of the compound.';
comment on column governance_body_member.person_id is 'The person.';
comment on column governance_body_member.role is 'director (主任), deputy_director (副主任) or member (委员).';
comment on column governance_body_member.chosen_by is 'The election or appointment that made him a member: meeting or document.';
comment on column governance_body_member.valid_from is 'First day on which he sits in it.';
comment on column governance_body_member.valid_to is 'First day on which he no longer does; null while he does.';
comment on column governance_body_member.source is 'System of the caller that knows it by ref.';
comment on column governance_body_member.ref is 'Key of the caller, unique within source.';
comment on column governance_body_member.version is 'Rises with every change; the ETag.';
comment on column governance_body_member.created_at is 'When the row was made.';
comment on column governance_body_member.updated_at is 'When the row last changed.';
