-- Party organizations (ORG-02, ORG-06, ORG-16): compound, building group and hub household in a chain, and the property industry's.

create table party_organization (
    id uuid not null,
    code text collate "C" not null,
    name text collate "zh-x-icu" not null,
    tier text not null,
    form text,
    nature text,
    founding_mode text,
    composite boolean not null default false,
    parent_code text collate "C",
    -- The tier that the parent must have, so that a key can hold it to that: a cycle cannot be written.
    parent_tier text generated always as (case tier when 'building_group' then 'compound' when 'hub_household' then 'building_group' when 'industry_branch' then 'industry_committee' end) stored,
    compound_code text collate "C",
    household_code text collate "C",
    area_code text collate "C" not null,
    approval_number text,
    approved_on date,
    agreed_to date,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint party_organization_code_key unique (code),
    -- What the keys of children lead to.
    constraint party_organization_code_tier_key unique (code, tier),
    constraint party_organization_code_compound_key unique (code, compound_code),
    constraint party_organization_code_shape check (code ~ '^[A-Za-z0-9._:-]{1,64}$'),
    constraint party_organization_tier check (tier in ('compound', 'building_group', 'hub_household', 'industry_committee', 'industry_branch')),
    constraint party_organization_form check (form in ('party_committee', 'general_branch', 'branch')),
    constraint party_organization_form_and_tier check ((form is not null) = (tier in ('compound', 'industry_committee', 'industry_branch'))),
    constraint party_organization_nature check (nature in ('formal', 'functional')),
    constraint party_organization_nature_and_tier check ((nature is not null) = (tier in ('compound', 'industry_committee', 'industry_branch'))),
    constraint party_organization_founding_mode check (founding_mode in ('standalone', 'joint', 'seconded')),
    constraint party_organization_composite check (not composite or tier = 'compound'),
    constraint party_organization_parent_and_tier check ((parent_code is not null) = (tier in ('building_group', 'hub_household', 'industry_branch'))),
    constraint party_organization_compound_and_tier check ((compound_code is not null) = (tier in ('compound', 'building_group', 'hub_household'))),
    constraint party_organization_household_and_tier check ((household_code is not null) = (tier = 'hub_household')),
    constraint party_organization_area_code_shape check (area_code ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$'),
    constraint party_organization_area_of_compound check (compound_code is null or area_code = left(compound_code, 12)),
    constraint party_organization_approved_on check (approved_on between '1800-01-01' and '2200-12-31'),
    constraint party_organization_agreed_to check (agreed_to > valid_from),
    constraint party_organization_agreed_years check (agreed_to between '1800-01-01' and '2200-12-31'),
    constraint party_organization_parent_tier_fkey foreign key (parent_code, parent_tier) references party_organization (code, tier),
    constraint party_organization_parent_compound_fkey foreign key (parent_code, compound_code) references party_organization (code, compound_code),
    constraint party_organization_compound_code_fkey foreign key (compound_code) references compound (code),
    constraint party_organization_household_code_fkey foreign key (household_code) references household (code),
    -- As in compound_grid: rows are not searched for in these.
    constraint party_organization_one_core exclude using gist (compound_code with =, daterange(valid_from, valid_to) with &&)
        where (tier = 'compound' and length(code) > 0) deferrable initially immediate,
    constraint party_organization_one_hub exclude using gist (household_code with =, daterange(valid_from, valid_to) with &&)
        where (household_code is not null and length(code) > 0) deferrable initially immediate,
    constraint party_organization_pkey primary key (id),
    constraint party_organization_period check (valid_to > valid_from),
    constraint party_organization_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint party_organization_source_ref check ((source is null) = (ref is null)),
    constraint party_organization_source_ref_key unique (source, ref)
);
create index party_organization_parent_code on party_organization (parent_code);
create index party_organization_compound_code on party_organization (compound_code);
create index party_organization_household_code on party_organization (household_code);
create index party_organization_area_code on party_organization (area_code);
create index party_organization_name on party_organization (name, id);
comment on table party_organization is 'Party organizations in four tiers: of a compound, its building groups, its hub households (their members are posts), and those of the property industry (ORG-02, ORG-06, ORG-16).';
comment on column party_organization.id is 'Identity, for ever.';
comment on column party_organization.code is 'Code of the organization (党组织代码), the caller''s own, never used again.';
comment on column party_organization.name is 'Name.';
comment on column party_organization.tier is 'compound (小区党组织), building_group (楼栋党小组), hub_household (党员中心户), industry_committee (物业服务行业党委) or industry_branch (其所属党支部).';
comment on column party_organization.form is 'party_committee, general_branch or branch; null for groups and hubs.';
comment on column party_organization.nature is 'formal, or functional (功能型: the members'' organizational relation stays where it is); null for groups and hubs.';
comment on column party_organization.founding_mode is 'standalone (单独建), joint (联合建) or seconded (派驻建).';
comment on column party_organization.composite is 'Whether it is a comprehensive organization (小区综合党组织); of compounds alone.';
comment on column party_organization.parent_code is 'The organization that it stands under; null for those of compounds and the committee of the industry.';
comment on column party_organization.parent_tier is 'The tier of the parent, from its own.';
comment on column party_organization.compound_code is 'The compound; null for those of the industry.';
comment on column party_organization.household_code is 'The household that is the hub; of hubs alone.';
comment on column party_organization.area_code is 'Its home for access: the community of the compound, else where it is kept.';
comment on column party_organization.approval_number is 'Number of the document by which it was approved.';
comment on column party_organization.approved_on is 'Day of the approval.';
comment on column party_organization.agreed_to is 'First day after the agreed term of office. It warns; nothing ends by itself.';
comment on column party_organization.valid_from is 'First day on which it holds.';
comment on column party_organization.valid_to is 'First day on which it no longer holds; null while it has no end.';
comment on column party_organization.source is 'System of the caller that knows it by ref.';
comment on column party_organization.ref is 'Key of the caller, unique within source.';
comment on column party_organization.version is 'Rises with every change; the ETag.';
comment on column party_organization.created_at is 'When the row was made.';
comment on column party_organization.updated_at is 'When the row last changed.';

create table party_group_building (
    id uuid not null,
    organization_code text collate "C" not null,
    building_code text collate "C" not null,
    valid_from date not null,
    valid_to date,
    constraint party_group_building_organization_code_fkey foreign key (organization_code) references party_organization (code),
    constraint party_group_building_building_code_fkey foreign key (building_code) references building (code),
    constraint party_group_building_one_group exclude using gist (building_code with =, daterange(valid_from, valid_to) with &&)
        where (length(organization_code) > 0) deferrable initially immediate,
    constraint party_group_building_pkey primary key (id),
    constraint party_group_building_period check (valid_to > valid_from),
    constraint party_group_building_years check (valid_from between '1800-01-01' and '2200-12-31')
);
create index party_group_building_organization_code on party_group_building (organization_code);
create index party_group_building_building_code on party_group_building (building_code);
comment on table party_group_building is 'Which buildings a building group answers for, and since when (ORG-06). Written with the group.';
comment on column party_group_building.id is 'Identity, for ever.';
comment on column party_group_building.organization_code is 'The group.';
comment on column party_group_building.building_code is 'The building, of the same compound.';
comment on column party_group_building.valid_from is 'First day on which the group answers for it.';
comment on column party_group_building.valid_to is 'First day on which it no longer does; null while it has no end.';
