alter table property_company drop column party_branch_tier;
alter table property_company drop column party_branch_code;
