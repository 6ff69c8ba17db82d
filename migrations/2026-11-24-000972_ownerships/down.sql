drop table ownership;
