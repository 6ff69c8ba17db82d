-- Which branch of the industry committee the members of a property company belong to (ORG-16); a branch of several is a joint one.

alter table property_company add column party_branch_code text collate "C";
-- So that the key leads to branches of the industry alone.
alter table property_company add column party_branch_tier text generated always as (case when party_branch_code is not null then 'industry_branch' end) stored;
alter table property_company add constraint property_company_party_branch_fkey foreign key (party_branch_code, party_branch_tier) references party_organization (code, tier);
create index property_company_party_branch_code on property_company (party_branch_code);
comment on column property_company.party_branch_code is 'The branch of the industry committee that its Party members belong to; null where there is none.';
comment on column property_company.party_branch_tier is 'The tier of that branch.';
