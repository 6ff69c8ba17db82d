-- What building groups answer for comes as files too (ORG-06), so its rows have versions as others that files change.

alter table party_group_building add column version integer not null default 1;
alter table party_group_building add column created_at timestamptz not null default now();
alter table party_group_building add column updated_at timestamptz not null default now();
comment on column party_group_building.version is 'Rises with every change; the ETag.';
comment on column party_group_building.created_at is 'When the row was made.';
comment on column party_group_building.updated_at is 'When the row last changed.';
