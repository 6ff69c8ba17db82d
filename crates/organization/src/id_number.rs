//! Numbers of identity documents: how they are checked, kept and shown. A refusal never quotes one.

use chrono::NaiveDate;
use kernel::personal::{MASKED, Personal, STAR, starred};
use kernel::refusal::Refused;
use kernel::{Refusal, clock, text_enum};

text_enum!(
    /// A kind of identity document.
    IdKind {
        /// Eighteen characters by GB 11643: the resident identity card, and the residence permits that follow it.
        ResidentId = "resident_id" "居民身份证",
        /// A passport.
        Passport = "passport" "护照",
        /// The travel permit of residents of Hong Kong and Macau.
        HkMacauPermit = "hk_macau_permit" "港澳居民来往内地通行证",
        /// The travel permit of residents of Taiwan.
        TaiwanPermit = "taiwan_permit" "台湾居民来往大陆通行证",
    }
);

/// Not eighteen characters of the right kind.
pub const NOT_A_RESIDENT_ID: Refusal = Refusal::invalid(
    "person.not_a_resident_id",
    "身份证号码须为18位:17位数字和1位校验码(数字或X);15位旧号码请换成18位。",
    "A resident identity number has 18 characters, 17 digits and a check character (digit or X); an old one of 15 must be converted.",
);
/// The last character does not agree with the others.
pub const BAD_CHECK_DIGIT: Refusal = Refusal::invalid(
    "person.bad_check_digit",
    "身份证号码的校验码不符(GB 11643),请核对是否抄错。",
    "The check character of the identity number does not fit (GB 11643): a digit was mistaken.",
);
/// The day of birth in the number is none.
pub const BAD_BIRTH_DATE: Refusal = Refusal::invalid(
    "person.bad_birth_date",
    "身份证号码中的出生日期(第7至14位)不是有效日期或在今天之后。",
    "The date of birth in the identity number (characters 7 to 14) is no date, or lies in the future.",
);
/// The region in the number is none.
pub const BAD_REGION: Refusal = Refusal::invalid(
    "person.bad_region",
    "身份证号码的前两位不是省级行政区划代码(GB/T 2260)。",
    "The first two digits of the identity number are those of no province (GB/T 2260).",
);
/// A number that the kind of document does not have.
pub const NOT_A_DOCUMENT: Refusal = Refusal::invalid(
    "person.not_a_document",
    "证件号码与证件类型不符:护照为5至17位字母和数字;港澳通行证为H或M加8位数字;台湾通行证为8位数字。",
    "The number does not fit the kind of document: a passport has 5 to 17 letters and digits, a Hong Kong and Macau permit H or M and 8 digits, a Taiwan permit 8 digits.",
);

/// The number of a document. Its kept form is the word of the kind, a blank, and the number.
pub const ID_NUMBER: Personal =
    Personal { purpose: "person.id_number", beside: Some("id_kind"), read: |text, kind| read(text, kind_of(kind), clock::day(clock::now())), mask };

/// The provinces of GB/T 2260. Counties are not looked up: numbers outlive them. A 9 begins the cards of foreigners who
/// have settled here.
const PROVINCES: [&str; 35] = [
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54",
    "61", "62", "63", "64", "65", "71", "81", "82", "83",
];

/// The kind that a clerk wrote, or the resident identity card where he wrote none.
fn kind_of(word: &str) -> IdKind {
    let place = IdKind::CHOICES.iter().position(|choice| choice.word == word || choice.zh == word);
    place.and_then(|place| IdKind::ALL.get(place)).copied().unwrap_or(IdKind::ResidentId)
}

/// Checks a number of a kind, and puts it into the form that is kept.
pub fn read(text: &str, kind: IdKind, today: NaiveDate) -> Result<String, Refused> {
    if text.contains(STAR) {
        return Err((&MASKED).into());
    }
    let number: String = text.chars().filter(|sign| !sign.is_whitespace()).map(|sign| sign.to_ascii_uppercase()).collect();
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = match kind {
        IdKind::ResidentId => {
            resident(&number, today)?;
            number
        }
        IdKind::Passport if (5..=17).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric()) => number,
        // Two more digits count how often the card was renewed: the person stays the same.
        IdKind::HkMacauPermit if number.starts_with(['H', 'M']) && number.get(1..).is_some_and(|own| digits(own, 8) || digits(own, 10)) => {
            number.chars().take(9).collect()
        }
        IdKind::TaiwanPermit if digits(&number, 8) || digits(&number, 10) => number.chars().take(8).collect(),
        _ => return Err((&NOT_A_DOCUMENT).into()),
    };
    Ok(format!("{} {number}", kind.word()))
}

/// Checks a number by GB 11643.
fn resident(number: &str, today: NaiveDate) -> Result<(), Refused> {
    let (Some(own), Some(last)) = (number.get(..17), number.get(17..)) else { return Err((&NOT_A_RESIDENT_ID).into()) };
    if !own.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(last.as_bytes(), [b'0'..=b'9' | b'X']) {
        return Err((&NOT_A_RESIDENT_ID).into());
    }
    if !own.starts_with('9') && !PROVINCES.iter().any(|province| own.starts_with(province)) {
        return Err((&BAD_REGION).into());
    }
    let born = own.get(6..14).and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok());
    if born.is_none_or(|born| born > today || !clock::in_reach(born)) {
        return Err((&BAD_BIRTH_DATE).into());
    }
    if last == check_character(own) { Ok(()) } else { Err((&BAD_CHECK_DIGIT).into()) }
}

/// The check character of seventeen digits: ISO 7064 MOD 11-2, as GB 11643 has it.
#[must_use]
pub fn check_character(own: &str) -> &'static str {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHARACTERS: [&str; 11] = ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"];
    let sum: u32 = own.chars().filter_map(|digit| digit.to_digit(10)).zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    usize::try_from(sum % 11).ok().and_then(|rest| CHARACTERS.get(rest)).copied().unwrap_or_default()
}

/// The number itself, of its kept form.
#[must_use]
pub fn number_of(kept: &str) -> &str {
    kept.split_once(' ').map_or(kept, |(_, number)| number)
}

/// What is shown: of eighteen characters the first six and the last four, of others two at each end.
fn mask(kept: &str) -> String {
    let number = number_of(kept);
    if number.len() == 18 { starred(number, 6, 4) } else { starred(number, 2, 2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kind: IdKind) -> Result<String, &'static str> {
        read(text, kind, "2026-11-24".parse().unwrap()).map_err(|refused| refused.refusal.code)
    }

    #[test]
    fn the_check_character_is_that_of_gb_11643() {
        for good in ["11010519491231002X", "440524188001010014", "370101190102039973", "42119919900307001 0", " 11010519491231002x"] {
            assert!(check(good, IdKind::ResidentId).is_ok(), "{good}");
        }
        // Each digit that is mistaken, and each two neighbours that change places, are noticed.
        let good = "421199199003070010";
        for at in 0..18 {
            for digit in ('0'..='9').filter(|digit| good.chars().nth(at) != Some(*digit)) {
                let mut bad: Vec<char> = good.chars().collect();
                bad[at] = digit;
                assert!(check(&bad.iter().collect::<String>(), IdKind::ResidentId).is_err(), "{bad:?}");
            }
        }
    }

    #[test]
    fn numbers_are_refused_by_name() {
        for (text, code) in [
            ("", "person.not_a_resident_id"),
            ("421199900307001", "person.not_a_resident_id"),
            ("42119919900307001Y", "person.not_a_resident_id"),
            ("４21199199003070010", "person.not_a_resident_id"),
            ("001199199003070010", "person.bad_region"),
            ("421199199002300010", "person.bad_birth_date"),
            ("421199209003070010", "person.bad_birth_date"),
            ("421199199003070011", "person.bad_check_digit"),
            ("421199********0010", "personal.masked"),
        ] {
            assert_eq!(check(text, IdKind::ResidentId), Err(code), "{text}");
        }
    }

    #[test]
    fn other_documents_have_their_own_forms_and_never_meet() {
        assert_eq!(check("h12345678 02", IdKind::HkMacauPermit).unwrap(), "hk_macau_permit H12345678");
        assert_eq!(check("1234567801", IdKind::TaiwanPermit).unwrap(), "taiwan_permit 12345678");
        assert_eq!(check("e12345678", IdKind::Passport).unwrap(), "passport E12345678");
        assert_ne!(check("12345678", IdKind::Passport), check("12345678", IdKind::TaiwanPermit));
        for (text, kind) in [("A12345678", IdKind::HkMacauPermit), ("123", IdKind::TaiwanPermit), ("E-1", IdKind::Passport), ("护照12345", IdKind::Passport)]
        {
            assert_eq!(check(text, kind), Err("person.not_a_document"), "{text}");
        }
    }

    #[test]
    fn masks_keep_six_and_four() {
        assert_eq!(mask("resident_id 421199199003070010"), "421199********0010");
        assert_eq!(mask("passport E12345678"), "E1*****78");
    }
}
