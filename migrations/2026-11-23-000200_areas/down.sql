drop table grid_size_band;
drop table compound_grid;
drop table building;
drop table compound;
drop table grid;
drop table community;
drop table subdistrict;
