drop table webhook_attempt;
drop table webhook_delivery;
drop table webhook_progress;
drop table webhook_secret;
drop table webhook;
drop table event_epoch;
