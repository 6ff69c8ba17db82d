//! Who a bearer of a key or a token is: looked up, and remembered for a second at the most, so that the end of a
//! key, a session, an account or a role takes effect on every replica within that second.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kernel::manifest::Powers;
use kernel::{Actor, Call, Db, Error, Grant, Kind, Refusal, Result};
use sha2::{Digest, Sha256};

use crate::account::AccountId;
use crate::api_key::{self, ApiKey};
use crate::session::{self, Duty, SessionId};
use crate::signing_key::Keys;
use crate::token::{BAD_TOKEN, Claims};

/// For how long an identity that was found is taken for good; the longest that an end takes to arrive.
const TRUST: Duration = Duration::from_secs(1);
/// Identities remembered at the most.
const REMEMBERED: usize = 10_000;

/// No key and no token.
pub const MISSING: Refusal = Refusal::new(
    Kind::Unauthenticated,
    "access.key_missing",
    "请在请求头中提供密钥或访问令牌:Authorization: Bearer …",
    "Give your key or access token in the header: Authorization: Bearer …",
);
/// Only a person can do this.
pub const NOT_A_PERSON: Refusal =
    Refusal::new(Kind::Forbidden, "access.not_a_person", "此操作仅供登录的工作人员使用,不能使用密钥。", "This is for people who have logged in, not for keys.");

/// Who calls.
#[derive(Debug)]
pub struct Identity {
    /// What he may do, and where.
    pub actor: Arc<Actor>,
    /// Of a person who has logged in.
    pub person: Option<Presence>,
}

/// A person who has logged in.
#[derive(Debug)]
pub struct Presence {
    /// His account.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
    /// What he must do before anything else.
    pub duties: Vec<Duty>,
}

type Remembered = HashMap<[u8; 32], (Instant, Arc<Identity>)>;

/// Finds out who calls; the same for all threads of a process.
#[derive(Clone)]
pub struct Identities {
    keys: Keys,
    powers: Powers,
    remembered: Arc<Mutex<Remembered>>,
}

impl Identities {
    /// Identities by these signing keys, with roles of these powers.
    #[must_use]
    pub fn new(keys: Keys, powers: Powers) -> Self {
        Self { keys, powers, remembered: Arc::default() }
    }

    /// Who holds this key or token. `asking` is whoever asks before he is known.
    pub async fn find(&self, db: &Db, asking: &Call, bearer: &str) -> Result<Arc<Identity>> {
        let digest: [u8; 32] = Sha256::digest(bearer).into();
        if let Some(identity) = self.recall(&digest) {
            return Ok(identity);
        }
        let identity = Arc::new(match bearer.starts_with(api_key::PREFIX) {
            true => Identity { actor: Arc::new(actor(db.read(asking, async |view| api_key::find(view, bearer).await).await?, None)), person: None },
            false => self.of_token(db, asking, bearer).await?,
        });
        self.remember(digest, &identity);
        Ok(identity)
    }

    async fn of_token(&self, db: &Db, asking: &Call, token: &str) -> Result<Identity> {
        let claims = Claims::read(token, &self.keys, db, asking).await?;
        let Some(session) = claims.sid.map(SessionId) else {
            let key = db.read(asking, async |view| api_key::in_force(view, claims.sub.into()).await).await?.ok_or(&BAD_TOKEN)?;
            return Ok(Identity { actor: Arc::new(actor(key, claims.scope.as_deref())), person: None });
        };
        let person = db.read(asking, async |view| session::person(view, &self.powers, session, claims.sub.into()).await).await?;
        let person = person.ok_or_else(|| Error::from(&BAD_TOKEN))?;
        if person.stale
            && let Err(error) = session::touch(db, asking, session).await
        {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
        Ok(Identity { actor: Arc::new(person.actor), person: Some(Presence { account: person.account, session, duties: person.duties }) })
    }

    fn recall(&self, digest: &[u8; 32]) -> Option<Arc<Identity>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(digest).filter(|(since, _)| since.elapsed() < TRUST).map(|(_, identity)| Arc::clone(identity))
    }

    fn remember(&self, digest: [u8; 32], identity: &Arc<Identity>) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.retain(|_, (since, _)| since.elapsed() < TRUST);
        }
        if remembered.len() < REMEMBERED {
            remembered.insert(digest, (Instant::now(), Arc::clone(identity)));
        }
    }
}

/// A client as its key permits, or as little of that as it asked for.
fn actor(key: ApiKey, scope: Option<&str>) -> Actor {
    let whole = key.grant();
    let permissions = match scope {
        None => whole.permissions,
        Some(asked) => asked.split(' ').filter(|name| whole.has(name)).map(|name| Cow::Owned(name.to_owned())).collect(),
    };
    Actor::new(key.id.0, key.name.to_string(), vec![Grant { permissions, ..whole }])
}
