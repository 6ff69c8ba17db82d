drop table dwelling;
