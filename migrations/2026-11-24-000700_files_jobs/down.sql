drop table job;
drop table file;
drop table blob;
