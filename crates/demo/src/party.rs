//! The party organizations of the city, the buildings of their groups, and who holds which post: at scale 1, 255 of compounds, 1,080 building groups, 3,100 hub
//! households, and a committee of the property industry with 21 branches.

use std::collections::BTreeMap;

use kernel::Result;

use crate::city::{City, Community, Compound, divide};
use crate::files::{DOORS, ENTRANCE, buildings, compound_code, grid_code};
use crate::people::{Resident, residents};

/// Of one copy of the city.
const COMPOUNDS: usize = 255;
const GROUPS: u32 = 1_080;
const HUBS: u32 = 3_100;
/// Branches of the industry: so many of one company each, so many of several.
const SINGLE: usize = 12;
const JOINT: usize = 9;

/// The party organizations of one compound.
struct Compounds<'a> {
    community: &'a Community,
    compound: &'a Compound,
    groups: u32,
    hubs: u32,
}

/// The code of the branch to which the members of a company belong, by its place in the city.
pub fn branch_of(company: usize, companies_of_a_copy: usize) -> String {
    let (copy, place) = (company / companies_of_a_copy, company % companies_of_a_copy);
    branch(copy, if place < SINGLE { place } else { SINGLE + (place - SINGLE) % JOINT })
}

fn committee(copy: usize) -> String {
    format!("WY{:02}", copy + 1)
}

fn branch(copy: usize, number: usize) -> String {
    format!("{}-{:02}", committee(copy), number + 1)
}

/// Writes the organizations, those above first.
pub fn write(city: &City, from: &str, mut row: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    row(&["code", "name", "tier", "form", "nature", "composite", "parent_code", "compound_code", "household_code", "valid_from"])?;
    for copy in 0..city.communities.len() / 17 {
        let suffix = if copy == 0 { String::new() } else { format!("({})", copy + 1) };
        row(&[&committee(copy), &format!("麻城市物业服务行业党委{suffix}"), "industry_committee", "party_committee", "functional", "", "", "", "", from])?;
        for number in 0..SINGLE + JOINT {
            let name = format!("物业服务行业第{}党支部{suffix}", number + 1);
            row(&[&branch(copy, number), &name, "industry_branch", "branch", "formal", "", &committee(copy), "", "", from])?;
        }
    }
    let households = households(city)?;
    for Compounds { community, compound, groups, hubs } in plan(city) {
        let code = compound_code(community, compound);
        row(&[&core(&code), &format!("{}综合党支部", compound.name), "compound", "branch", "functional", "true", "", &code, "", from])?;
        for group in 0..groups {
            let name = format!("{}第{}党小组", compound.name, group + 1);
            row(&[&group_code(&code, group), &name, "building_group", "", "", "", &core(&code), &code, "", from])?;
        }
        let homes = households.get(&code).map_or(&[][..], Vec::as_slice);
        // Hubs lie evenly in the compound.
        for (hub, home) in (0..hubs).zip(homes.iter().step_by(homes.len() / usize::try_from(hubs.max(1)).unwrap_or(1))) {
            let name = format!("{}第{}党员中心户", compound.name, hub + 1);
            row(&[&hub_code(&code, hub), &name, "hub_household", "", "", "", &group_code(&code, hub % groups), &code, home, from])?;
        }
    }
    Ok(())
}

/// Writes the posts: a secretary in each compound, a leader in each group and hub, and every member in a hub of his compound.
pub fn write_posts(city: &City, from: &str, mut row: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    row(&["organization_code", "id_number", "role", "valid_from"])?;
    let residents = residents(city)?;
    for Compounds { community, compound, groups, hubs } in plan(city) {
        let code = compound_code(community, compound);
        let people = residents.get(&grid_code(community, compound)).map_or(&[][..], Vec::as_slice);
        let members = members_of(people);
        if let Some(secretary) = secretary(compound, &members) {
            row(&[&core(&code), secretary, "secretary", from])?;
        }
        for (group, leader) in (0..groups).zip(&members) {
            row(&[&group_code(&code, group), leader, "leader", from])?;
        }
        for (hub, leader) in (0..hubs).zip(&members) {
            row(&[&hub_code(&code, hub), leader, "leader", from])?;
        }
        for (place, member) in (0_u32..).zip(&members) {
            row(&[&hub_code(&code, place % hubs), member, "member", from])?;
        }
    }
    Ok(())
}

/// Writes which group answers for which building: those of a compound take turns.
pub fn write_buildings(city: &City, from: &str, mut row: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    row(&["organization_code", "building_code", "valid_from"])?;
    let groups: BTreeMap<String, u32> = plan(city).into_iter().map(|one| (compound_code(one.community, one.compound), one.groups)).collect();
    buildings(city, |community, compound, number, building, _| {
        let code = compound_code(community, compound);
        let groups = groups.get(&code).copied().unwrap_or(1).max(1);
        row(&[&group_code(&code, (number - 1) % groups), building, from])
    })
}

/// Who is secretary of each compound, by its code.
pub fn secretaries(city: &City) -> Result<BTreeMap<String, String>> {
    let residents = residents(city)?;
    let all = city.communities.iter().flat_map(|community| community.compounds.iter().map(move |compound| (community, compound)));
    let of_each = all.filter_map(|(community, compound)| {
        let people = residents.get(&grid_code(community, compound)).map_or(&[][..], Vec::as_slice);
        Some((compound_code(community, compound), secretary(compound, &members_of(people))?.to_owned()))
    });
    Ok(of_each.collect())
}

/// The numbers of those who are in the Party.
fn members_of(people: &[Resident]) -> Vec<&str> {
    people.iter().filter(|person| person.in_party).map(|person| person.id_number.as_str()).collect()
}

/// In one compound of three the secretary is the director of the owners too.
fn secretary<'a>(compound: &Compound, members: &[&'a str]) -> Option<&'a str> {
    let chosen = if compound.number % 3 == 1 { members.first() } else { members.last() };
    chosen.copied()
}

fn core(compound: &str) -> String {
    format!("P{compound}")
}

fn group_code(compound: &str, group: u32) -> String {
    format!("P{compound}-{:02}", group + 1)
}

fn hub_code(compound: &str, hub: u32) -> String {
    format!("P{compound}:{:03}", hub + 1)
}

/// How many groups and hubs each compound has.
fn plan(city: &City) -> Vec<Compounds<'_>> {
    let all: Vec<(&Community, &Compound)> = city.communities.iter().flat_map(|community| community.compounds.iter().map(move |one| (community, one))).collect();
    let mut plan = Vec::new();
    for copy in all.chunks(COMPOUNDS) {
        let weights: Vec<u64> = copy.iter().map(|(_, compound)| u64::from(compound.households)).collect();
        let (groups, hubs) = (divide(GROUPS, &weights, 1), divide(HUBS, &weights, 2));
        plan.extend(copy.iter().zip(groups.into_iter().zip(hubs)).map(|((community, compound), (groups, hubs))| Compounds {
            community,
            compound,
            groups,
            hubs,
        }));
    }
    plan
}

/// The codes of the households of each compound.
fn households(city: &City) -> Result<BTreeMap<String, Vec<String>>> {
    let mut households = BTreeMap::<String, Vec<String>>::new();
    buildings(city, |community, compound, _, building, count| {
        let entrances = count.div_ceil(ENTRANCE);
        let codes = (0..count).map(|index| {
            let above = index / entrances;
            format!("{building}{:02}{:02}{:02}", index % entrances + 1, above / DOORS + 1, above % DOORS + 1)
        });
        households.entry(compound_code(community, compound)).or_default().extend(codes);
        Ok(())
    })?;
    Ok(households)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_those_of_the_scale() {
        for scale in [1, 2] {
            let city = City::plan(scale, 6).unwrap();
            let mut tiers = BTreeMap::<String, u32>::new();
            write(&city, "2022-11-25", |cells| {
                *tiers.entry(cells[2].to_owned()).or_default() += 1;
                Ok(())
            })
            .unwrap();
            let count = |tier: &str| tiers.get(tier).copied().unwrap_or(0);
            assert_eq!((count("compound"), count("building_group"), count("hub_household")), (255 * scale, 1_080 * scale, 3_100 * scale));
            assert_eq!((count("industry_committee"), count("industry_branch")), (scale, 21 * scale));
            let mut members = 0;
            write_posts(&city, "2022-11-25", |cells| {
                members += u32::from(cells[2] == "member");
                Ok(())
            })
            .unwrap();
            assert_eq!(members, 19_000 * scale, "each member belongs to one hub");
        }
        let companies: Vec<String> = (0..46).map(|company| branch_of(company, 46)).collect();
        let alone = companies.iter().filter(|branch| companies.iter().filter(|other| other == branch).count() == 1).count();
        assert_eq!((companies.iter().collect::<std::collections::BTreeSet<_>>().len(), alone), (21, SINGLE));
    }
}
