comment on column grid_lineage.kind is 'unchanged, renamed (a new code for the same ground), split, merged, created or abolished.';
alter table grid_lineage drop constraint grid_lineage_kind;
alter table grid_lineage add constraint grid_lineage_kind check (kind in ('unchanged', 'renamed', 'split', 'merged', 'created', 'abolished'));
drop table grid_redivision_household;
drop table grid_redivision_building;
drop table grid_redivision_grid;
drop table grid_redivision;
drop function fresh_id();
