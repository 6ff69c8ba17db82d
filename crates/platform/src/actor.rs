//! Actors by their id, for work that goes on while nobody asks: with the rights that they have by then.

use kernel::{Actor, Kind, Refusal, Result, View};
use uuid::Uuid;

use crate::api_key;

/// Whoever asked for the work may do nothing any more.
pub const GONE: Refusal = Refusal::new(
    Kind::Forbidden,
    "access.gone",
    "提交该任务的密钥或账号已过期或已撤销,因此未执行。",
    "The key or account that asked for this has expired or was revoked, so it was not done.",
);

/// The actor with this id, as he stands now: what he may do, and where.
pub async fn by_id(view: &View<'_>, id: Uuid) -> Result<Actor> {
    api_key::actor(view, id.into()).await?.ok_or_else(|| (&GONE).into())
}
