//! The plan of the city: how many of what, where. Sums are exact, spreads are drawn.

use chrono::NaiveDate;
use kernel::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many of what each community has, from the published scale of the city.
const COMMUNITIES: &str = include_str!("../data/communities.csv");
/// The subdistricts of the city proper, whose codes are real.
const SUBDISTRICTS: [&str; 3] = ["龙池桥街道", "鼓楼街道", "南湖街道"];
/// Invented names, one a community.
const COMMUNITY_NAMES: [&str; 17] =
    ["柳岸", "桥头", "书院", "晨光", "竹苑", "东篱", "鼓声", "古槐", "文昌", "织锦", "清泉", "石桥", "南湖", "荷塘", "观澜", "松涛", "望江"];
/// Buildings and dwellings of the whole city at scale 1.
const BUILDINGS: u32 = 1_512;
const DWELLINGS: u32 = 110_600;
/// Copies of the city lie this many subdistrict codes apart.
const COPY_STEP: u32 = 3;

/// The day on which the division into these grids took effect.
pub const FOUNDED: NaiveDate = match NaiveDate::from_ymd_opt(2022, 11, 25) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// A community of the plan.
pub struct Community {
    pub code: String,
    pub subdistrict: String,
    pub name: String,
    /// Grids that it had before the city was divided anew.
    pub grids_before: u32,
    pub compounds: Vec<Compound>,
}

/// A compound of the plan, which is one grid.
pub struct Compound {
    /// Its place in the community, from 1.
    pub number: u32,
    pub name: String,
    pub kind: &'static str,
    pub year: i32,
    pub households: u32,
    pub dwellings: u32,
    /// Households of each building.
    pub buildings: Vec<u32>,
}

/// The plan.
pub struct City {
    pub subdistricts: Vec<(String, String)>,
    pub communities: Vec<Community>,
    pub scale: u32,
    pub seed: u64,
}

struct Line {
    code: String,
    grids_before: u32,
    grids: u32,
    households: u32,
}

fn lines() -> Result<Vec<Line>> {
    let broken = |what: &dyn std::fmt::Display| Error::Internal(format!("the scale of the city: {what}"));
    let mut reader = csv::Reader::from_reader(COMMUNITIES.as_bytes());
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let place = |name: &str| header.iter().position(|column| column == name).ok_or_else(|| broken(&name));
    let (code, before, grids, households) = (place("community_code")?, place("grids_before")?, place("grids_after")?, place("households")?);
    reader
        .records()
        .map(|record| {
            let record = record.map_err(|error| broken(&error))?;
            let number = |index: usize| record.get(index).and_then(|cell| cell.parse().ok()).ok_or_else(|| broken(&index));
            Ok(Line {
                code: record.get(code).unwrap_or_default().to_owned(),
                grids_before: number(before)?,
                grids: number(grids)?,
                households: number(households)?,
            })
        })
        .collect()
}

/// Divides a whole into parts like the weights, exactly: the largest remainders get what rounding leaves.
pub(crate) fn divide(whole: u32, weights: &[u64], least: u32) -> Vec<u32> {
    let count = u32::try_from(weights.len()).unwrap_or(u32::MAX);
    let (free, sum) = (u64::from(whole.saturating_sub(least * count)), weights.iter().sum::<u64>().max(1));
    let mut parts: Vec<u32> = weights.iter().map(|weight| least + u32::try_from(free * weight / sum).unwrap_or(0)).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(weights.get(*index).map_or(0, |weight| free * weight % sum)));
    let missing = whole.saturating_sub(parts.iter().sum());
    for index in order.into_iter().cycle().take(usize::try_from(missing).unwrap_or(0)) {
        if let Some(part) = parts.get_mut(index) {
            *part += 1;
        }
    }
    parts
}

/// A weight that spreads like the sizes of compounds do: many small, few large (about log-normal).
fn weight(random: &mut ChaCha8Rng) -> u64 {
    let steps: u32 = (0..12).map(|_| random.random_range(0..100_u32)).sum();
    // 2^((steps - 600) / 120): twelve draws make a bell, the power makes it lean.
    let exponent = steps / 12;
    let whole = exponent / 10;
    (1_u64 << whole) * (100 + u64::from(exponent % 10) * 10) / 100 + 1
}

fn kind(random: &mut ChaCha8Rng) -> &'static str {
    match random.random_range(0..255_u32) {
        0..112 => "commercial",
        112..170 => "old",
        170..200 => "work_unit_housing",
        200..222 => "resettlement",
        222..240 => "self_built",
        _ => "three_no",
    }
}

fn name(random: &mut ChaCha8Rng) -> String {
    const FIRST: [&str; 16] = ["翠湖", "金桂", "阳光", "锦绣", "丽景", "和谐", "东方", "碧水", "祥云", "华庭", "紫薇", "梧桐", "明珠", "星河", "玉兰", "春晖"];
    const LAST: [&str; 10] = ["花园", "家园", "苑", "名居", "小区", "雅居", "新城", "公馆", "里", "府"];
    let pick = |random: &mut ChaCha8Rng, words: &[&'static str]| words.get(random.random_range(0..words.len())).copied().unwrap_or_default();
    format!("{}{}", pick(random, &FIRST), pick(random, &LAST))
}

impl City {
    /// Plans the city of a scale and a seed number.
    pub fn plan(scale: u32, seed: u64) -> Result<Self> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let lines = lines()?;
        let mut city = Self { subdistricts: Vec::new(), communities: Vec::new(), scale, seed };
        for copy in 0..scale {
            let suffix = if copy == 0 { String::new() } else { format!("({})", copy + 1) };
            for (index, name) in (1..).zip(SUBDISTRICTS) {
                city.subdistricts.push((format!("421181{:03}", copy * COPY_STEP + index), format!("{name}{suffix}")));
            }
            let sizes: Vec<Vec<u32>> = lines
                .iter()
                .map(|line| {
                    let weights: Vec<u64> = (0..line.grids).map(|_| weight(&mut random)).collect();
                    divide(line.households, &weights, 20)
                })
                .collect();
            let all: Vec<u64> = sizes.iter().flatten().map(|size| u64::from(*size)).collect();
            let mut buildings = divide(BUILDINGS, &all, 1).into_iter();
            let mut dwellings = divide(DWELLINGS, &all, 1).into_iter();
            for ((line, sizes), name_of) in lines.iter().zip(sizes).zip(COMMUNITY_NAMES) {
                let own: u32 = line.code.get(6..9).and_then(|digits| digits.parse().ok()).unwrap_or(0);
                let subdistrict = format!("421181{:03}", copy * COPY_STEP + own);
                let code = format!("{subdistrict}{}", line.code.get(9..).unwrap_or_default());
                let compounds = (1..)
                    .zip(sizes)
                    .map(|(number, households)| {
                        let count = buildings.next().unwrap_or(1);
                        let weights: Vec<u64> = (0..count).map(|_| random.random_range(80..120_u64)).collect();
                        Compound {
                            number,
                            name: format!("{}{number}号", name(&mut random)),
                            kind: kind(&mut random),
                            year: random.random_range(1985..=2020),
                            households,
                            dwellings: dwellings.next().unwrap_or(households).max(households),
                            buildings: divide(households, &weights, 1),
                        }
                    })
                    .collect();
                city.communities.push(Community { code, subdistrict, name: format!("{name_of}社区{suffix}"), grids_before: line.grids_before, compounds });
            }
        }
        Ok(city)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(city: &City) -> (usize, usize, usize, u32) {
        let compounds = || city.communities.iter().flat_map(|community| &community.compounds);
        (city.communities.len(), compounds().count(), compounds().map(|c| c.buildings.len()).sum(), compounds().flat_map(|c| &c.buildings).sum())
    }

    #[test]
    fn the_sums_are_those_of_the_seed() {
        assert_eq!(totals(&City::plan(1, 1).unwrap()), (17, 255, 1_512, 98_400));
        assert_eq!(totals(&City::plan(10, 7).unwrap()), (170, 2_550, 15_120, 984_000));
    }

    #[test]
    fn a_whole_is_divided_exactly() {
        assert_eq!(divide(10, &[1, 1, 1], 0), [4, 3, 3]);
        assert_eq!(divide(10, &[0, 5, 0], 2), [2, 6, 2]);
    }
}
