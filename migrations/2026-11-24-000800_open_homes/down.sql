drop index household_grid_household_id_key;
create index household_grid_open on household_grid (household_id) where valid_to is null;
alter table household_grid
    drop constraint household_grid_one_at_a_time,
    add constraint household_grid_one_at_a_time exclude using gist (household_id with =, daterange(valid_from, valid_to) with &&)
        deferrable initially immediate;
