alter table api_key drop column version;
drop index api_key_area_code;
drop table signing_key;
drop table role_grant;
drop table refresh_token;
drop table session;
drop table account;
