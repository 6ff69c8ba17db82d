//! Refusals: what Linli says when it will not do a thing.
//!
//! A [`Refusal`] is a constant beside the rule that uses it: a kind, a stable code, and one sentence in each
//! language that tells a person what to mend. `{name}` in a sentence is filled in by [`Refusal::with`].

use std::borrow::Cow;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A result whose error is a refusal or a failure.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why, in the broad sense: each kind is one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 400: not understood.
    Malformed,
    /// 401: who are you?
    Unauthenticated,
    /// 403: you may not.
    Forbidden,
    /// 404: not there, or not yours to see.
    NotFound,
    /// 405: not in this way.
    MethodNotAllowed,
    /// 408: too slow.
    TimedOut,
    /// 409: its state forbids it.
    Conflict,
    /// 412: it has changed since you looked.
    Stale,
    /// 413: too large.
    TooLarge,
    /// 415: not in this form.
    Unsupported,
    /// 416: not a part of it.
    OutOfRange,
    /// 422: understood, and refused.
    Invalid,
    /// 428: say which version you mean.
    VersionMissing,
    /// 429: not so fast.
    TooMany,
    /// 500: our fault.
    Internal,
    /// 503: not now.
    Unavailable,
}

/// One way of being refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status it becomes.
    pub kind: Kind,
    /// Stable and unique: `grid.code_taken`.
    pub code: &'static str,
    /// The sentence in Chinese.
    pub zh: &'static str,
    /// The sentence in English.
    pub en: &'static str,
}

impl Refusal {
    /// A refusal of any kind.
    #[must_use]
    pub const fn new(kind: Kind, code: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { kind, code, zh, en }
    }

    /// 404.
    #[must_use]
    pub const fn not_found(code: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self::new(Kind::NotFound, code, zh, en)
    }

    /// 409.
    #[must_use]
    pub const fn conflict(code: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self::new(Kind::Conflict, code, zh, en)
    }

    /// 422.
    #[must_use]
    pub const fn invalid(code: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self::new(Kind::Invalid, code, zh, en)
    }

    /// The refusal with a value for `{name}`.
    #[must_use]
    pub fn with(&'static self, name: &'static str, value: impl ToString) -> Refused {
        Refused::from(self).with(name, value)
    }

    /// The refusal as the fault of one member of a body (`/code`), of one query parameter or of one column.
    #[must_use]
    pub fn at(&'static self, pointer: impl Into<String>) -> Refused {
        Refused::from(self).at(pointer)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.en)
    }
}

impl std::error::Error for Refusal {}

/// A refusal in one case: with its values, and with every fault where there are several.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Which.
    pub refusal: &'static Refusal,
    /// The member at fault, where it is one.
    pub pointer: Option<String>,
    /// All faults of the body, where the refusal is about more than one thing.
    pub faults: Vec<Fault>,
    values: Vec<(&'static str, String)>,
}

impl Refused {
    /// Adds a value for `{name}`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// Adds the faults.
    #[must_use]
    pub fn faults(mut self, faults: Vec<Fault>) -> Self {
        self.faults = faults;
        self
    }

    /// The sentence in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        self.fill(self.refusal.zh)
    }

    /// The sentence in English.
    #[must_use]
    pub fn en(&self) -> String {
        self.fill(self.refusal.en)
    }

    fn fill(&self, sentence: &'static str) -> String {
        let mut text = Cow::Borrowed(sentence);
        for (name, value) in &self.values {
            text = text.replace(&format!("{{{name}}}"), value).into();
        }
        text.into_owned()
    }

    /// The refusal as one fault among others.
    #[must_use]
    pub fn into_fault(self) -> Fault {
        Fault { pointer: self.pointer.clone().unwrap_or_default(), code: self.refusal.code, zh: self.zh(), en: self.en() }
    }
}

impl From<&'static Refusal> for Refused {
    fn from(refusal: &'static Refusal) -> Self {
        Self { refusal, pointer: None, faults: Vec::new(), values: Vec::new() }
    }
}

/// One fault of a body, a query or a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: a JSON pointer, a query parameter, a column.
    pub pointer: String,
    /// The stable code.
    pub code: &'static str,
    /// What to mend, in Chinese.
    pub zh: String,
    /// What to mend, in English.
    pub en: String,
}

/// Why a call did not do what it was asked.
#[derive(Debug)]
pub enum Error {
    /// It was refused, and the caller can do something about it.
    Refused(Box<Refused>),
    /// The database failed; what it said is for the log alone.
    Database(DieselError),
    /// Something else of ours failed; the text is for the log alone.
    Internal(String),
}

/// Postgres cannot be reached.
pub const DATABASE_AWAY: Refusal =
    Refusal::new(Kind::Unavailable, "database.away", "数据库暂时无法连接,请稍后重试。", "The database cannot be reached at the moment; try again shortly.");
/// A query ran into its time limit, or waited too long for a lock.
pub const DATABASE_SLOW: Refusal = Refusal::new(Kind::Unavailable, "database.busy", "处理超时,请稍后重试。", "The work took too long; try again shortly.");
/// The connection broke while the work was being committed.
pub const OUTCOME_UNKNOWN: Refusal = Refusal::new(
    Kind::Unavailable,
    "database.outcome_unknown",
    "提交时连接中断,无法确定是否已保存;请用相同的 Idempotency-Key 重试或先查询。",
    "The connection broke during the commit, so it may or may not be saved; repeat with the same Idempotency-Key, or look first.",
);

impl Error {
    /// Whether the connection was lost, so that the same work may be tried on another.
    #[must_use]
    pub fn lost_connection(&self) -> bool {
        match self {
            Self::Database(DieselError::DatabaseError(DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection, _)) => true,
            Self::Database(DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)) => {
                info.message().starts_with("terminating connection") || info.message().starts_with("the database system is")
            }
            _ => false,
        }
    }

    /// Whether Postgres undid the work because it clashed with other work, so that it may be tried again whole.
    #[must_use]
    pub fn clashed(&self) -> bool {
        match self {
            Self::Database(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            // diesel-async hides SQLSTATE 40P01; its text stands still under lc_messages=C.
            Self::Database(DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)) => info.message() == "deadlock detected",
            _ => false,
        }
    }

    /// The command met what it could not see when it looked: it is run again, whole, and sees it. The text is for the log.
    #[must_use]
    pub fn again(met: &str) -> Self {
        Self::Database(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, Box::new(met.to_owned())))
    }

    /// The refusal that a failure of the database amounts to for the caller, where it does.
    #[must_use]
    pub fn refused(self) -> Self {
        if self.lost_connection() {
            return (&DATABASE_AWAY).into();
        }
        match &self {
            Self::Database(DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)) if info.message().starts_with("canceling statement due to") => {
                (&DATABASE_SLOW).into()
            }
            _ if self.clashed() => (&DATABASE_SLOW).into(),
            _ => self,
        }
    }

    /// The refusal's code, if it is one.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refused) => Some(refused.refusal.code),
            _ => None,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl From<&'static Refusal> for Error {
    fn from(refusal: &'static Refusal) -> Self {
        Refused::from(refusal).into()
    }
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refused) => {
                write!(f, "{}: {}", refused.refusal.code, refused.en())?;
                refused.faults.iter().try_for_each(|fault| write!(f, "; {}: {}", fault.pointer, fault.en))
            }
            Self::Database(error) => write!(f, "database: {error}"),
            Self::Internal(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

/// Turns the violation of a named constraint into the refusal that the rule behind it means.
pub trait OnConstraint<T> {
    /// If `constraint` was violated, the error is `refusal`.
    fn on_constraint(self, constraint: &str, refusal: impl Into<Refused>) -> Result<T>;
}

impl<T, E: Into<Error>> OnConstraint<T> for Result<T, E> {
    fn on_constraint(self, constraint: &str, refusal: impl Into<Refused>) -> Result<T> {
        self.map_err(|error| match error.into() {
            Error::Database(DieselError::DatabaseError(_, info)) if info.constraint_name() == Some(constraint) => refusal.into().into(),
            other => other,
        })
    }
}
