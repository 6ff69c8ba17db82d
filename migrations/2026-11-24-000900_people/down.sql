drop table person;
drop function journal_hide(jsonb, text[]);
drop table sealed_key;
