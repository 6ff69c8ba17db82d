//! Passwords: the rules of a profile, and argon2id off the event loop, two at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Error, Fault, Kind, Refusal, Result, text_enum};
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zxcvbn::Score;

text_enum!(
    /// Rules for passwords and log-ins. The two contradict each other (the one demands what the other forbids),
    /// so each account says which are its own.
    Profile {
        /// GB/T 22239-2019 §8.1.4, level 3: mixed characters, a change every 90 days, a second factor.
        Mlps3 = "mlps3" "等保三级",
        /// OWASP ASVS 5 §6.2: long and not guessable, changed only when there is a reason.
        Asvs = "asvs" "ASVS",
    }
);

/// Too few characters.
pub const TOO_SHORT: Refusal =
    Refusal::invalid("password.too_short", "密码至少 {min} 个字符,最多 {max} 个。", "A password has at least {min} characters, and at most {max}.");
/// Too few kinds of characters.
pub const TOO_PLAIN: Refusal = Refusal::invalid(
    "password.too_plain",
    "密码须含大写字母、小写字母、数字、符号中的至少三种。",
    "A password mixes at least three of: capitals, small letters, digits, signs.",
);
/// Known to everybody who guesses.
pub const GUESSABLE: Refusal = Refusal::invalid(
    "password.guessable",
    "该密码过于常见或含有您的用户名、姓名,容易被猜中;请换一个更长、更不规则的。",
    "The password is common or holds your own names, so it is easily guessed; take a longer, less regular one.",
);
/// The same as now.
pub const SAME: Refusal = Refusal::invalid("password.same", "新密码不能与现密码相同。", "The new password must differ from the present one.");
/// Too many at once.
pub const BUSY: Refusal =
    Refusal::new(Kind::Unavailable, "password.busy", "登录请求过多,请稍后重试。", "Too many people are logging in at this moment; try again shortly.");

/// Characters at the most: more would only make hashing slow.
const MOST: usize = 128;
/// Hashes that are worked on at a time: each takes a core and 19 MiB.
const AT_A_TIME: usize = 2;
/// How long a log-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

impl Profile {
    fn fewest(self) -> usize {
        match self {
            Self::Mlps3 => 8,
            Self::Asvs => 12,
        }
    }

    /// How long a password may be used.
    fn longest_use(self) -> Option<TimeDelta> {
        match self {
            Self::Mlps3 => Some(TimeDelta::days(90)),
            Self::Asvs => None,
        }
    }

    /// Whether a log-in without a second factor opens nothing but the setting up of one.
    #[must_use]
    pub fn needs_second_factor(self) -> bool {
        self == Self::Mlps3
    }

    /// Whether a password that was set then must be changed now.
    #[must_use]
    pub fn expired(self, changed_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.longest_use().is_some_and(|longest| now - changed_at > longest)
    }

    /// What is wrong with a password for a person of these names.
    #[must_use]
    pub fn faults(self, password: &str, names: &[&str]) -> Vec<Fault> {
        let length = password.chars().count();
        let mut faults = Vec::new();
        if length < self.fewest() || length > MOST {
            faults.push(TOO_SHORT.with("min", self.fewest()).with("max", MOST).into_fault());
        }
        if self == Self::Mlps3 && kinds(password) < 3 {
            faults.push(kernel::refusal::Refused::from(&TOO_PLAIN).into_fault());
        }
        let holds_a_name = names.iter().any(|name| name.chars().count() > 1 && password.to_lowercase().contains(&name.to_lowercase()));
        if holds_a_name || (length <= MOST && zxcvbn::zxcvbn(password, names).score() < Score::Three) {
            faults.push(kernel::refusal::Refused::from(&GUESSABLE).into_fault());
        }
        faults
    }
}

/// How many of: capitals, small letters, digits, anything else.
fn kinds(password: &str) -> usize {
    let kind = |c: char| {
        if c.is_ascii_uppercase() {
            0
        } else if c.is_ascii_lowercase() {
            1
        } else {
            2 + usize::from(!c.is_ascii_digit())
        }
    };
    let mut found: Vec<_> = password.chars().map(kind).collect();
    found.sort_unstable();
    found.dedup();
    found.len()
}

/// A password that nobody chose, to be handed over and changed at once.
pub fn temporary() -> Result<String> {
    // Without the characters that people mistake for one another; 20 of 52 are 114 bits.
    const SIGNS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz2345";
    let mut text = String::new();
    while text.len() < 23 {
        let mut byte = [0];
        SysRng.try_fill_bytes(&mut byte).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        // Bytes beyond a whole number of alphabets would favour its beginning.
        let sign =
            byte.first().map(|byte| usize::from(*byte)).filter(|byte| *byte < 256 / SIGNS.len() * SIGNS.len()).and_then(|byte| SIGNS.get(byte % SIGNS.len()));
        if let Some(sign) = sign {
            text.push(char::from(*sign));
            if text.len() % 6 == 5 && text.len() < 23 {
                text.push('-');
            }
        }
    }
    Ok(text)
}

/// Hashes and checks passwords, a few at a time; the same for all threads of a process.
#[derive(Clone)]
pub struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }
}

/// A hash that no password has: checked where there is no account, so that the answer takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGlubGktbm9ib2R5LWhlcmU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Passwords {
    /// The hash of a password, with its salt and parameters.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        let hash = self.work(move || argon2().hash_password(password.as_bytes()).map(|hash| hash.to_string())).await?;
        hash.map_err(|error| Error::Internal(format!("password: {error}")))
    }

    /// Whether a password belongs to a hash; takes as long where there is none.
    pub async fn check(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let (password, known) = (password.to_owned(), hash.is_some());
        let hash = hash.unwrap_or(NOBODY).to_owned();
        let good = self.work(move || PasswordVerifier::<str>::verify_password(&argon2(), password.as_bytes(), &hash).is_ok()).await?;
        Ok(good && known)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = timeout(PATIENCE, Arc::clone(&self.0).acquire_owned()).await.map_err(|_| Error::from(&BUSY))?;
        let turn = turn.map_err(|error| Error::Internal(error.to_string()))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|error| Error::Internal(error.to_string()))
    }
}

/// As OWASP advises: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(profile: Profile, password: &str) -> Vec<&'static str> {
        profile.faults(password, &["wangfang", "王芳"]).into_iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn each_profile_has_its_own_rules() {
        assert_eq!(codes(Profile::Mlps3, "Tq8#mZx2!kw"), Vec::<&str>::new());
        assert_eq!(codes(Profile::Asvs, "correct lamp orbit seven"), Vec::<&str>::new(), "length is enough");
        assert_eq!(codes(Profile::Mlps3, "correct lamp orbit seven"), ["password.too_plain"]);
        assert_eq!(codes(Profile::Mlps3, "Ab1!"), ["password.too_short", "password.guessable"]);
        assert_eq!(codes(Profile::Asvs, "Password1234!"), ["password.guessable"]);
        assert_eq!(codes(Profile::Asvs, "Wangfang-xk39-Qm"), ["password.guessable"]);
        assert_eq!(codes(Profile::Asvs, "王芳-xk39-Qm-77b-zz"), ["password.guessable"]);
        assert_eq!(codes(Profile::Asvs, &"xk39Qm77".repeat(17)), ["password.too_short"]);
        let day = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert!(Profile::Mlps3.expired(day("2026-01-01T00:00:00Z"), day("2026-04-02T00:00:00Z")));
        assert!(!Profile::Mlps3.expired(day("2026-01-01T00:00:00Z"), day("2026-03-31T00:00:00Z")));
        assert!(!Profile::Asvs.expired(day("2016-01-01T00:00:00Z"), day("2026-01-01T00:00:00Z")));
    }

    #[test]
    fn a_temporary_password_keeps_both_profiles() {
        let password = temporary().unwrap();
        assert_eq!((password.len(), codes(Profile::Mlps3, &password), codes(Profile::Asvs, &password)), (23, vec![], vec![]), "{password}");
        assert_ne!(temporary().unwrap(), password);
    }

    #[tokio::test]
    async fn a_password_belongs_to_its_hash_alone() {
        let passwords = Passwords::default();
        let hash = passwords.hash("Tq8#mZx2!kw").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.check("Tq8#mZx2!kw", Some(&hash)).await.unwrap());
        assert!(!passwords.check("Tq8#mZx2!kW", Some(&hash)).await.unwrap());
        assert!(!passwords.check("", None).await.unwrap());
        assert!(argon2::PasswordHash::new(NOBODY).is_ok(), "or the check for nobody would be quick");
    }
}
