alter table party_group_building drop column updated_at;
alter table party_group_building drop column created_at;
alter table party_group_building drop column version;
