drop table grid_lineage;
