//! One-time codes as a second factor (TOTP, RFC 6238): six digits, thirty seconds, each taken once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::cipher::FieldCipher;
use kernel::{Error, Prepare, Refusal, Result, Tx};
use rand::TryRng;
use rand::rngs::SysRng;
use schema::account;
use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Secret, Totp};
use utoipa::ToSchema;
use validator::Validate;

use crate::account::{Account, AccountId};

/// What the secrets are sealed for.
pub(crate) const PURPOSE: &str = "account.second_factor";
/// Bytes of a secret, as RFC 4226 advises.
const SECRET_BYTES: usize = 20;
/// Who issues the codes, as the authenticator app shows it.
const ISSUER: &str = "Linli";

/// The code does not fit.
pub const WRONG_CODE: Refusal = Refusal::invalid(
    "second_factor.wrong_code",
    "验证码不正确或已使用过;请等待下一个验证码,并检查手机时间。",
    "The code is wrong or was used; wait for the next one, and check the clock of your phone.",
);
/// Nothing to confirm.
pub const NOT_BEGUN: Refusal = Refusal::conflict("second_factor.not_begun", "请先申请新的第二因素密钥。", "Ask for a new secret first.");

/// A secret to be put into an authenticator app; it is shown once.
#[derive(Serialize, ToSchema)]
pub struct SecondFactorSecret {
    /// The secret in base32, to be typed.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    pub secret: String,
    /// The same as a URI, to be shown as a QR code.
    #[schema(example = "otpauth://totp/Linli:wang.fang?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Linli")]
    pub uri: String,
}

/// A code that shows that the app has the secret.
#[derive(Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeConfirmation {
    /// The six digits that the app shows.
    #[schema(pattern = "^[0-9]{6}$", max_length = 6, example = "492039")]
    pub code: String,
}

/// The generator of a secret's codes: the one of this moment and those beside it.
fn totp(secret: &[u8], user_name: &str) -> Result<Totp> {
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(30);
    let builder = builder.with_secret(Secret::from(secret.to_vec())).with_account_name(user_name).with_issuer(Some(ISSUER));
    builder.build().map_err(|error| Error::Internal(format!("second factor: {error}")))
}

/// The time step of a code, if it fits and lies after the last one that was taken.
pub(crate) fn step(cipher: &FieldCipher, sealed: &[u8], code: &str, last: i64, now: DateTime<Utc>) -> Result<Option<i64>> {
    let totp = totp(&cipher.open(PURPOSE, sealed)?, "-")?;
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let step = totp.check(code, seconds).and_then(|step| i64::try_from(step).ok());
    Ok(step.filter(|step| *step > last))
}

/// Makes a secret for the caller's own account. It counts once a code has confirmed it.
pub async fn begin(tx: &Tx<'_>, cipher: &FieldCipher, holder: AccountId) -> Result<SecondFactorSecret> {
    let before: Account = Account::query().filter(account::id.eq(holder)).for_update().first(&mut tx.conn()).await?;
    let mut secret = [0; SECRET_BYTES];
    SysRng.try_fill_bytes(&mut secret).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
    let totp = totp(&secret, before.user_name.as_str())?;
    let sealed = cipher.seal(PURPOSE, &secret)?;
    let after = diesel::update(account::table.find(holder))
        .set((account::second_factor_pending.eq(sealed), account::version.eq(before.version + 1), account::updated_at.eq(tx.now)))
        .returning(Account::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("account.second_factor_begun", Some(&before), &after, None)?;
    let uri = totp.to_url().map_err(|error| Error::Internal(format!("second factor: {error}")))?;
    Ok(SecondFactorSecret { secret: totp.secret().to_base32(), uri })
}

/// Makes the secret that was begun the second factor, shown by a code of it.
pub async fn confirm(tx: &Tx<'_>, cipher: &FieldCipher, holder: AccountId, code: &str) -> Result<Account> {
    let before: Account = Account::query().filter(account::id.eq(holder)).for_update().first(&mut tx.conn()).await?;
    let pending: Option<Vec<u8>> = account::table.find(holder).select(account::second_factor_pending).first(&mut tx.conn()).await?;
    let pending = pending.ok_or(&NOT_BEGUN)?;
    let step = step(cipher, &pending, code, 0, tx.now)?.ok_or_else(|| WRONG_CODE.at("/code"))?;
    let confirmed = (account::second_factor.eq(pending), account::second_factor_pending.eq(None::<Vec<u8>>), account::second_factor_step.eq(step));
    let after = diesel::update(account::table.find(holder))
        .set((confirmed, account::version.eq(before.version + 1), account::updated_at.eq(tx.now)))
        .returning(Account::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("account.second_factor_set", Some(&before), &after, None)?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::cipher::{Algorithm, fresh_key};

    #[test]
    fn a_code_is_good_for_its_moment_and_once() {
        // RFC 6238, appendix B: the secret of the test vectors, at 59 seconds, six digits.
        let cipher = FieldCipher::new(Algorithm::default(), &fresh_key().unwrap(), []).unwrap();
        let sealed = cipher.seal(PURPOSE, b"12345678901234567890").unwrap();
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let step = |code: &str, last, seconds| step(&cipher, &sealed, code, last, at(seconds)).unwrap();
        assert_eq!(step("287082", 0, 59), Some(1));
        assert_eq!(step("287082", 0, 89), Some(1), "a slow typist");
        assert_eq!(step("287082", 0, 121), None, "too late");
        assert_eq!(step("287082", 1, 59), None, "taken before");
        assert_eq!((step("287083", 0, 59), step("", 0, 59), step("2870820", 0, 59)), (None, None, None));
    }
}
