drop index household_grid_open;
create index household_grid_open on household_grid (household_id) where valid_to is null;
