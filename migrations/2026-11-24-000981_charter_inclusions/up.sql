-- Charter inclusions (ORG-07): the Party's leadership as a clause of three documents, each with a law-maker of its own. A row
-- goes through the states of a workflow; once it is published it is in force from a day to a day, like whatever has a term.

create table charter_inclusion (
    id uuid not null,
    compound_code text collate "C" not null,
    document text not null,
    area_code text collate "C" not null generated always as (left(compound_code, 12)) stored,
    state text not null,
    previous_state text,
    clause text collate "zh-x-icu",
    company_code text collate "C",
    adopted_on date,
    eligible integer,
    attending integer,
    agreeing integer,
    area_total numeric(12, 2),
    area_participating numeric(12, 2),
    area_agreeing numeric(12, 2),
    minutes_number text,
    filed_on date,
    filed_with text,
    filing_number text,
    valid_from date,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint charter_inclusion_document check (document in ('residents_convention', 'committee_rules', 'company_articles')),
    constraint charter_inclusion_state check (state in ('drafting', 'party_review', 'legality_review', 'adopting', 'adopted', 'filed', 'published', 'vetoed', 'revoked')),
    constraint charter_inclusion_previous_state check (previous_state in ('drafting', 'party_review', 'legality_review', 'adopting', 'adopted', 'filed', 'published')),
    constraint charter_inclusion_company check (company_code is null or document = 'company_articles'),
    constraint charter_inclusion_numbers check (agreeing between 0 and attending and attending <= eligible and eligible between 1 and 10000000),
    constraint charter_inclusion_areas check (area_agreeing between 0 and area_participating and area_participating <= area_total),
    constraint charter_inclusion_areas_of_owners check (document = 'committee_rules' or num_nonnulls(area_total, area_participating, area_agreeing) = 0),
    -- What was adopted has a clause and the numbers of those who adopted it.
    constraint charter_inclusion_evidence check (state not in ('adopted', 'filed', 'published', 'revoked') or num_nulls(clause, adopted_on, eligible, attending, agreeing) = 0),
    constraint charter_inclusion_in_force check ((valid_from is not null) = (state in ('published', 'revoked'))),
    constraint charter_inclusion_over check ((valid_to is not null) = (state in ('vetoed', 'revoked'))),
    constraint charter_inclusion_days check (filed_on >= adopted_on and valid_from >= coalesce(filed_on, adopted_on)),
    constraint charter_inclusion_adopted_on check (adopted_on between '1800-01-01' and '2200-12-31'),
    constraint charter_inclusion_filed_on check (filed_on between '1800-01-01' and '2200-12-31'),
    constraint charter_inclusion_compound_code_fkey foreign key (compound_code) references compound (code),
    constraint charter_inclusion_company_code_fkey foreign key (company_code) references property_company (code),
    -- As in compound_grid: rows are not searched for in this.
    constraint charter_inclusion_one_in_force exclude using gist (compound_code with =, document with =, daterange(valid_from, valid_to) with &&)
        where (valid_from is not null and length(compound_code) > 0) deferrable initially immediate,
    constraint charter_inclusion_pkey primary key (id),
    constraint charter_inclusion_period check (valid_to > valid_from),
    constraint charter_inclusion_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint charter_inclusion_source_ref check ((source is null) = (ref is null)),
    constraint charter_inclusion_source_ref_key unique (source, ref)
);
create unique index charter_inclusion_one_at_a_time on charter_inclusion (compound_code, document) where valid_to is null;
create index charter_inclusion_compound_code on charter_inclusion (compound_code, id);
create index charter_inclusion_company_code on charter_inclusion (company_code);
create index charter_inclusion_area_code on charter_inclusion (area_code);
comment on table charter_inclusion is 'Charter inclusions (党建入章): the clause on the leadership of the Party in one document of a compound, from its draft to its end (ORG-07).';
comment on column charter_inclusion.id is 'Identity, for ever.';
comment on column charter_inclusion.compound_code is 'The compound.';
comment on column charter_inclusion.document is 'residents_convention (小区居民公约), committee_rules (业委会工作规则) or company_articles (物业公司章程).';
comment on column charter_inclusion.area_code is 'The community, from the code of the compound.';
comment on column charter_inclusion.state is 'Where it is on its way; the moves stand in docs/WORKFLOWS.md.';
comment on column charter_inclusion.previous_state is 'Where it was before; null before its first move.';
comment on column charter_inclusion.clause is 'The clause.';
comment on column charter_inclusion.company_code is 'The company whose articles they are; null for the other documents.';
comment on column charter_inclusion.adopted_on is 'Day on which the law-maker of the document adopted it.';
comment on column charter_inclusion.eligible is 'Who could take part: residents or representatives, owners by head, or voting rights.';
comment on column charter_inclusion.attending is 'Who did take part, counted alike.';
comment on column charter_inclusion.agreeing is 'Who agreed, counted alike.';
comment on column charter_inclusion.area_total is 'Of committee_rules: area of all exclusive parts, in square metres.';
comment on column charter_inclusion.area_participating is 'Of committee_rules: area of the owners who took part, in square metres.';
comment on column charter_inclusion.area_agreeing is 'Of committee_rules: area of the owners who agreed, in square metres.';
comment on column charter_inclusion.minutes_number is 'Number of the minutes.';
comment on column charter_inclusion.filed_on is 'Day on which it was filed.';
comment on column charter_inclusion.filed_with is 'With whom it was filed.';
comment on column charter_inclusion.filing_number is 'Number under which it was filed.';
comment on column charter_inclusion.valid_from is 'Day of publication, the first day in force; null before.';
comment on column charter_inclusion.valid_to is 'First day no longer in force, or day of the veto; null while it stands or is on its way.';
comment on column charter_inclusion.source is 'System of the caller that knows it by ref.';
comment on column charter_inclusion.ref is 'Key of the caller, unique within source.';
comment on column charter_inclusion.version is 'Rises with every change; the ETag.';
comment on column charter_inclusion.created_at is 'When the row was made.';
comment on column charter_inclusion.updated_at is 'When the row last changed.';
