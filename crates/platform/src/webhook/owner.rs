//! What the owner of a webhook may see now: his rights are asked for each time that something is sent, so a webhook
//! never tells more than its owner could read for himself.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::manifest::Powers;
use kernel::{Actor, Result, Scope, View};
use schema::account;
use uuid::Uuid;

use crate::account::AccountId;
use crate::{api_key, event, role_grant};

/// Where the owner may follow events now. Nowhere, once his key has expired or was revoked, his account was disabled,
/// or the term of his role is over.
pub async fn scope(view: &View<'_>, powers: &Powers, owner: Uuid) -> Result<Scope> {
    let grants = match api_key::in_force(view, owner.into()).await? {
        Some(key) => vec![key.grant()],
        None => of_person(view, powers, owner.into()).await?,
    };
    Ok(Actor::new(owner, String::new(), grants).scope(&[event::READ]).into_owned())
}

async fn of_person(view: &View<'_>, powers: &Powers, holder: AccountId) -> Result<Vec<kernel::Grant>> {
    let enabled = account::table.filter(account::id.eq(holder).and(account::disabled_at.is_null()));
    let enabled: bool = diesel::select(exists(enabled)).get_result(&mut view.conn()).await?;
    if enabled { role_grant::grants(view, powers, holder).await } else { Ok(Vec::new()) }
}
