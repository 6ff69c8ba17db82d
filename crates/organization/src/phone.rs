//! Phones of people: how they are checked, kept and shown. A refusal never quotes one.

use kernel::Refusal;
use kernel::personal::{MASKED, Personal, STAR, starred};
use kernel::refusal::Refused;

/// Neither a mobile nor a landline number.
pub const NOT_A_PHONE: Refusal = Refusal::invalid(
    "person.not_a_phone",
    "电话须为1开头的11位手机号码,或带区号的固定电话,如 0713-2912345。",
    "A phone is a mobile number of 11 digits that begins with 1, or a landline with its area code, such as 0713-2912345.",
);

/// The phone of a person. Its kept form is its digits.
pub const PHONE: Personal = Personal { purpose: "person.phone", beside: None, read: |text, _| read(text), mask: |digits| starred(digits, 3, 4) };

/// Checks a phone, and puts it into the form that is kept. Segments are not looked up: lists of them go stale.
fn read(text: &str) -> Result<String, Refused> {
    if text.contains(STAR) {
        return Err((&MASKED).into());
    }
    let text: String = text.chars().filter(|sign| !sign.is_whitespace() && !['-', '(', ')', '(', ')'].contains(sign)).collect();
    let digits = text.strip_prefix("+86").or_else(|| text.strip_prefix("0086")).unwrap_or(&text);
    let digits = digits.strip_prefix("86").filter(|rest| rest.len() == 11).unwrap_or(digits);
    let mobile = digits.starts_with('1') && digits.len() == 11;
    let landline = digits.starts_with('0') && (10..=12).contains(&digits.len());
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && (mobile || landline) { Ok(digits.to_owned()) } else { Err((&NOT_A_PHONE).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_phone_has_one_form() {
        for text in ["12012345678", "+86 120-1234-5678", "8612012345678", "008612012345678", " 12012345678 "] {
            assert_eq!(read(text).unwrap(), "12012345678", "{text}");
        }
        assert_eq!(read("0713-2912345").unwrap(), "07132912345");
        assert_eq!((PHONE.mask)("12012345678"), "120****5678");
        assert_eq!((PHONE.mask)("07132912345"), "071****2345");
    }

    #[test]
    fn what_is_no_phone_is_refused() {
        for text in ["", "1201234567", "120123456789", "22012345678", "一二〇", "120l2345678", "１２０12345678"] {
            assert_eq!(read(text).unwrap_err().refusal.code, "person.not_a_phone", "{text}");
        }
        assert_eq!(read("120****5678").unwrap_err().refusal.code, "personal.masked");
    }
}
