//! The same request twice has one effect: what a write answered is kept a day, in the transaction of the work.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;
use kernel::{Error, Prepare, Refusal, Result, Tx};
use schema::idempotency;
use serde_json::{from_value, to_value};

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// The first request with this key is still being worked on.
pub const IN_FLIGHT: Refusal = Refusal::conflict(
    "idempotency.in_flight",
    "使用该 Idempotency-Key 的请求仍在处理中,请稍后重试。",
    "A request with this Idempotency-Key is still being worked on; try again shortly.",
);
/// The key was used for something else.
pub const KEY_REUSED: Refusal = Refusal::conflict(
    "idempotency.key_reused",
    "该 Idempotency-Key 已用于另一请求;新的操作请使用新的值。",
    "This Idempotency-Key was used for another request; use a new one for a new action.",
);

/// An answer as it was given.
#[derive(Clone, Debug, Queryable, Insertable, Selectable)]
#[diesel(table_name = idempotency)]
pub struct Answered {
    /// HTTP status.
    pub status: i16,
    /// Location header.
    pub location: Option<String>,
    /// JSON body.
    pub body: String,
}

/// Takes a key for a request: returns the answer where the same request was answered before.
pub async fn claim(tx: &Tx<'_>, key: &str, request: &[u8]) -> Result<Option<Answered>> {
    if !tx.try_lock(&format!("idempotency {} {key}", tx.actor.id)).await? {
        return Err((&IN_FLIGHT).into());
    }
    let kept = idempotency::table
        .find((tx.actor.id, key))
        .filter(idempotency::expires_at.gt(tx.now))
        .select((idempotency::request, idempotency::granted, Answered::as_select()))
        .first::<(Vec<u8>, serde_json::Value, Answered)>(&mut tx.conn())
        .await
        .optional()?;
    let Some((of, granted, answer)) = kept else { return Ok(None) };
    if of != request {
        return Err((&KEY_REUSED).into());
    }
    // What the caller may have changed since: a replay tells him nothing that he could not ask for now.
    let granted: Vec<(String, String)> = from_value(granted).map_err(|error| Error::Internal(error.to_string()))?;
    for (permission, area) in granted {
        if tx.actor.grant_at(&permission, &area).is_none() {
            return Err(kernel::actor::OUT_OF_SCOPE.with("area", area).into());
        }
    }
    Ok(Some(answer))
}

/// Keeps an answer for the key that was claimed.
pub async fn keep(tx: &Tx<'_>, key: &str, request: &[u8], answer: &Answered) -> Result<()> {
    let granted = to_value(tx.needed()).map_err(|error| Error::Internal(error.to_string()))?;
    let expires_at = tx.now + KEPT;
    diesel::delete(idempotency::table.find((tx.actor.id, key))).execute(&mut tx.conn()).await?;
    diesel::insert_into(idempotency::table)
        .values((
            idempotency::client_id.eq(tx.actor.id),
            idempotency::key.eq(key),
            idempotency::request.eq(request),
            idempotency::granted.eq(granted),
            idempotency::created_at.eq(tx.now),
            idempotency::expires_at.eq(expires_at),
            answer,
        ))
        .prepared()
        .execute(&mut tx.conn())
        .await?;
    Ok(())
}

/// Answers that are forgotten in one transaction.
const BATCH: i64 = 1_000;

/// Forgets answers that are kept no longer; returns how many, and whether there may be more.
pub async fn purge(tx: &Tx<'_>) -> Result<(usize, bool)> {
    let purge = "delete from idempotency where (client_id, key) in \
                 (select client_id, key from idempotency where expires_at <= $1 limit $2 for update skip locked)";
    let purge = sql_query(purge).bind::<Timestamptz, _>(tx.now).bind::<BigInt, _>(BATCH);
    let count = purge.execute(&mut tx.conn()).await?;
    Ok((count, i64::try_from(count).is_ok_and(|count| count == BATCH)))
}
