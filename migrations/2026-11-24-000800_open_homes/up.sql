-- Unique, so that Postgres finds the one open row of a household by this index even where it knows nothing of the table yet,
-- as in the midst of a first import. What moves closes first and opens then.
drop index household_grid_open;
create unique index household_grid_open on household_grid (household_id) where valid_to is null;
