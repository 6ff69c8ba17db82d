-- Posts in party organizations, and whom a hub household holds as members: the fourth tier (ORG-06).

create table party_post (
    id uuid not null,
    organization_code text collate "C" not null,
    person_id uuid not null,
    role text not null,
    agreed_to date,
    appointed_by text,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint party_post_role check (role in ('secretary', 'deputy_secretary', 'organization_officer', 'publicity_officer', 'discipline_officer', 'committee_member', 'leader', 'member', 'observer')),
    constraint party_post_agreed_to check (agreed_to > valid_from),
    constraint party_post_agreed_years check (agreed_to between '1800-01-01' and '2200-12-31'),
    constraint party_post_organization_code_fkey foreign key (organization_code) references party_organization (code),
    constraint party_post_person_id_fkey foreign key (person_id) references person (id),
    -- As in compound_grid: rows are not searched for in these.
    constraint party_post_once exclude using gist (person_id with =, organization_code with =, role with =, daterange(valid_from, valid_to) with &&)
        where (length(organization_code) > 0) deferrable initially immediate,
    constraint party_post_one_head exclude using gist (organization_code with =, daterange(valid_from, valid_to) with &&)
        where (role in ('secretary', 'leader') and length(organization_code) > 0) deferrable initially immediate,
    constraint party_post_one_hub exclude using gist (person_id with =, daterange(valid_from, valid_to) with &&)
        where (role = 'member' and length(organization_code) > 0) deferrable initially immediate,
    constraint party_post_pkey primary key (id),
    constraint party_post_period check (valid_to > valid_from),
    constraint party_post_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint party_post_source_ref check ((source is null) = (ref is null)),
    constraint party_post_source_ref_key unique (source, ref)
);
create index party_post_organization_code on party_post (organization_code);
create index party_post_person_id on party_post (person_id);
create index party_post_valid_from on party_post (valid_from, id);
comment on table party_post is 'Who holds which post in a party organization, and which hub household a member belongs to.';
comment on column party_post.id is 'Identity, for ever.';
comment on column party_post.organization_code is 'The organization.';
comment on column party_post.person_id is 'The person.';
comment on column party_post.role is 'secretary, deputy_secretary, organization_officer, publicity_officer, discipline_officer, committee_member, leader (党小组长、中心户户主), member (党员, of a hub) or observer (列席).';
comment on column party_post.agreed_to is 'First day after the agreed term. It only tells; nothing ends by itself.';
comment on column party_post.appointed_by is 'The document or meeting by which he got the post.';
comment on column party_post.valid_from is 'First day in the post.';
comment on column party_post.valid_to is 'First day no longer in the post; null while it has no end.';
comment on column party_post.source is 'System of the caller that knows it by ref.';
comment on column party_post.ref is 'Key of the caller, unique within source.';
comment on column party_post.version is 'Rises with every change; the ETag.';
comment on column party_post.created_at is 'When the row was made.';
comment on column party_post.updated_at is 'When the row last changed.';
