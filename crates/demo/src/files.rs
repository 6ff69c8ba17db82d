//! The city as import files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use kernel::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::bodies::bodies;
use crate::city::{City, Community, Compound, FOUNDED};
use crate::division::lines;
use crate::services::{COMMERCIAL, COMMUNITIES, companies, projects};
use crate::{charters, crossings, dwellings, handovers, party, people};

/// Since when the grids of before were there.
const BEFORE: &str = "2000-01-01";
/// Doors on a floor of one entrance.
pub(crate) const DOORS: u32 = 4;
/// Households that an entrance serves, about.
pub(crate) const ENTRANCE: u32 = 26;

/// The documents that the seed names; numbers and days are invented.
const DOCUMENTS: [(&str, &str, &str); 3] = [
    ("示例〔2022〕1号", "关于深化街道“大工委”和社区“大党委”工作机制的通知", "2022-03-01"),
    ("示例〔2022〕2号", "麻城市小区经费管理使用办法(试行)", "2022-06-01"),
    ("示例〔2022〕3号", "关于落实党建引领社区治理“百日攻坚行动”优化社区网格设置工作的通知", "2022-11-25"),
];

/// Writes the rows of one resource.
pub fn write(city: &City, resource: &str, file: File) -> Result<()> {
    let failed = |error: csv::Error| Error::Internal(format!("demo file: {error}"));
    let mut rows = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(file);
    let founded = FOUNDED.to_string();
    let mut row = |cells: &[&str]| rows.write_record(cells).map_err(failed);
    let compounds = || city.communities.iter().flat_map(|community| community.compounds.iter().map(move |compound| (community, compound)));
    match resource {
        "subdistricts" => {
            row(&["code", "name", "valid_from"])?;
            city.subdistricts.iter().try_for_each(|(code, name)| row(&[code, name, "2000-01-01"]))?;
        }
        "communities" => {
            row(&["code", "subdistrict_code", "name", "valid_from"])?;
            city.communities.iter().try_for_each(|community| row(&[&community.code, &community.subdistrict, &community.name, "2000-01-01"]))?;
        }
        "grids" => {
            row(&["code", "name", "kind", "valid_from"])?;
            let lines = lines(city);
            let unchanged: BTreeSet<_> =
                lines.iter().filter(|line| line.kind == "unchanged").filter_map(|line| Some((&line.community.code, line.new?))).collect();
            compounds().try_for_each(|(community, compound)| {
                let from = if unchanged.contains(&(&community.code, compound.number)) { BEFORE } else { &founded };
                row(&[&grid_code(community, compound), &format!("{}第{}网格", community.name, compound.number), "urban", from])
            })?;
            let gone: BTreeMap<_, _> =
                lines.iter().filter(|line| line.kind != "unchanged").filter_map(|line| Some(((&line.community.code, line.old?), line.community))).collect();
            gone.into_iter().try_for_each(|((code, number), community)| {
                row(&[&format!("{code}{number:03}"), &format!("{}原第{}网格", community.name, number - 500), "urban", BEFORE])
            })?;
        }
        "compounds" => {
            row(&["code", "name", "kind", "address", "delivered_on", "floor_area", "gated", "valid_from"])?;
            compounds().try_for_each(|(community, compound)| {
                let delivered = format!("{}-06-30", compound.year);
                // 108 m² a dwelling and a tenth for what all share.
                let area = format!("{}.00", compound.dwellings * 119);
                let gated = if matches!(compound.kind, "commercial" | "work_unit_housing") { "true" } else { "false" };
                let address = format!("{}路{}号", community.name.trim_end_matches("社区"), compound.number * 7);
                row(&[&compound_code(community, compound), &compound.name, compound.kind, &address, &delivered, &area, gated, &delivered])
            })?;
        }
        "compound-grids" => {
            row(&["compound_code", "grid_code", "valid_from"])?;
            compounds().try_for_each(|(community, compound)| row(&[&compound_code(community, compound), &grid_code(community, compound), &founded]))?;
        }
        "buildings" => {
            row(&["code", "compound_code", "name", "floors_above", "building_units", "dwellings", "built_year", "valid_from"])?;
            buildings(city, |community, compound, number, code, households| {
                let entrances = households.div_ceil(ENTRANCE);
                let dwellings = compound.dwellings * households / compound.households.max(1);
                row(&[
                    code,
                    &compound_code(community, compound),
                    &format!("{number}栋"),
                    &floors(households).to_string(),
                    &entrances.to_string(),
                    &dwellings.to_string(),
                    &compound.year.to_string(),
                    &format!("{}-06-30", compound.year),
                ])
            })?;
        }
        "households" => {
            row(&["code", "grid_code", "name", "residents", "valid_from"])?;
            let mut random = ChaCha8Rng::seed_from_u64(city.seed ^ 0x005e_ed0f_40e5);
            buildings(city, |community, compound, _, code, households| {
                let grid = grid_code(community, compound);
                let entrances = households.div_ceil(ENTRANCE);
                (0..households).try_for_each(|index| {
                    let (entrance, place) = (index % entrances, index / entrances);
                    let (floor, door) = (place / DOORS + 1, place % DOORS + 1);
                    let residents = [1, 2, 2, 3, 3, 3, 3, 4, 4, 5].get(random.random_range(0..10_usize)).copied().unwrap_or(3).to_string();
                    let own = format!("{code}{:02}{floor:02}{door:02}", entrance + 1);
                    row(&[&own, &grid, &format!("{}单元{floor:02}{door:02}", entrance + 1), &residents, &founded])
                })
            })?;
        }
        "dwellings" => dwellings::write(city, row)?,
        "ownerships" => dwellings::write_ownerships(city, row)?,
        "people" => people::write(city, row)?,
        "party-organizations" => party::write(city, &founded, row)?,
        "party-organization-buildings" => party::write_buildings(city, &founded, row)?,
        "party-posts" => party::write_posts(city, &founded, row)?,
        "party-memberships" => people::write_memberships(city, row)?,
        "property-companies" => {
            row(&["code", "name", "kind", "founder_community_code", "party_branch_code", "valid_from"])?;
            companies(city)?.iter().enumerate().try_for_each(|(place, company)| {
                let branch = party::branch_of(place, COMMERCIAL + COMMUNITIES);
                row(&[&company.code, &company.name, company.kind, company.founder.as_deref().unwrap_or_default(), &branch, &founded])
            })?;
        }
        "property-projects" => {
            row(&["compound_code", "company_code", "kind", "valid_from"])?;
            projects(city)?.iter().try_for_each(|project| {
                row(&[&compound_code(project.community, project.compound), project.company.as_deref().unwrap_or_default(), project.kind, &founded])
            })?;
        }
        "grid-lineages" => {
            row(&["kind", "old_code", "new_code", "valid_from", "reason"])?;
            lines(city).iter().try_for_each(|line| {
                let code = |number: Option<u32>| number.map(|number| format!("{}{number:03}", line.community.code)).unwrap_or_default();
                row(&[line.kind, &code(line.old), &code(line.new), &founded, "优化社区网格设置"])
            })?;
        }
        "governance-bodies" => {
            row(&["compound_code", "kind", "name", "seats", "valid_from"])?;
            bodies(city)?.iter().try_for_each(|body| row(&[&body.compound, body.kind, &body.name, &body.members.len().to_string(), &founded]))?;
        }
        "governance-body-members" => {
            row(&["compound_code", "body_kind", "id_number", "role", "valid_from"])?;
            for body in bodies(city)? {
                for (place, member) in body.members.iter().enumerate() {
                    let role = match place {
                        0 => "director",
                        1 if body.members.len() > 3 => "deputy_director",
                        _ => "member",
                    };
                    row(&[&body.compound, body.kind, member, role, &founded])?;
                }
            }
        }
        "policy-documents" => {
            row(&["number", "title", "issuer", "issued_on", "valid_from"])?;
            DOCUMENTS.iter().try_for_each(|(number, title, issued_on)| row(&[number, title, "麻城市(示例)", issued_on, issued_on]))?;
        }
        "charter-inclusions" => charters::write(city, row)?,
        "handovers" => handovers::write(city, row)?,
        "cross-appointments" => crossings::write(city, row)?,
        other => return Err(Error::Internal(format!("the demo city has no {other}"))),
    }
    rows.flush().map_err(|error| Error::Internal(format!("demo file: {error}")))
}

fn floors(households: u32) -> u32 {
    let entrances = households.div_ceil(ENTRANCE).max(1);
    households.div_ceil(entrances * DOORS)
}

/// Calls for each building with its number in the compound, its code and its households.
pub(crate) fn buildings(city: &City, mut each: impl FnMut(&Community, &Compound, u32, &str, u32) -> Result<()>) -> Result<()> {
    for community in &city.communities {
        let mut place = 0;
        for compound in &community.compounds {
            for (number, households) in (1..).zip(&compound.buildings) {
                place += 1;
                each(community, compound, number, &format!("{}{place:05}", community.code), *households)?;
            }
        }
    }
    Ok(())
}

pub(crate) fn grid_code(community: &Community, compound: &Compound) -> String {
    format!("{}{:03}", community.code, compound.number)
}

pub(crate) fn compound_code(community: &Community, compound: &Compound) -> String {
    format!("{}X{:03}", community.code, compound.number)
}
