-- Property companies (ORG-15): who serves compounds. Known by the unified social credit code (GB 32100-2015).

create function is_credit_code(code text) returns boolean immutable strict language sql as $$
    select code ~ '^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$'
        and strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', right(code, 1)) - 1
            = (31 - sum(w.weight * (strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, w.place::integer, 1)) - 1)) % 31) % 31
    from unnest(array[1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]) with ordinality as w (weight, place)
$$;
comment on function is_credit_code(text) is 'Whether a text is a unified social credit code with the right check digit (GB 32100-2015).';

create table property_company (
    id uuid not null,
    code text collate "C" not null,
    name text collate "zh-x-icu" not null,
    kind text not null,
    founder_community_code text collate "C",
    area_code text collate "C" not null,
    legal_representative text,
    registered_address text,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint property_company_code_key unique (code),
    constraint property_company_code_shape check (is_credit_code(code)),
    constraint property_company_kind check (kind in ('commercial', 'community_led', 'unit_self', 'owner_self')),
    constraint property_company_founder check ((kind = 'community_led') = (founder_community_code is not null)),
    constraint property_company_area_code_shape check (area_code ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$'),
    constraint property_company_founder_community_code_fkey foreign key (founder_community_code) references community (code),
    constraint property_company_one_of_a_name exclude using gist (name with =, daterange(valid_from, valid_to) with &&)
        where (length(code) > 0) deferrable initially immediate,
    constraint property_company_pkey primary key (id),
    constraint property_company_period check (valid_to > valid_from),
    constraint property_company_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint property_company_source_ref check ((source is null) = (ref is null)),
    constraint property_company_source_ref_key unique (source, ref)
);
create index property_company_founder_community_code on property_company (founder_community_code);
create index property_company_area_code on property_company (area_code);
create index property_company_name on property_company (name, id);
comment on table property_company is 'Property companies (物业服务企业), those led by communities among them (ORG-15).';
comment on column property_company.id is 'Identity, for ever.';
comment on column property_company.code is 'Unified social credit code of 18 characters (GB 32100-2015), its check digit right.';
comment on column property_company.name is 'Registered name, held by one company at a time.';
comment on column property_company.kind is 'commercial, community_led, unit_self (a work unit for its own housing) or owner_self (owners for themselves).';
comment on column property_company.founder_community_code is 'The community that took the lead in founding it; of community_led ones alone. Not moved by a re-division.';
comment on column property_company.area_code is 'Where it is kept, for access: who may write companies there may change it.';
comment on column property_company.legal_representative is 'Legal representative, as the public register of companies names him.';
comment on column property_company.registered_address is 'Registered address.';
comment on column property_company.valid_from is 'First day on which it holds.';
comment on column property_company.valid_to is 'First day on which it no longer holds; null while it has no end.';
comment on column property_company.source is 'System of the caller that knows it by ref.';
comment on column property_company.ref is 'Key of the caller, unique within source.';
comment on column property_company.version is 'Rises with every change; the ETag.';
comment on column property_company.created_at is 'When the row was made.';
comment on column property_company.updated_at is 'When the row last changed.';
