drop table ownership;
drop aggregate lcm_of(numeric);
