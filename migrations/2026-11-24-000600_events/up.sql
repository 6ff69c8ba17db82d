-- The change feed, and the webhooks that push copies of it.

create table event_epoch (
    id uuid not null,
    number integer not null,
    last_seq bigint not null,
    began_at timestamptz not null default now(),
    constraint event_epoch_number check (number > 0),
    constraint event_epoch_number_key unique (number),
    constraint event_epoch_pkey primary key (id)
);
comment on table event_epoch is 'Restores of this database: each begins an epoch, for transaction ids begin anew with it. None yet: epoch 0.';
comment on column event_epoch.id is 'Identity, for the journal.';
comment on column event_epoch.number is 'Counted from 1; what was before the first restore is epoch 0.';
comment on column event_epoch.last_seq is 'The last line of the journal that was restored: later lines belong to this epoch.';
comment on column event_epoch.began_at is 'When the operator told of the restore.';

create table webhook (
    id uuid not null,
    name text not null,
    url text not null,
    area_code text collate "C" not null,
    kinds text[] not null,
    actions text[] not null,
    state text not null default 'unverified',
    disabled_because text,
    owner_id uuid not null,
    verified_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint webhook_area_shape check (area_code ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$'),
    constraint webhook_because check ((state = 'disabled') = (disabled_because is not null)),
    constraint webhook_disabled_because check (disabled_because in ('gone', 'failing', 'owner')),
    constraint webhook_pkey primary key (id),
    constraint webhook_state check (state in ('unverified', 'active', 'paused', 'disabled', 'ended')),
    constraint webhook_verified check (verified_at is not null or state in ('unverified', 'ended'))
);
create index webhook_area_code on webhook (area_code, id);
create index webhook_owner_id on webhook (owner_id);
comment on table webhook is 'Addresses that events are pushed to.';
comment on column webhook.id is 'Identity, for ever.';
comment on column webhook.name is 'What it is for, for people.';
comment on column webhook.url is 'Where events are posted to.';
comment on column webhook.area_code is 'Events of this area and all below it are sent, none else.';
comment on column webhook.kinds is 'Kinds of objects whose events are sent; empty for all.';
comment on column webhook.actions is 'Actions that are sent; empty for all.';
comment on column webhook.state is 'unverified, active, paused, disabled or ended.';
comment on column webhook.disabled_because is 'gone (the receiver said 410), failing (too many failures in a row) or owner (its owner may no longer see events).';
comment on column webhook.owner_id is 'Who made it, or last ran its challenge: only what this actor may see is sent.';
comment on column webhook.verified_at is 'When the receiver last met the challenge.';
comment on column webhook.version is 'Rises with every change; the ETag.';
comment on column webhook.created_at is 'When the row was made.';
comment on column webhook.updated_at is 'When the row last changed.';

create table webhook_secret (
    id uuid not null,
    webhook_id uuid not null,
    sealed bytea not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    constraint webhook_secret_pkey primary key (id),
    constraint webhook_secret_webhook_id_fkey foreign key (webhook_id) references webhook (id)
);
create index webhook_secret_webhook_id on webhook_secret (webhook_id);
comment on table webhook_secret is 'Keys that sign what a webhook sends: one, or two while the receiver changes from one to the other.';
comment on column webhook_secret.id is 'Identity; later ones sort after earlier ones.';
comment on column webhook_secret.webhook_id is 'The webhook.';
comment on column webhook_secret.sealed is 'The key, sealed.';
comment on column webhook_secret.created_at is 'When it was made.';
comment on column webhook_secret.expires_at is 'From this instant on it no longer signs; null for the present one.';

create table webhook_progress (
    webhook_id uuid not null,
    era integer not null,
    xid xid8 not null,
    seq bigint not null,
    ready_at timestamptz not null default now(),
    failures integer not null default 0,
    constraint webhook_progress_failures check (failures >= 0),
    constraint webhook_progress_pkey primary key (webhook_id),
    constraint webhook_progress_webhook_id_fkey foreign key (webhook_id) references webhook (id)
);
create index webhook_progress_ready_at on webhook_progress (ready_at);
comment on table webhook_progress is 'How far each webhook has come; written by the sender alone, and not journalled.';
comment on column webhook_progress.webhook_id is 'The webhook.';
comment on column webhook_progress.era is 'Epoch of the line that it has come to.';
comment on column webhook_progress.xid is 'Transaction of the line that it has come to.';
comment on column webhook_progress.seq is 'The line that it has come to: everything up to it was tried once.';
comment on column webhook_progress.ready_at is 'No sender takes it before this instant: another has it, or it rests after failures.';
comment on column webhook_progress.failures is 'Failed attempts in a row, of whatever event.';

create table webhook_delivery (
    id uuid not null,
    webhook_id uuid not null,
    era integer not null,
    xid xid8 not null,
    seq bigint not null,
    action text not null,
    state text not null,
    tries integer not null,
    next_at timestamptz,
    created_at timestamptz not null default now(),
    constraint webhook_delivery_next_at check ((state = 'pending') = (next_at is not null)),
    constraint webhook_delivery_pkey primary key (id),
    constraint webhook_delivery_seq_key unique (webhook_id, seq),
    constraint webhook_delivery_state check (state in ('pending', 'delivered', 'dead')),
    constraint webhook_delivery_tries check (tries >= 0),
    constraint webhook_delivery_webhook_id_fkey foreign key (webhook_id) references webhook (id)
);
create index webhook_delivery_created_at on webhook_delivery (created_at);
create index webhook_delivery_due on webhook_delivery (webhook_id, next_at) where state = 'pending';
create index webhook_delivery_webhook_id on webhook_delivery (webhook_id, id);
comment on table webhook_delivery is 'Events that a webhook has tried to send, kept for thirty days.';
comment on column webhook_delivery.id is 'Identity.';
comment on column webhook_delivery.webhook_id is 'The webhook.';
comment on column webhook_delivery.era is 'Epoch of the line of the journal.';
comment on column webhook_delivery.xid is 'Transaction of the line of the journal.';
comment on column webhook_delivery.seq is 'The line of the journal.';
comment on column webhook_delivery.action is 'What was done, such as grid.created.';
comment on column webhook_delivery.state is 'pending (to be tried again), delivered or dead (given up).';
comment on column webhook_delivery.tries is 'Attempts since it was first sent, or sent anew by hand.';
comment on column webhook_delivery.next_at is 'When it is tried again.';
comment on column webhook_delivery.created_at is 'When it was first tried.';

create table webhook_attempt (
    id uuid not null,
    delivery_id uuid not null,
    at timestamptz not null,
    status smallint,
    failure text,
    millis integer not null,
    constraint webhook_attempt_delivery_id_fkey foreign key (delivery_id) references webhook_delivery (id) on delete cascade,
    constraint webhook_attempt_millis check (millis >= 0),
    constraint webhook_attempt_pkey primary key (id)
);
create index webhook_attempt_delivery_id on webhook_attempt (delivery_id, id);
comment on table webhook_attempt is 'Each time that an event was sent, and what came of it; nothing of the answer but its status.';
comment on column webhook_attempt.id is 'Identity; later ones sort after earlier ones.';
comment on column webhook_attempt.delivery_id is 'The event that was sent.';
comment on column webhook_attempt.at is 'When.';
comment on column webhook_attempt.status is 'HTTP status of the answer, where there was one.';
comment on column webhook_attempt.failure is 'Why it failed; null where it succeeded.';
comment on column webhook_attempt.millis is 'Milliseconds until the answer or the failure.';
