drop table household_grid;
drop table household;
