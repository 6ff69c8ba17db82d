//! The people of the city as an import file. None of them can be real: no county has the region 421199, and no mobile number
//! begins with 120.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use kernel::{Error, Result};
use organization::id_number::check_character;

use crate::city::{City, divide};
use crate::files::grid_code;

/// People at scale 1: the members in the ledgers, who serves and who holds a post.
const PEOPLE: u32 = 25_000;
/// Members of the Party among them.
const MEMBERS: u32 = 19_000;
/// One of so many members is on probation.
const ON_PROBATION: u32 = 40;
/// The last day on which one of them was admitted.
const LAST_ADMISSION: NaiveDate = match NaiveDate::from_ymd_opt(2022, 7, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};
/// One of so many has no phone.
const WITHOUT_PHONE: u32 = 33;
/// One of so many is another one again, entered a second time in another grid and without a number.
const TWICE: u32 = 83;
/// Days of birth that are used, from the first on.
const FIRST_BIRTH: NaiveDate = match NaiveDate::from_ymd_opt(1940, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};
const BIRTHS: u64 = 24_007;
/// Prime to the numbers beside them, so that neighbours in the file differ.
const STRIDE: u64 = 7_919;
const PHONES: u64 = 100_000_000;

const SURNAMES: [&str; 20] = ["王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "高", "林", "欧阳"];
const GIVEN: [&str; 24] = [
    "建国", "秀英", "伟", "芳", "志强", "丽华", "军", "敏", "国庆", "桂兰", "磊", "静", "海燕", "文斌", "晓明", "玉梅", "鹏", "雪", "卫东", "春花", "子涵",
    "梓轩", "平", "红",
];

/// One entry of the file of people.
struct Entry<'a> {
    number: u32,
    /// Of whom it tells.
    person: u32,
    /// Whether it is the second one of that person.
    again: bool,
    /// Whether that person is in the Party.
    in_party: bool,
    grid: &'a str,
    community: &'a str,
}

/// Writes the people.
pub fn write(city: &City, mut row: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    row(&["name", "id_number", "phone", "area_code", "source", "ref"])?;
    each(city, |Entry { number, person, again, grid, .. }| {
        let id_number = if again { String::new() } else { id_number(person)? };
        let phone = if person % WITHOUT_PHONE == 0 { String::new() } else { phone(person) };
        row(&[&name(city.seed, person), &id_number, &phone, grid, "demo", &format!("p{number}")])
    })
}

/// Writes who of them is a member of the Party.
pub fn write_memberships(city: &City, mut row: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    row(&["id_number", "organization", "joined_on", "full_on"])?;
    each(city, |Entry { person, again, in_party, community, .. }| {
        if again || !in_party {
            return Ok(());
        }
        let probationary = person % ON_PROBATION == 0;
        let joined = if probationary { LAST_ADMISSION } else { born(person)? + Days::new(365 * (18 + u64::from(person % 27))) };
        let joined = joined.min(LAST_ADMISSION);
        let full = if probationary { String::new() } else { (joined + Days::new(365)).to_string() };
        row(&[&id_number(person)?, &format!("{community}第{}党支部", person % 6 + 1), &joined.to_string(), &full])
    })
}

/// Somebody who can be called to a post.
pub struct Resident {
    pub id_number: String,
    pub in_party: bool,
}

/// Who lives in each grid, by its code, in the order of the file of people.
pub fn residents(city: &City) -> Result<BTreeMap<String, Vec<Resident>>> {
    let mut residents = BTreeMap::<String, Vec<Resident>>::new();
    each(city, |Entry { person, again, in_party, grid, .. }| {
        if !again {
            residents.entry(grid.to_owned()).or_default().push(Resident { id_number: id_number(person)?, in_party });
        }
        Ok(())
    })?;
    Ok(residents)
}

/// Calls for each entry of the file of people.
fn each(city: &City, mut call: impl FnMut(Entry<'_>) -> Result<()>) -> Result<()> {
    let homes: Vec<(String, &str, u64)> = city
        .communities
        .iter()
        .flat_map(|community| {
            community.compounds.iter().map(move |compound| (grid_code(community, compound), community.name.as_str(), u64::from(compound.households)))
        })
        .collect();
    let weights: Vec<u64> = homes.iter().map(|(.., households)| *households).collect();
    let entries = PEOPLE * city.scale;
    let everybody = u64::from(entries - (entries / TWICE).saturating_sub(1));
    let members = u64::from(MEMBERS * city.scale);
    let (mut number, mut first) = (0, 0_u64);
    for ((grid, community, _), count) in homes.iter().zip(divide(entries, &weights, 1)) {
        for _ in 0..count {
            number += 1;
            // A second entry tells of somebody who was entered a while before, in most cases in another grid.
            let again = number % TWICE == 0 && number > TWICE;
            let person = if again { number - TWICE + 1 } else { number };
            // Members are spread evenly: as many as there shall be, each the same number of people after the last.
            let in_party = !again && (first + 1) * members / everybody > first * members / everybody;
            first += u64::from(!again);
            call(Entry { number, person, again, in_party, grid, community })?;
        }
    }
    Ok(())
}

fn name(seed: u64, person: u32) -> String {
    let place = (u64::from(person) + seed).wrapping_mul(STRIDE);
    let pick = |words: &[&'static str], place: u64| usize::try_from(place).ok().and_then(|place| words.get(place % words.len())).copied().unwrap_or_default();
    format!("{}{}", pick(&SURNAMES, place), pick(&GIVEN, place / 7))
}

/// A number that is right in every digit and belongs to nobody. Day of birth and sequence tell every two people apart.
fn id_number(person: u32) -> Result<String> {
    let own = format!("421199{}{:03}", born(person)?.format("%Y%m%d"), u64::from(person) / BIRTHS + 1);
    let last = check_character(&own);
    Ok(format!("{own}{last}"))
}

fn born(person: u32) -> Result<NaiveDate> {
    let day = Days::new(u64::from(person) * STRIDE % BIRTHS);
    FIRST_BIRTH.checked_add_days(day).ok_or_else(|| Error::Internal("beyond all calendars".to_owned()))
}

fn phone(person: u32) -> String {
    format!("120{:08}", u64::from(person) * 48_271 % PHONES)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use organization::id_number::{IdKind, read};

    use super::*;

    #[test]
    fn as_many_are_in_the_party_as_there_shall_be() {
        for scale in [1, 2] {
            let mut rows = 0;
            write_memberships(&City::plan(scale, 1).unwrap(), |_| {
                rows += 1;
                Ok(())
            })
            .unwrap();
            assert_eq!(rows - 1, MEMBERS * scale);
        }
    }

    #[test]
    fn everybody_is_somebody_else_and_nobody_real() {
        let today = "2026-11-24".parse().unwrap();
        let numbers: BTreeSet<String> = (1..=60_000).map(|person| id_number(person).unwrap()).collect();
        assert_eq!(numbers.len(), 60_000);
        for number in &numbers {
            assert!(number.starts_with("421199") && read(number, IdKind::ResidentId, today).is_ok(), "{number}");
        }
        assert_eq!((1..=60_000).map(phone).collect::<BTreeSet<_>>().len(), 60_000);
    }
}
