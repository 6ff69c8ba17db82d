//! What the owner of a webhook may see now: his rights are asked for each time that something is sent, so a webhook
//! never tells more than its owner could read for himself.

use kernel::manifest::Powers;
use kernel::{Result, Scope, View};
use uuid::Uuid;

use crate::{actor, event};

/// Where the owner may follow events now. Nowhere, once his key has expired or was revoked, his account was disabled,
/// or the term of his role is over.
pub async fn scope(view: &View<'_>, powers: &Powers, owner: Uuid) -> Result<Scope> {
    let owner = actor::find(view, powers, owner).await?;
    Ok(owner.map_or_else(Scope::default, |owner| owner.scope(&[event::READ]).into_owned()))
}
