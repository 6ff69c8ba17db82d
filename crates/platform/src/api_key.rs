//! API keys of machine clients: shown once, stored as a hash, with permissions, an area and an expiry (PLT-07).

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::page::Cursor;
use kernel::text::{Line, Name};
use kernel::{AreaCode, Expected, Grant, Kind, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Scope, Stamp, Tx, View, id, within};
use schema::api_key;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::secret::{digest, fresh_token};

id!(
    /// An API key.
    ApiKeyId
);

/// What every key begins with, so that a leaked one is found by those who scan for it.
pub(crate) const PREFIX: &str = "lk_live_";
/// How long a key may live.
const LONGEST: TimeDelta = TimeDelta::days(3660);

/// A key as those see it who keep keys: all but the key.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = api_key)]
pub struct ApiKey {
    /// Identity of the client: in the journal, and as `client_id`.
    pub id: ApiKeyId,
    /// Who uses it.
    pub name: Name,
    /// Prefix and last four characters.
    #[schema(example = "lk_live_…Zk3Q")]
    pub hint: String,
    /// What it permits; `*` stands for everything.
    #[schema(value_type = Vec<String>, max_items = 500)]
    pub permissions: Vec<Option<String>>,
    /// Where: this area and all below it.
    pub area_code: AreaCode,
    /// When it was made.
    pub created_at: Stamp,
    /// From when on it is refused.
    pub expires_at: Stamp,
    /// Since when it is refused, although it has not expired.
    pub revoked_at: Option<Stamp>,
    /// Rises with every change.
    pub version: i32,
}

/// The name of a permission, for the document.
#[derive(ToSchema)]
#[schema(value_type = String, max_length = 60, pattern = r"^(\*|[a-z_]+\.[a-z_]+)$", example = "grid.read")]
pub struct PermissionName(pub String);

/// A key to be made.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// Who will use it.
    #[schema(example = "数据中台")]
    pub name: Name,
    /// What it permits, none that you do not have yourself; `*` stands for everything, now and later.
    #[schema(value_type = Vec<PermissionName>, min_items = 1, max_items = 500, example = json!(["grid.read", "household.read"]))]
    #[validate(length(min = 1, max = 500))]
    pub permissions: Vec<String>,
    /// Where: this area and all below it.
    pub area_code: AreaCode,
    /// For how many days.
    #[schema(minimum = 1, maximum = 3660, example = 365)]
    #[validate(range(min = 1, max = 3660))]
    pub days: i32,
}

/// The end of a key.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Why; kept in the journal.
    #[schema(example = "密钥泄露")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Which keys a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ApiKeyFilter {
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
    /// Also those that have expired or were revoked.
    pub ever: Option<bool>,
}

/// May see API keys, though never the keys themselves.
pub const READ: Permission = Permission("api_key.read");
/// May make and revoke API keys.
pub const WRITE: Permission = Permission("api_key.write");

/// A key that is unknown, expired or revoked; which of them is nobody's business.
pub const BAD_KEY: Refusal =
    Refusal::new(Kind::Unauthenticated, "access.bad_key", "密钥无效、已过期或已撤销。", "The key is not valid, has expired or was revoked.");
/// No such key.
pub const UNKNOWN: Refusal = Refusal::not_found("api_key.unknown", "没有该密钥,或它不在您的区域内。", "There is no such key, or it is not in your area.");
/// A permission that there is not.
pub const NO_SUCH_PERMISSION: Refusal = Refusal::invalid(
    "api_key.no_such_permission",
    "没有权限 {permission};全部权限见 /v1/roles。",
    "There is no permission {permission}; /v1/roles lists them.",
);
/// A permission that its maker does not have.
pub const NOT_YOURS_TO_GIVE: Refusal = Refusal::new(
    Kind::Forbidden,
    "api_key.not_yours_to_give",
    "您在该区域没有权限 {permission},不能授予密钥。",
    "You do not have the permission {permission} in that area, so you may not give it to a key.",
);
/// It has been revoked.
pub const REVOKED: Refusal = Refusal::conflict("api_key.revoked", "该密钥已经撤销。", "The key has been revoked already.");

impl Recorded for ApiKey {
    const KIND: &'static str = "api_key";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

impl ApiKey {
    /// What the key permits, and where.
    #[must_use]
    pub fn grant(&self) -> Grant {
        let permissions = self.permissions.iter().flatten().cloned().map(Cow::Owned).collect();
        Grant { role: None, permissions, scope: Scope::of(vec![self.area_code.clone()]) }
    }
}

/// Makes a key and returns it; it cannot be read again. `known` are the permissions that there are.
pub async fn create(tx: &Tx<'_>, known: &[&str], new: &NewApiKey) -> Result<(ApiKey, String)> {
    tx.may_at(WRITE, new.area_code.as_str())?;
    for (index, permission) in new.permissions.iter().enumerate() {
        let at = format!("/permissions/{index}");
        if permission != "*" && !known.contains(&permission.as_str()) {
            return Err(NO_SUCH_PERMISSION.at(at).with("permission", permission).into());
        }
        // A system administrator makes keys for others without having their permissions himself.
        let trusted = tx.role() == Some(kernel::Role::SystemAdmin) && permission != "*";
        if !trusted && tx.actor.grant_at(permission, new.area_code.as_str()).is_none() {
            return Err(NOT_YOURS_TO_GIVE.at(at).with("permission", permission).into());
        }
    }
    let key = fresh_token(PREFIX)?;
    let row: ApiKey = diesel::insert_into(api_key::table)
        .values((
            api_key::id.eq(ApiKeyId::fresh()),
            api_key::name.eq(&new.name),
            api_key::digest.eq(digest(&key)),
            api_key::hint.eq(format!("{PREFIX}…{}", key.get(key.len() - 4..).unwrap_or_default())),
            api_key::permissions.eq(&new.permissions),
            api_key::area_code.eq(&new.area_code),
            api_key::created_at.eq(tx.now),
            api_key::expires_at.eq(tx.now + TimeDelta::days(i64::from(new.days)).min(LONGEST)),
        ))
        .returning(ApiKey::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("api_key.created", None, &row, None)?;
    Ok((row, key))
}

/// Lists the keys of the caller's area, the latest first.
pub async fn list(view: &View<'_>, filter: &ApiKeyFilter, paging: &Paging) -> Result<Page<ApiKey>> {
    let scope = view.may(READ)?;
    let mut query = ApiKey::query().filter(within!(scope, api_key::area_code)).into_boxed();
    if !filter.ever.unwrap_or(false) {
        query = query.filter(api_key::revoked_at.is_null().and(api_key::expires_at.gt(view.now)));
    }
    if let Some(area) = &filter.area_code {
        query = query.filter(api_key::area_code.ge(area.clone()).and(api_key::area_code.lt(kernel::area::end_of(area))));
    }
    if let Some(after) = paging.after(filter)? {
        query = query.filter(api_key::id.lt(after.id));
    }
    let rows = query.order(api_key::id.desc()).limit(paging.fetch()).load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, filter, |row: &ApiKey| Cursor { key: String::new(), id: row.id.0 })
}

/// The key with this id.
pub async fn get(view: &View<'_>, id: ApiKeyId) -> Result<ApiKey> {
    let scope = view.may(READ)?;
    let found = ApiKey::query().filter(api_key::id.eq(id)).filter(within!(scope, api_key::area_code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Revokes a key; within a second no replica takes it any more.
pub async fn revoke(tx: &Tx<'_>, id: ApiKeyId, expected: Expected, reason: &Line) -> Result<ApiKey> {
    let scope = tx.scope(&[READ, WRITE]);
    let found = ApiKey::query().filter(api_key::id.eq(id)).filter(within!(scope, api_key::area_code)).for_update().first(&mut tx.conn()).await.optional()?;
    let before: ApiKey = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, before.area_code.as_str())?;
    expected.check(before.version)?;
    if before.revoked_at.is_some() {
        return Err((&REVOKED).into());
    }
    let after = diesel::update(api_key::table.find(id))
        .set((api_key::revoked_at.eq(tx.now), api_key::version.eq(before.version + 1)))
        .returning(ApiKey::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("api_key.revoked", Some(&before), &after, Some(reason.as_str()))?;
    Ok(after)
}

/// The key that this is, if it is in force. One short query, for every request of a client.
pub(crate) async fn find(view: &View<'_>, key: &str) -> Result<ApiKey> {
    let well_formed = key.strip_prefix(PREFIX).is_some_and(|secret| secret.len() == 43 && secret.is_ascii());
    if !well_formed {
        return Err((&BAD_KEY).into());
    }
    let found = ApiKey::query().filter(api_key::digest.eq(digest(key)).and(valid(view.now))).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&BAD_KEY).into())
}

/// The key with this id, if it is in force.
pub(crate) async fn in_force(view: &View<'_>, id: ApiKeyId) -> Result<Option<ApiKey>> {
    Ok(ApiKey::query().filter(api_key::id.eq(id).and(valid(view.now))).first(&mut view.conn()).await.optional()?)
}

#[diesel::dsl::auto_type]
fn valid(now: DateTime<Utc>) -> _ {
    api_key::revoked_at.is_null().and(api_key::expires_at.gt(now))
}
