-- Property projects (ORG-17): who serves which compound, and since when. Coverage on a day is computed from them.

create table property_project (
    id uuid not null,
    compound_code text collate "C" not null,
    company_code text collate "C",
    area_code text collate "C" not null generated always as (left(compound_code, 12)) stored,
    kind text not null,
    stage text,
    contract_number text,
    agreed_to date,
    filed_on date,
    fee_standard text,
    manager text,
    staff integer,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint property_project_kind check (kind in ('full_service', 'partial_service', 'unit_self', 'owner_self')),
    constraint property_project_company check (company_code is not null or kind in ('unit_self', 'owner_self')),
    constraint property_project_stage check (stage in ('preliminary', 'regular')),
    constraint property_project_agreed_to check (agreed_to > valid_from),
    constraint property_project_agreed_years check (agreed_to between '1800-01-01' and '2200-12-31'),
    constraint property_project_filed_on check (filed_on between '1800-01-01' and '2200-12-31'),
    constraint property_project_staff check (staff between 0 and 10000),
    constraint property_project_compound_code_fkey foreign key (compound_code) references compound (code),
    constraint property_project_company_code_fkey foreign key (company_code) references property_company (code),
    -- As in compound_grid: rows are not searched for in these.
    constraint property_project_once exclude using gist (company_code with =, compound_code with =, daterange(valid_from, valid_to) with &&)
        where (length(compound_code) > 0) deferrable initially immediate,
    -- Whoever serves a compound as a whole does so alone, as the Regulations on Property Management, article 33, has it.
    constraint property_project_one_at_a_time exclude using gist (compound_code with =, daterange(valid_from, valid_to) with &&) where (kind <> 'partial_service' and length(compound_code) > 0) deferrable initially immediate,
    constraint property_project_pkey primary key (id),
    constraint property_project_period check (valid_to > valid_from),
    constraint property_project_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint property_project_source_ref check ((source is null) = (ref is null)),
    constraint property_project_source_ref_key unique (source, ref)
);
create index property_project_compound_code on property_project (compound_code);
create index property_project_company_code on property_project (company_code);
create index property_project_area_code on property_project (area_code);
comment on table property_project is 'Property projects (物业服务项目): who serves which compound, under which contract, and since when (ORG-17).';
comment on column property_project.id is 'Identity, for ever.';
comment on column property_project.compound_code is 'The compound that is served.';
comment on column property_project.company_code is 'The company that serves it; null where a work unit or the owners look after it themselves without a company.';
comment on column property_project.area_code is 'The community, from the code of the compound.';
comment on column property_project.kind is 'full_service, partial_service (such as cleaning alone; no coverage), unit_self (单位自管) or owner_self (业主自治).';
comment on column property_project.stage is 'preliminary (前期, chosen by the developer) or regular (chosen by the owners).';
comment on column property_project.contract_number is 'Number of the contract.';
comment on column property_project.agreed_to is 'First day after the agreed term. A contract that goes on after it counts until it is ended (Civil Code, article 948).';
comment on column property_project.filed_on is 'Day on which the contract was filed.';
comment on column property_project.fee_standard is 'Fee, in words.';
comment on column property_project.manager is 'Project manager, as publications name him.';
comment on column property_project.staff is 'People who work in the project.';
comment on column property_project.valid_from is 'First day of service.';
comment on column property_project.valid_to is 'First day without service; null while it has no end.';
comment on column property_project.source is 'System of the caller that knows it by ref.';
comment on column property_project.ref is 'Key of the caller, unique within source.';
comment on column property_project.version is 'Rises with every change; the ETag.';
comment on column property_project.created_at is 'When the row was made.';
comment on column property_project.updated_at is 'When the row last changed.';
