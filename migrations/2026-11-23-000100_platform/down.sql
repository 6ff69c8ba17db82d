drop table import_failure;
drop table import_run;
drop table idempotency;
drop function journal_diff(jsonb, jsonb);
drop table journal;
drop function journal_is_append_only();
drop table api_key;
drop table secret;
