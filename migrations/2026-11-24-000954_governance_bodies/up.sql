-- Governance bodies (ORG-02, ORG-14): who deliberates and decides in a compound, and for how long.

create table governance_body (
    id uuid not null,
    compound_code text collate "C" not null,
    kind text not null,
    area_code text collate "C" not null generated always as (left(compound_code, 12)) stored,
    name text collate "zh-x-icu" not null,
    seats integer,
    agreed_to date,
    filed_on date,
    filing_number text,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint governance_body_kind check (kind in ('owners_committee', 'property_management_committee', 'party_mass_council', 'preparatory_group')),
    constraint governance_body_temporary check (agreed_to is not null or kind not in ('property_management_committee', 'preparatory_group')),
    constraint governance_body_seats check (seats between 1 and 99),
    constraint governance_body_agreed_to check (agreed_to > valid_from),
    constraint governance_body_agreed_years check (agreed_to between '1800-01-01' and '2200-12-31'),
    constraint governance_body_filed_on check (filed_on between '1800-01-01' and '2200-12-31'),
    constraint governance_body_compound_code_fkey foreign key (compound_code) references compound (code),
    -- As in compound_grid: rows are not searched for in this.
    constraint governance_body_one_at_a_time exclude using gist (compound_code with =, kind with =, daterange(valid_from, valid_to) with &&)
        where (length(compound_code) > 0) deferrable initially immediate,
    constraint governance_body_pkey primary key (id),
    -- Members name the body with what it is of and what it is, so that neither can differ.
    constraint governance_body_identity unique (id, compound_code, kind),
    constraint governance_body_period check (valid_to > valid_from),
    constraint governance_body_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint governance_body_source_ref check ((source is null) = (ref is null)),
    constraint governance_body_source_ref_key unique (source, ref)
);
create index governance_body_compound_code on governance_body (compound_code, kind);
create index governance_body_area_code on governance_body (area_code);
comment on table governance_body is 'Governance bodies of compounds: owners'' committees and what stands beside or before them (ORG-02, ORG-14).';
comment on column governance_body.id is 'Identity, for ever.';
comment on column governance_body.compound_code is 'The compound that it is of.';
comment on column governance_body.kind is 'owners_committee (业委会), property_management_committee (物管会, temporary), party_mass_council (党群议事会, deliberates, decides nothing on common property) or preparatory_group (筹备组, temporary).';
comment on column governance_body.area_code is 'The community, from the code of the compound.';
comment on column governance_body.name is 'Name.';
comment on column governance_body.seats is 'How many seats its rules give it.';
comment on column governance_body.agreed_to is 'First day after its term. A temporary body always has one.';
comment on column governance_body.filed_on is 'Day on which it was filed with the subdistrict (Regulations on Property Management, article 16).';
comment on column governance_body.filing_number is 'Number of the filing.';
comment on column governance_body.valid_from is 'First day on which it exists.';
comment on column governance_body.valid_to is 'First day on which it no longer does; null while it has no end.';
comment on column governance_body.source is 'System of the caller that knows it by ref.';
comment on column governance_body.ref is 'Key of the caller, unique within source.';
comment on column governance_body.version is 'Rises with every change; the ETag.';
comment on column governance_body.created_at is 'When the row was made.';
comment on column governance_body.updated_at is 'When the row last changed.';
