//! Unified social credit codes (统一社会信用代码, GB 32100-2015): what companies and institutions are registered under.

use kernel::{Refusal, text_type};

/// The characters of the code, each worth its place: no I, O, S, V, Z.
const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
/// What the first seventeen characters weigh in the check digit: powers of three, modulo 31.
const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// A text that is no unified social credit code, by its form or by its check digit.
pub const NOT_A_CREDIT_CODE: Refusal = Refusal::invalid(
    "credit_code.wrong",
    "统一社会信用代码有误:应为18位数字和大写字母(不含 I、O、S、V、Z),第3至8位为数字,末位为校验码;请与营业执照核对。",
    "The unified social credit code is wrong: 18 digits and capital letters (none of I, O, S, V, Z), the third to the eighth digits, the last a check digit; compare it with the licence.",
);

/// The check digit of the first seventeen characters; none where one of them has no place in a code.
#[must_use]
pub fn check_digit(first: &str) -> Option<char> {
    let values: Option<Vec<usize>> = first.chars().map(|character| ALPHABET.find(character)).collect();
    let values = values.filter(|values| values.len() == WEIGHTS.len())?;
    let sum: usize = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    ALPHABET.chars().nth((31 - sum % 31) % 31)
}

/// Whether a text is a unified social credit code.
#[must_use]
pub fn is_credit_code(text: &str) -> bool {
    let division = text.get(2..8).unwrap_or_default();
    let last = text.get(17..).and_then(|last| last.chars().next().filter(|only| only.len_utf8() == last.len()));
    division.len() == 6 && division.bytes().all(|byte| byte.is_ascii_digit()) && last.is_some() && text.get(..17).and_then(check_digit) == last
}

text_type!(
    /// A unified social credit code (GB 32100-2015): authority, kind, six digits of the division, nine characters of
    /// the subject, check digit.
    CreditCode,
    |text| if is_credit_code(text) { Ok(text.to_owned()) } else { Err((&NOT_A_CREDIT_CODE).into()) },
    #[schema(value_type = String, pattern = "^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$", min_length = 18, max_length = 18, example = "91421199MA0000001U")]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn org_15_the_check_digit_is_that_of_gb_32100() {
        for good in ["91350100M000100Y43", "9144030071526726XG", "91330100799655058B", "914403001922038216", "11320000MB151840XJ"] {
            assert!(is_credit_code(good), "{good}");
            // Each character alone changed makes it wrong: 31 is a prime and no weight is a multiple of it.
            for place in 0..good.len() {
                let mut other = good.to_owned();
                other.replace_range(place..=place, if good.as_bytes()[place] == b'7' { "8" } else { "7" });
                assert!(!is_credit_code(&other), "{other}");
            }
        }
        for bad in ["91350100M000100Y4Z", "91350100M000100Y4", "91350100M000100Y433", "", "91350100m000100y43", "9135010XM000100Y43", "91350100M000100Y4三"] {
            assert_eq!(CreditCode::parse(bad).unwrap_err().refusal, &NOT_A_CREDIT_CODE, "{bad}");
        }
    }
}
