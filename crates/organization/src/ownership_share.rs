//! Shares of a dwelling: exact fractions, and how much of it is owned on which day (ORG-08). Plain functions.

use std::fmt;

use chrono::NaiveDate;
use kernel::period;

/// A fraction in lowest terms, not below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    numerator: u128,
    denominator: u128,
}

impl Fraction {
    /// Nothing.
    pub const NONE: Self = Self { numerator: 0, denominator: 1 };

    /// The fraction `numerator` of `denominator`; none where there is nothing to divide by.
    #[must_use]
    pub fn of(numerator: u128, denominator: u128) -> Option<Self> {
        let common = common_divisor(numerator, denominator);
        (denominator > 0).then(|| Self { numerator: numerator / common, denominator: denominator / common })
    }

    /// Both together; none where the common denominator has more than 38 digits. Ten owners with ten different
    /// denominators of four digits can bring that about, and no real deed does.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let common = common_divisor(self.denominator, other.denominator);
        let (own, others) = (other.denominator / common, self.denominator / common);
        let numerator = self.numerator.checked_mul(own)?.checked_add(other.numerator.checked_mul(others)?)?;
        Self::of(numerator, self.denominator.checked_mul(own)?)
    }

    /// Whether it is more than the whole.
    #[must_use]
    pub fn exceeds_whole(self) -> bool {
        self.numerator > self.denominator
    }

    /// What is missing to the whole; nothing where it is the whole or more.
    #[must_use]
    pub fn rest(self) -> Self {
        Self::of(self.denominator.saturating_sub(self.numerator), self.denominator).unwrap_or(Self::NONE)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// Euclid's.
fn common_divisor(one: u128, other: u128) -> u128 {
    let (mut one, mut other) = (one, other);
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// A share of a dwelling and its term.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// First day.
    pub from: NaiveDate,
    /// First day no longer; none while it has no end.
    pub to: Option<NaiveDate>,
    /// How much.
    pub share: Fraction,
}

/// Why shares cannot stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// On a day they are more than the whole: the first such day, and what they are on it.
    Whole(NaiveDate, Fraction),
    /// They have too many different denominators to be added up exactly.
    TooFine,
}

/// How much of a dwelling is owned on a day; none where that cannot be told exactly.
#[must_use]
pub fn owned_on(parts: &[Part], on: NaiveDate) -> Option<Fraction> {
    parts.iter().filter(|part| period::holds(part.from, part.to, on)).try_fold(Fraction::NONE, |sum, part| sum.plus(part.share))
}

/// Looks whether shares are more than the whole on some day. They grow only on days on which one of them begins, so those
/// are looked at.
pub fn within_whole(parts: &[Part]) -> Result<(), Beyond> {
    let mut days: Vec<NaiveDate> = parts.iter().map(|part| part.from).collect();
    days.sort_unstable();
    days.dedup();
    days.into_iter().try_for_each(|on| match owned_on(parts, on) {
        None => Err(Beyond::TooFine),
        Some(sum) if sum.exceeds_whole() => Err(Beyond::Whole(on, sum)),
        Some(_) => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn part(numerator: u128, denominator: u128, from: &str, to: Option<&str>) -> Part {
        Part { from: day(from), to: to.map(day), share: Fraction::of(numerator, denominator).unwrap() }
    }

    #[test]
    fn org_08_fractions_are_added_exactly() {
        let sum = |shares: &[(u128, u128)]| shares.iter().try_fold(Fraction::NONE, |sum, (n, d)| sum.plus(Fraction::of(*n, *d)?));
        assert_eq!(sum(&[(1, 6); 6]), Fraction::of(1, 1), "not a hair more, as decimals would have it");
        assert_eq!(sum(&[(1, 3), (2, 3)]), Fraction::of(5, 5));
        assert!(!sum(&[(1, 3), (2, 3)]).unwrap().exceeds_whole());
        // A part in a hundred million too much, and one too little.
        assert_eq!(sum(&[(1, 9_999), (9_999, 10_000)]).map(|sum| (sum.to_string(), sum.exceeds_whole())), Some(("99990001/99990000".to_owned(), true)));
        assert_eq!(sum(&[(1, 10_000), (9_998, 9_999)]).map(Fraction::exceeds_whole), Some(false));
        assert_eq!(sum(&[(1, 2), (1, 3)]).map(|sum| (sum.to_string(), sum.rest().to_string())), Some(("5/6".to_owned(), "1/6".to_owned())));
        assert_eq!((Fraction::of(1, 0), Fraction::of(7, 6).unwrap().rest()), (None, Fraction::NONE));
    }

    #[test]
    fn org_08_shares_are_within_the_whole_on_every_day() {
        let halves = [part(1, 2, "2020-01-01", None), part(1, 2, "2021-01-01", None)];
        assert_eq!(within_whole(&halves), Ok(()));
        assert_eq!(within_whole(&[]), Ok(()));
        // The day of an end is the next owner's first.
        let handed = [part(1, 1, "2020-01-01", Some("2024-05-01")), part(1, 1, "2024-05-01", None)];
        assert_eq!(within_whole(&handed), Ok(()));
        // It is not today that counts, but each day: here the two meet for a month, three years ago.
        let met = [part(2, 3, "2020-01-01", Some("2023-02-01")), part(1, 2, "2023-01-01", Some("2024-01-01")), part(1, 1, "2024-01-01", None)];
        assert_eq!(within_whole(&met), Err(Beyond::Whole(day("2023-01-01"), Fraction::of(7, 6).unwrap())));
        assert_eq!((owned_on(&met, day("2022-12-31")), owned_on(&met, day("2019-12-31"))), (Fraction::of(2, 3), Some(Fraction::NONE)));
        // One that begins before all others, entered last.
        let third = [halves[0], halves[1], part(1, 10_000, "2019-01-01", None)];
        assert_eq!(within_whole(&third), Err(Beyond::Whole(day("2021-01-01"), Fraction::of(10_001, 10_000).unwrap())));
    }

    #[test]
    fn org_08_what_cannot_be_added_exactly_is_not_guessed() {
        let primes = [9_973, 9_967, 9_949, 9_941, 9_931, 9_929, 9_923, 9_907, 9_901, 9_887];
        let parts = primes.map(|prime| part(1, prime, "2020-01-01", None));
        assert_eq!(within_whole(&parts[..9]), Ok(()));
        assert_eq!(within_whole(&parts), Err(Beyond::TooFine));
    }
}
