drop table person_merge_move;
drop table person_merge;
