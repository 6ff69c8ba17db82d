//! Sessions of accounts: log-in, renewal with tokens that are good once, and their end.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::cipher::FieldCipher;
use kernel::db::Store;
use kernel::manifest::Powers;
use kernel::text::Name;
use kernel::{Actor, Call, Kind, Prepare, Refusal, Result, Stamp, Tx, View, id, text_enum};
use schema::{account, refresh_token, session};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::account::{Account, AccountId, UserName};
use crate::password::{Passwords, Profile};
use crate::role_grant::grants;
use crate::second_factor;
use crate::secret::{digest, fresh_token};

id!(
    /// A session.
    SessionId
);

text_enum!(
    /// Why a session was ended.
    EndReason {
        /// By its own person.
        LoggedOut = "logged_out" "已退出",
        /// It was not used for too long.
        Idle = "idle" "闲置超时",
        /// A refresh token came a second time, so it was stolen.
        Reused = "reused" "刷新令牌被重复使用",
        /// By somebody else, or by the person from another session.
        EndedByOther = "ended_by_other" "被他处终止",
        /// The password was changed in another session.
        PasswordChanged = "password_changed" "密码已更改",
        /// The account was disabled.
        AccountDisabled = "account_disabled" "账户已停用",
    }
);

text_enum!(
    /// What a person must do before a session opens anything else.
    Duty {
        /// Set a password of his own: `POST /v1/me/password`.
        ChangePassword = "change_password" "修改密码",
        /// Set up one-time codes: `POST /v1/me/second-factor`.
        SetSecondFactor = "set_second_factor" "设置第二因素",
    }
);

/// Failed log-ins after which an account is locked (GB/T 22239-2019 §8.1.4.1).
const MOST_FAILURES: i32 = 5;
/// For how long.
const LOCKED: TimeDelta = TimeDelta::minutes(15);
/// How long a session may lie idle.
pub const IDLE: TimeDelta = TimeDelta::minutes(30);
/// How long it lasts, however busy.
const LASTS: TimeDelta = TimeDelta::hours(12);
/// How exactly its use is noted.
const NOTED: TimeDelta = TimeDelta::minutes(1);

/// The log-in failed; which part of it is nobody's business.
pub const REFUSED: Refusal = Refusal::new(
    Kind::Unauthenticated,
    "session.refused",
    "用户名、密码或验证码不正确,或账户已停用;连续失败 5 次后账户锁定 15 分钟,其间任何登录都会被拒绝。",
    "User name, password or code is wrong, or the account is disabled; after 5 failures in a row it is locked for 15 minutes, and every log-in refused.",
);
/// The password is right, a code is needed.
pub const CODE_NEEDED: Refusal =
    Refusal::new(Kind::Unauthenticated, "session.code_needed", "请同时提供验证码(code)。", "Give the one-time code as well (code).");
/// A refresh token that renews nothing.
pub const BAD_REFRESH: Refusal =
    Refusal::new(Kind::Unauthenticated, "session.over", "会话已结束或闲置超时,请重新登录。", "The session is over or was idle for too long; log in again.");
/// A refresh token for the second time.
pub const REFRESH_REUSED: Refusal = Refusal::new(
    Kind::Unauthenticated,
    "session.refresh_reused",
    "该刷新令牌已使用过,可能被他人窃取,会话因此结束;请重新登录。",
    "This refresh token was used before, perhaps by a thief, so the session has ended; log in again.",
);
/// The session must be finished first.
pub const UNFINISHED: Refusal = Refusal::new(
    Kind::Forbidden,
    "session.unfinished",
    "请先完成:{duties}(见 /v1/me);完成之前不能进行其他操作。",
    "Do this first: {duties} (see /v1/me); nothing else is open before.",
);
/// Not one's own session.
pub const UNKNOWN: Refusal = Refusal::not_found("session.unknown", "没有该会话,或它不是您的。", "There is no such session, or it is not yours.");

/// A log-in.
#[derive(Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// The user name.
    pub user_name: UserName,
    /// The password.
    #[schema(min_length = 1, max_length = 200, format = Password, example = "Tq8#mZx2!kw")]
    #[validate(length(min = 1, max = 200))]
    pub password: String,
    /// The one-time code, where the account has a second factor.
    #[schema(pattern = "^[0-9]{6}$", max_length = 6, example = "492039")]
    pub code: Option<String>,
}

/// A session as its person sees it.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = session)]
pub struct Session {
    /// Identity.
    pub id: SessionId,
    /// When it began.
    pub created_at: Stamp,
    /// When it was last used, to the minute.
    pub used_at: Stamp,
    /// When it is over, however busy.
    pub expires_at: Stamp,
}

/// A session that was opened or renewed.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Which.
    pub session: SessionId,
    /// Whose.
    pub account: AccountId,
    /// What renews it, once.
    pub refresh_token: String,
    /// When it is over, however busy.
    pub expires_at: Stamp,
    /// What must be done before it opens anything else.
    pub duties: Vec<Duty>,
}

/// What is known of an account at a log-in.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = account)]
struct Door {
    profile: Profile,
    password_changed_at: DateTime<Utc>,
    password_temporary: bool,
    second_factor: Option<Vec<u8>>,
    second_factor_step: i64,
    locked_until: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
}

impl Door {
    fn duties(&self, now: DateTime<Utc>) -> Vec<Duty> {
        let password = self.password_temporary || self.profile.expired(self.password_changed_at, now);
        let factor = self.profile.needs_second_factor() && self.second_factor.is_none();
        [password.then_some(Duty::ChangePassword), factor.then_some(Duty::SetSecondFactor)].into_iter().flatten().collect()
    }
}

/// What becomes of a log-in.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is opened; the step of the code is taken.
    Open(Option<i64>),
    /// The password is right; a code is missing.
    NeedsCode,
    /// It failed, and counts.
    Failed,
    /// Locked or disabled: it does not even count.
    Shut,
}

/// Judges a log-in. `step` tells the step of a code that fits; none where it does not, or was not given.
fn judge(door: &Door, password: bool, code: Option<Option<i64>>, now: DateTime<Utc>) -> Verdict {
    if door.disabled_at.is_some() || door.locked_until.is_some_and(|until| now < until) {
        return Verdict::Shut;
    }
    match (password, door.second_factor.is_some(), code) {
        (false, ..) | (true, true, Some(None)) => Verdict::Failed,
        (true, true, None) => Verdict::NeedsCode,
        (true, true, Some(Some(step))) => Verdict::Open(Some(step)),
        (true, false, _) => Verdict::Open(None),
    }
}

/// Logs a person in.
pub async fn log_in(store: &Store, call: &Call, passwords: &Passwords, cipher: &FieldCipher, log_in: &LogIn) -> Result<Opened> {
    let known: Option<(AccountId, Name, String)> = store
        .browse(call, async |view| {
            let row = account::table.filter(account::user_name.eq(&log_in.user_name)).select((account::id, account::name, account::password_hash));
            Ok(row.first(&mut view.conn()).await.optional()?)
        })
        .await?;
    let good = passwords.check(&log_in.password, known.as_ref().map(|(.., hash)| hash.as_str())).await?;
    let Some((id, name, hash)) = known else {
        tracing::info!(request_id = call.request_id, "a log-in to an account that there is not");
        return Err((&REFUSED).into());
    };
    let call = Call { actor: Actor::new(id.0, name.to_string(), Vec::new()).into(), ..call.clone() };
    // A refusal is kept too, so it is no error of the transaction.
    let verdict = store.write(&call, "session.log_in", async |tx| enter(tx, cipher, id, good, &hash, log_in).await).await?;
    verdict.map_err(Into::into)
}

async fn enter(tx: &Tx<'_>, cipher: &FieldCipher, id: AccountId, good: bool, hash: &str, log_in: &LogIn) -> Result<Result<Opened, &'static Refusal>> {
    let mut conn = tx.conn();
    let (before, door, present): (Account, Door, String) =
        account::table.find(id).select((Account::as_select(), Door::as_select(), account::password_hash)).for_update().first(&mut conn).await?;
    let code = match (&log_in.code, &door.second_factor) {
        (Some(code), Some(sealed)) => Some(second_factor::step(cipher, sealed, code, door.second_factor_step, tx.now)?),
        _ => None,
    };
    // The password was checked before the row was locked: one that was changed in between does not count.
    match judge(&door, good && present == hash, code, tx.now) {
        Verdict::Shut => Ok(Err(&REFUSED)),
        Verdict::NeedsCode => Ok(Err(&CODE_NEEDED)),
        Verdict::Failed => {
            count_failure(tx, id).await?;
            Ok(Err(&REFUSED))
        }
        Verdict::Open(step) => {
            let step = step.unwrap_or(door.second_factor_step);
            let opened = open(tx, id, door.duties(tx.now)).await?;
            let after = diesel::update(account::table.find(id))
                .set((account::failures.eq(0), account::locked_until.eq(None::<DateTime<Utc>>), account::second_factor_step.eq(step)))
                .returning(Account::as_returning())
                .prepared()
                .get_result(&mut conn)
                .await?;
            tx.record("account.logged_in", Some(&before), &after, None)?;
            Ok(Ok(opened))
        }
    }
}

/// Counts a failure of somebody who claims to be the person of an account, which too many of them lock.
pub(crate) async fn count_failure(tx: &Tx<'_>, id: AccountId) -> Result<()> {
    let row = account::table.find(id).select((Account::as_select(), account::failures)).for_update();
    let (before, failures): (Account, i32) = row.first(&mut tx.conn()).await?;
    let lock = failures + 1 >= MOST_FAILURES;
    let until = if lock { Some(tx.now + LOCKED) } else { None };
    let after = diesel::update(account::table.find(id))
        .set((account::failures.eq(if lock { 0 } else { failures + 1 }), account::locked_until.eq(until)))
        .returning(Account::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record(if lock { "account.locked" } else { "account.log_in_failed" }, Some(&before), &after, None)
}

async fn open(tx: &Tx<'_>, account: AccountId, duties: Vec<Duty>) -> Result<Opened> {
    let (id, expires_at) = (SessionId::fresh(), tx.now + LASTS);
    diesel::insert_into(session::table)
        .values((
            session::id.eq(id),
            session::account_id.eq(account),
            session::created_at.eq(tx.now),
            session::used_at.eq(tx.now),
            session::expires_at.eq(expires_at),
        ))
        .prepared()
        .execute(&mut tx.conn())
        .await?;
    let refresh_token = hand_out(tx, id).await?;
    Ok(Opened { session: id, account, refresh_token, expires_at: Stamp(expires_at), duties })
}

async fn hand_out(tx: &Tx<'_>, session: SessionId) -> Result<String> {
    let token = fresh_token("lr_")?;
    diesel::insert_into(refresh_token::table)
        .values((refresh_token::digest.eq(digest(&token)), refresh_token::session_id.eq(session), refresh_token::issued_at.eq(tx.now)))
        .prepared()
        .execute(&mut tx.conn())
        .await?;
    Ok(token)
}

/// Renews a session. The token is good once; one that comes again ends the session, whoever sends it.
pub async fn renew(store: &Store, call: &Call, token: &str) -> Result<Opened> {
    let renewed = store.write(call, "session.renew", async |tx| {
        let mut conn = tx.conn();
        let found = refresh_token::table.find(digest(token)).select((refresh_token::session_id, refresh_token::used_at)).for_update();
        let Some((id, used_at)) = found.first::<(SessionId, Option<DateTime<Utc>>)>(&mut conn).await.optional()? else { return Ok(Err(&BAD_REFRESH)) };
        let Some((holder, door, expires_at)) = alive(tx, id).await? else { return Ok(Err(&BAD_REFRESH)) };
        if used_at.is_some() {
            end(tx, holder, id, EndReason::Reused).await?;
            return Ok(Err(&REFRESH_REUSED));
        }
        diesel::update(refresh_token::table.find(digest(token))).set(refresh_token::used_at.eq(tx.now)).prepared().execute(&mut conn).await?;
        diesel::update(session::table.find(id)).set(session::used_at.eq(tx.now)).prepared().execute(&mut conn).await?;
        let refresh_token = hand_out(tx, id).await?;
        Ok(Ok(Opened { session: id, account: holder, refresh_token, expires_at: Stamp(expires_at), duties: door.duties(tx.now) }))
    });
    renewed.await?.map_err(Into::into)
}

/// Whose session it is, if it is not over.
async fn alive(tx: &Tx<'_>, id: SessionId) -> Result<Option<(AccountId, Door, DateTime<Utc>)>> {
    Ok(session::table
        .inner_join(account::table)
        .filter(session::id.eq(id).and(session::ended_at.is_null()).and(session::expires_at.gt(tx.now)).and(session::used_at.gt(tx.now - IDLE)))
        .filter(account::disabled_at.is_null())
        .select((account::id, Door::as_select(), session::expires_at))
        .first(&mut tx.conn())
        .await
        .optional()?)
}

/// Ends one session of an account.
pub async fn end(tx: &Tx<'_>, holder: AccountId, id: SessionId, reason: EndReason) -> Result<()> {
    let own = session::table.find(id).filter(session::account_id.eq(holder).and(session::ended_at.is_null()));
    let ended = diesel::update(own).set((session::ended_at.eq(tx.now), session::end_reason.eq(reason))).execute(&mut tx.conn()).await?;
    if ended == 0 {
        return Err((&UNKNOWN).into());
    }
    let account = Account::query().filter(account::id.eq(holder)).first(&mut tx.conn()).await?;
    tx.record("account.session_ended", Some(&account), &account, Some(reason.word()))
}

/// Ends all sessions of an account, but one. For a command that journals why.
pub(crate) async fn end_all(tx: &Tx<'_>, holder: AccountId, reason: EndReason, except: Option<SessionId>) -> Result<()> {
    let others = session::account_id.eq(holder).and(session::ended_at.is_null()).and(session::id.ne(except.unwrap_or(SessionId(uuid::Uuid::nil()))));
    diesel::update(session::table.filter(others)).set((session::ended_at.eq(tx.now), session::end_reason.eq(reason))).execute(&mut tx.conn()).await?;
    Ok(())
}

/// The sessions of an account that are not over, the latest first.
pub async fn list(view: &View<'_>, holder: AccountId) -> Result<Vec<Session>> {
    let running = session::account_id.eq(holder).and(session::ended_at.is_null()).and(session::expires_at.gt(view.now));
    let rows = session::table.filter(running.and(session::used_at.gt(view.now - IDLE))).select(Session::as_select()).order(session::id.desc());
    Ok(rows.limit(200).load(&mut view.conn()).await?)
}

/// Who acts in a session: the account, what it must do first, and what its roles permit.
pub(crate) struct Person {
    pub actor: Actor,
    pub account: AccountId,
    pub duties: Vec<Duty>,
    /// Whether its use should be noted.
    pub stale: bool,
}

/// The person of a session that is not over. Two queries, on their way together.
pub(crate) async fn person(view: &View<'_>, powers: &Powers, id: SessionId, holder: AccountId) -> Result<Option<Person>> {
    let now = view.now;
    let door = session::table
        .inner_join(account::table)
        .filter(session::id.eq(id).and(session::account_id.eq(holder)).and(session::ended_at.is_null()).and(session::expires_at.gt(now)))
        .filter(session::used_at.gt(now - IDLE).and(account::disabled_at.is_null()))
        .select((account::name, session::used_at, Door::as_select()));
    let (door, grants) = futures_util::future::try_join(
        async { Ok(door.first::<(Name, DateTime<Utc>, Door)>(&mut view.conn()).await.optional()?) },
        grants(view, powers, holder),
    )
    .await?;
    let Some((name, used_at, door)) = door else { return Ok(None) };
    let actor = Actor::new(holder.0, name.to_string(), grants);
    Ok(Some(Person { actor, account: holder, duties: door.duties(now), stale: used_at + NOTED < now }))
}

/// Notes that a session is being used.
pub(crate) async fn touch(store: &Store, call: &Call, id: SessionId) -> Result<()> {
    let stale = session::table.find(id).filter(session::used_at.lt(call.now - NOTED).and(session::ended_at.is_null()));
    store.write(call, "session.touch", async |tx| Ok(diesel::update(stale).set(session::used_at.eq(tx.now)).execute(&mut tx.conn()).await?)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_is_judged_by_state_password_and_code() {
        let now = "2026-11-24T00:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let open = Door {
            profile: Profile::Mlps3,
            password_changed_at: now,
            password_temporary: false,
            second_factor: None,
            second_factor_step: 0,
            locked_until: None,
            disabled_at: None,
        };
        let factor = Door { second_factor: Some(vec![1]), ..open.clone() };
        assert_eq!(judge(&open, true, None, now), Verdict::Open(None));
        assert_eq!(judge(&open, false, None, now), Verdict::Failed);
        assert_eq!(judge(&factor, true, None, now), Verdict::NeedsCode);
        assert_eq!(judge(&factor, false, None, now), Verdict::Failed, "whether a code is needed is told to those who know the password");
        assert_eq!(judge(&factor, true, Some(None), now), Verdict::Failed);
        assert_eq!(judge(&factor, false, Some(Some(7)), now), Verdict::Failed);
        assert_eq!(judge(&factor, true, Some(Some(7)), now), Verdict::Open(Some(7)));
        let locked = Door { locked_until: Some(now + TimeDelta::seconds(1)), ..open.clone() };
        assert_eq!(judge(&locked, true, None, now), Verdict::Shut);
        assert_eq!(judge(&locked, true, None, now + TimeDelta::seconds(1)), Verdict::Open(None));
        assert_eq!(judge(&Door { disabled_at: Some(now), ..open.clone() }, true, None, now), Verdict::Shut);
        assert_eq!(open.duties(now), [Duty::SetSecondFactor]);
        assert_eq!(Door { password_temporary: true, ..open.clone() }.duties(now), [Duty::ChangePassword, Duty::SetSecondFactor]);
        assert_eq!(Door { profile: Profile::Asvs, ..open }.duties(now + TimeDelta::days(400)), []);
    }
}
