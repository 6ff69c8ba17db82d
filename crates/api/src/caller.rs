//! Who calls: authenticated, and the handler's only way to the database.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use kernel::cipher::FieldCipher;
use kernel::manifest::Powers;
use kernel::{Actor, AreaCode, Call, Db, Error, Kind, Page, Paging, Refusal, Result, Tx, View, clock};
use platform::account::AccountId;
use platform::blob::Blobs;
use platform::event::watch::Watch;
use platform::file::media::Limits;
use platform::idempotency::{self, Answered};
use platform::identity::{Identities, Identity, MISSING, NOT_A_PERSON};
use platform::password::{Passwords, Profile};
use platform::secret::Secret;
use platform::session::{SessionId, UNFINISHED};
use platform::signing_key::Keys;
use platform::webhook::courier::Courier;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::body::BodyDigest;
use crate::bundle::Turns;
use crate::passage::Passage;
use crate::problem::{Language, Problem};
use crate::query::{PageParams, Query, SortParam};
use crate::reply::{Answer, List, Reply, WriteReply, Written};

/// An `Idempotency-Key` that cannot be one.
pub const BAD_IDEMPOTENCY_KEY: Refusal = Refusal::new(
    Kind::Malformed,
    "idempotency.bad_key",
    "Idempotency-Key 须为1至64个可见的 ASCII 字符。",
    "Idempotency-Key must be 1 to 64 visible ASCII characters.",
);

/// Paths of what people do to their own accounts.
const OWN: &str = "/v1/me";

/// What a worker thread shares among its requests.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub db: Db,
    /// Who the bearers of keys and tokens are.
    pub identities: Identities,
    /// Keys that sign tokens.
    pub keys: Keys,
    /// Hashes passwords, a few at a time.
    pub passwords: Passwords,
    /// Seals secrets.
    pub cipher: FieldCipher,
    /// What each role permits.
    pub powers: Powers,
    /// Rules for passwords of new accounts.
    pub profile: Profile,
    /// Hears of events on behalf of those who wait for some.
    pub events: Watch,
    /// Posts to webhooks.
    pub courier: Courier,
    /// Signs cursors.
    pub cursor_secret: Secret,
    /// The city that this deployment serves.
    pub city: AreaCode,
    /// Whose turn it is to import a bundle.
    pub bundles: Turns,
    /// Bytes of an import.
    pub max_import_bytes: u64,
    /// Bytes of an import that is answered at once.
    pub import_inline_bytes: u64,
    /// The content of files.
    pub blobs: Blobs,
    /// What files may be.
    pub file_limits: Limits,
}

impl Services {
    /// The call of whoever asks before he is known: he may do nothing.
    #[must_use]
    pub fn nobody(&self, request_id: &str) -> Call {
        let now = clock::now();
        let actor = Arc::new(Actor::new(Uuid::nil(), "visitor".to_owned(), Vec::new()));
        Call { actor, now, as_of: clock::day(now), request_id: request_id.to_owned(), city: self.city.clone() }
    }
}

/// Who calls.
pub struct Caller {
    services: web::Data<Services>,
    call: Call,
    request: HttpRequest,
    identity: Arc<Identity>,
}

/// Somebody who has not said who he is: of the few operations that need no key.
pub struct Visitor {
    services: web::Data<Services>,
    call: Call,
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // The frame has taken the request from the allowance of its address.
        ready(Self::of(request).map(|(visitor, _)| visitor))
    }
}

impl Visitor {
    fn of(request: &HttpRequest) -> Result<(Self, Rc<Passage>), Problem> {
        let services = request.app_data::<web::Data<Services>>().cloned().ok_or_else(|| Problem::from(Error::Internal("no services".to_owned())))?;
        let passage = Passage::of(request).ok_or_else(|| Problem::from(Error::Internal("no frame".to_owned())))?;
        let call = services.nobody(&passage.request_id);
        Ok((Self { services, call }, passage))
    }

    /// What the threads' requests share.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// When, and by which request.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }
}

/// A person who has logged in, about his own account.
pub struct Person {
    /// He as a caller.
    pub caller: Caller,
    /// His account.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
}

impl FromRequest for Person {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        Box::pin(async move {
            let caller = caller.await?;
            let (account, session) = caller.identity.person.as_ref().map(|person| (person.account, person.session)).ok_or(&NOT_A_PERSON)?;
            Ok(Self { caller, account, session })
        })
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (Visitor { services, mut call }, passage) = Visitor::of(&request)?;
            let header = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok()).unwrap_or_default();
            let bearer = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, bearer)| bearer.trim());
            let found = match bearer.filter(|bearer| !bearer.is_empty()) {
                Some(bearer) => services.identities.find(&services.db, &call, bearer).await,
                None => Err((&MISSING).into()),
            };
            let identity = found.map_err(|error| passage.turn_away(error))?;
            passage.admit(&identity.actor)?;
            let duties = identity.person.as_ref().map_or(&[][..], |person| &person.duties);
            // What a person must do first, he does to his own account; nothing else is open before.
            if !duties.is_empty() && !request.path().starts_with(OWN) {
                let duties = duties.iter().map(|duty| duty.word()).collect::<Vec<_>>().join(", ");
                return Err(UNFINISHED.with("duties", duties).into());
            }
            call.actor = Arc::clone(&identity.actor);
            let caller = Self { services, call, request, identity };
            // Also where the work is safe to repeat without it, a key that cannot be one is a fault of the caller's.
            if caller.request.method() != Method::GET {
                caller.idempotency_key()?;
            }
            Ok(caller)
        })
    }
}

impl Caller {
    /// The language that the caller reads.
    #[must_use]
    pub fn language(&self) -> Language {
        Language::wanted(self.request.headers().get("accept-language"))
    }

    /// What the threads' requests share.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Who calls, as he was found.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Who calls, when, and about which day.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The same caller, asked again who he is and what he may do: for requests that wait.
    pub async fn anew(&self) -> Reply<Self> {
        Self::extract(&self.request).await
    }

    /// The same, asking about another day.
    #[must_use]
    pub fn as_of(mut self, day: Option<chrono::NaiveDate>) -> Self {
        self.call.as_of = day.unwrap_or(self.call.as_of);
        self
    }

    /// A short read of a typed query.
    pub async fn read<R>(&self, work: impl AsyncFn(&View<'_>) -> Result<R>) -> Reply<R> {
        Ok(self.services.db.read(&self.call, work).await?)
    }

    /// A read that may take long, on a connection of its own.
    pub async fn browse<R>(&self, work: impl AsyncFn(&View<'_>) -> Result<R>) -> Reply<R> {
        Ok(self.services.db.browse(&self.call, work).await?)
    }

    /// Statistics, which may be of a moment ago.
    pub async fn report<R>(&self, work: impl AsyncFn(&View<'_>) -> Result<R>) -> Reply<R> {
        Ok(self.services.db.report(&self.call, work).await?)
    }

    /// A read of one instant, however long it takes and perhaps of a moment ago.
    pub async fn snapshot<R>(&self, work: impl AsyncFn(&View<'_>) -> Result<R>) -> Reply<R> {
        Ok(self.services.db.snapshot(&self.call, work).await?)
    }

    /// A page of a list that has codes and names to sort by.
    pub async fn list<F: DeserializeOwned + 'static, T>(
        self,
        filter: Query<F>,
        work: impl AsyncFn(&View<'_>, &F, &Paging) -> Result<Page<T>>,
    ) -> Reply<List<T>> {
        let sort: Query<SortParam> = Query::extract(&self.request).await?;
        self.page(sort.sort, async |view, paging| work(view, &filter, paging).await).await
    }

    /// A page of a list that has one order.
    pub async fn page<T>(mut self, sort: Option<kernel::page::Sort>, work: impl AsyncFn(&View<'_>, &Paging) -> Result<Page<T>>) -> Reply<List<T>> {
        let page: Query<PageParams> = Query::extract(&self.request).await?;
        if let Some(limit) = page.limit.filter(|limit| !(1..=crate::query::MOST_ASKED).contains(limit)) {
            return Err(crate::query::BAD_PARAMETER.at("limit").with("name", format!("limit={limit}")).into());
        }
        let secret = self.services.cursor_secret.read(&self.services.db, &self.call).await?;
        let paging = Paging::new(page.limit, page.after.clone(), page.include_total.unwrap_or(false), sort, secret);
        // The cursor pins the day, so that a list walked over midnight speaks of one day.
        let pinned = paging.pinned_day()?;
        if pinned.is_some_and(|pinned| page.as_of.is_some_and(|asked| asked != pinned)) {
            return Err(Paging::broken().into());
        }
        self.call.as_of = pinned.or(page.as_of).unwrap_or(self.call.as_of);
        Ok(List(self.services.db.browse(&self.call, async |view| work(view, &paging).await).await?))
    }

    /// A command: one transaction, journalled, and done once for an `Idempotency-Key`.
    pub async fn write<R: Answer>(&self, name: &'static str, work: impl AsyncFn(&Tx<'_>) -> Result<R>) -> WriteReply<R> {
        let key = self.idempotency_key()?;
        let digest = key.map(|_| self.request_digest());
        let done = self.services.db.write(&self.call, name, async |tx| {
            let (Some(key), Some(digest)) = (key, &digest) else { return work(tx).await.map(Written::Now) };
            if let Some(before) = idempotency::claim(tx, key, digest).await? {
                return Ok(Written::Before(before, PhantomData));
            }
            let answer = work(tx).await?;
            if answer.kept() {
                idempotency::keep(tx, key, digest, &self.answered(&answer)?).await?;
            }
            Ok(Written::Now(answer))
        });
        Ok(done.await?)
    }

    fn idempotency_key(&self) -> Result<Option<&str>> {
        let Some(header) = self.request.headers().get("idempotency-key") else { return Ok(None) };
        // The draft standard quotes the key, most clients do not.
        let key = header.to_str().unwrap_or_default().trim();
        let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
        let fits = (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Some(key)) } else { Err(BAD_IDEMPOTENCY_KEY.at("Idempotency-Key").into()) }
    }

    fn request_digest(&self) -> Vec<u8> {
        let body = self.request.extensions().get::<BodyDigest>().cloned().map(|digest| digest.0).unwrap_or_default();
        let line = format!("{} {}?{}\n", self.request.method(), self.request.path(), self.request.query_string());
        Sha256::new().chain_update(line).chain_update(body).finalize().to_vec()
    }

    fn answered<R: Answer>(&self, answer: &R) -> Result<Answered> {
        Ok(Answered {
            status: i16::try_from(answer.status().as_u16()).unwrap_or(i16::MAX),
            location: answer.location(self.request.path()),
            body: answer.body().map_err(|error| Error::Internal(error.to_string()))?,
        })
    }
}
