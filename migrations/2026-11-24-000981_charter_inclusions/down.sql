drop table charter_inclusion;
