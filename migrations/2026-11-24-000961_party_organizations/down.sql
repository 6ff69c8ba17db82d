drop table party_group_building;
drop table party_organization;
