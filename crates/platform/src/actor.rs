//! Actors by their id, for work that goes on while nobody asks: with the rights that they have by then.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::manifest::Powers;
use kernel::text::Name;
use kernel::{Actor, Kind, Refusal, Result, View};
use schema::account;
use uuid::Uuid;

use crate::account::AccountId;
use crate::{api_key, role_grant};

/// Whoever asked for the work may do nothing any more.
pub const GONE: Refusal = Refusal::new(
    Kind::Forbidden,
    "access.gone",
    "提交该任务的密钥或账号已过期或已撤销,因此未执行。",
    "The key or account that asked for this has expired or was revoked, so it was not done.",
);

/// The actor with this id, as he stands now: what he may do, and where. None once his key has expired or was
/// revoked, or his account was disabled.
pub async fn find(view: &View<'_>, powers: &Powers, id: Uuid) -> Result<Option<Actor>> {
    if let Some(key) = api_key::in_force(view, id.into()).await? {
        return Ok(Some(Actor::new(id, key.name.to_string(), vec![key.grant()])));
    }
    let person = account::table.find(AccountId(id)).filter(account::disabled_at.is_null()).select(account::name);
    match person.first::<Name>(&mut view.conn()).await.optional()? {
        Some(name) => Ok(Some(Actor::new(id, name.to_string(), role_grant::grants(view, powers, id.into()).await?))),
        None => Ok(None),
    }
}

/// The actor with this id; refuses where he may do nothing any more.
pub async fn by_id(view: &View<'_>, powers: &Powers, id: Uuid) -> Result<Actor> {
    find(view, powers, id).await?.ok_or_else(|| (&GONE).into())
}
