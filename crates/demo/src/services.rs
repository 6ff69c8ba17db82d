//! Who serves the compounds of the city. Companies are invented; their codes belong to a division that does not exist.

use kernel::{Error, Result};
use organization::credit_code::check_digit;

use crate::city::{City, Community, Compound};

/// Communities and companies of one copy of the city: a company of its own for each community, the others on the market.
pub(crate) const COMMUNITIES: usize = 17;
pub(crate) const COMMERCIAL: usize = 29;
/// Of the 255 compounds of a copy: looked after by work units, by owners, by companies of communities; the others by companies
/// on the market.
const UNIT_SELF: usize = 21;
const OWNER_SELF: usize = 22;
const COMMUNITY_LED: usize = 78;
/// Words of invented names.
const FIRST: [&str; 8] = ["安馨", "广厦", "同心", "永和", "嘉禾", "清风", "锦程", "瑞景"];
const SECOND: [&str; 4] = ["家", "园", "居", "佳"];

/// A property company of the plan.
pub struct Company {
    pub code: String,
    pub name: String,
    pub kind: &'static str,
    /// The community that took the lead, where one did.
    pub founder: Option<String>,
}

/// The companies of the city: of each copy those on the market, then those of its communities.
pub fn companies(city: &City) -> Result<Vec<Company>> {
    let mut companies = Vec::new();
    for (copy, communities) in (1..).zip(city.communities.chunks(COMMUNITIES)) {
        let suffix = if copy == 1 { String::new() } else { format!("({copy})") };
        let names = FIRST.iter().flat_map(|first| SECOND.iter().map(move |second| format!("麻城市{first}{second}物业服务有限公司")));
        for name in names.take(COMMERCIAL) {
            companies.push(Company { code: code(companies.len())?, name: format!("{name}{suffix}"), kind: "commercial", founder: None });
        }
        for community in communities {
            let name = format!("麻城市{}物业服务有限公司", community.name);
            companies.push(Company { code: code(companies.len())?, name, kind: "community_led", founder: Some(community.code.clone()) });
        }
    }
    Ok(companies)
}

/// Who serves a compound.
pub struct Project<'a> {
    pub community: &'a Community,
    pub compound: &'a Compound,
    pub kind: &'static str,
    /// The company that serves it, where there is one.
    pub company: Option<String>,
}

/// Who serves each compound of the city.
pub fn projects(city: &City) -> Result<Vec<Project<'_>>> {
    let companies = companies(city)?;
    let mut projects = Vec::new();
    for (communities, companies) in city.communities.chunks(COMMUNITIES).zip(companies.chunks(COMMERCIAL + COMMUNITIES)) {
        let mut compounds: Vec<_> = communities.iter().flat_map(|community| community.compounds.iter().map(move |compound| (community, compound))).collect();
        compounds.sort_by_key(|(_, compound)| likely(compound.kind));
        let on_the_market: Vec<&Company> = companies.iter().filter(|company| company.founder.is_none()).collect();
        let mut in_turn = on_the_market.iter().cycle();
        for (place, (community, compound)) in compounds.into_iter().enumerate() {
            let own = companies.iter().find(|company| company.founder.as_ref() == Some(&community.code));
            let (kind, company) = match place {
                place if place < UNIT_SELF => ("unit_self", None),
                place if place < UNIT_SELF + OWNER_SELF => ("owner_self", None),
                place if place < UNIT_SELF + OWNER_SELF + COMMUNITY_LED => ("full_service", own),
                _ => ("full_service", in_turn.next().copied()),
            };
            projects.push(Project { community, compound, kind, company: company.map(|company| company.code.clone()) });
        }
    }
    Ok(projects)
}

/// The order in which compounds are likely to look after themselves, or to be looked after by their community.
fn likely(kind: &str) -> u8 {
    match kind {
        "work_unit_housing" => 0,
        "self_built" => 1,
        "three_no" => 2,
        "old" => 3,
        "resettlement" => 4,
        _ => 5,
    }
}

/// A code that no company can have: 421199 is no division.
fn code(number: usize) -> Result<String> {
    let first = format!("91421199MA{:07}", number + 1);
    let last = check_digit(&first).ok_or_else(|| Error::Internal(format!("{first} begins no credit code")))?;
    Ok(format!("{first}{last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compound_is_served_and_the_sums_are_those_of_the_scale() {
        for scale in [1, 2] {
            let city = City::plan(u32::try_from(scale).unwrap(), 3).unwrap();
            let companies = companies(&city).unwrap();
            let projects = projects(&city).unwrap();
            let led = |project: &&Project<'_>| companies.iter().any(|one| one.kind == "community_led" && Some(&one.code) == project.company.as_ref());
            let count = |kind: &str| projects.iter().filter(|project| project.kind == kind).count();
            assert_eq!((companies.len(), projects.len()), (46 * scale, 255 * scale));
            assert_eq!((count("full_service"), count("unit_self"), count("owner_self")), (212 * scale, 21 * scale, 22 * scale));
            assert_eq!(projects.iter().filter(led).count(), 78 * scale);
        }
    }
}
