//! The dwellings of the city, and who owns them: 110,600 at scale 1, a door for each household and some that stand empty.

use std::collections::BTreeMap;

use kernel::Result;

use crate::city::{City, Community, Compound, divide};
use crate::files::{DOORS, ENTRANCE, buildings, compound_code, grid_code};
use crate::people::residents;

/// One of so many dwellings is the developer's still.
const UNSOLD: u32 = 97;

/// A dwelling of the plan.
struct Dwelling<'a> {
    community: &'a Community,
    compound: &'a Compound,
    code: String,
    entrance: u32,
    floor: u32,
    door: u32,
    /// Its place among those of the compound, from 0.
    place: u32,
}

/// Writes the dwellings.
pub fn write(city: &City, mut row: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    row(&["code", "building_unit_no", "room_no", "floor", "exclusive_area", "area_basis", "sold", "valid_from"])?;
    each(city, |Dwelling { compound, code, entrance, floor, door, place, .. }| {
        // 78 to 129 square metres; the mean with what all share is that of the compound.
        let area = format!("{}.{:02}", 78 + place * 17 % 52, place * 7 % 100);
        let basis = if compound.year < 2015 { "register" } else { "survey" };
        let sold = if compound.kind == "commercial" && place % UNSOLD == UNSOLD - 1 { "false" } else { "true" };
        row(&[&code, &entrance.to_string(), &format!("{floor:02}{door:02}"), &floor.to_string(), &area, basis, sold, &format!("{}-06-30", compound.year)])
    })
}

/// Writes who owns them: whom the city knows owns one of his compound, as far as they go round; of the others nobody is recorded.
pub fn write_ownerships(city: &City, mut row: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    row(&["dwelling_code", "id_number", "valid_from"])?;
    let mut owners: BTreeMap<String, _> = residents(city)?.into_iter().map(|(grid, people)| (grid, people.into_iter())).collect();
    each(city, |Dwelling { community, compound, code, .. }| match owners.get_mut(&grid_code(community, compound)).and_then(Iterator::next) {
        Some(owner) => row(&[&code, &owner.id_number, &format!("{}-09-01", compound.year)]),
        None => Ok(()),
    })
}

/// Calls for each dwelling.
fn each(city: &City, mut call: impl FnMut(Dwelling<'_>) -> Result<()>) -> Result<()> {
    let mut parts: BTreeMap<String, std::vec::IntoIter<u32>> = BTreeMap::new();
    let mut places: BTreeMap<String, u32> = BTreeMap::new();
    buildings(city, |community, compound, _, building, households| {
        let key = compound_code(community, compound);
        // What the compound has beyond its households is divided among its buildings as those are.
        let empty = parts.entry(key.clone()).or_insert_with(|| {
            let weights: Vec<u64> = compound.buildings.iter().map(|households| u64::from(*households)).collect();
            divide(compound.dwellings - compound.households, &weights, 0).into_iter()
        });
        let (entrances, count) = (households.div_ceil(ENTRANCE), households + empty.next().unwrap_or(0));
        let place = places.entry(key).or_insert(0);
        for index in 0..count {
            let (entrance, above) = (index % entrances + 1, index / entrances);
            let (floor, door) = (above / DOORS + 1, above % DOORS + 1);
            call(Dwelling { community, compound, code: format!("{building}{entrance:02}{floor:02}{door:02}"), entrance, floor, door, place: *place })?;
            *place += 1;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_as_many_as_there_shall_be_each_with_a_code_of_its_own() {
        let city = City::plan(1, 2).unwrap();
        let (mut codes, mut owned) = (BTreeSet::new(), 0);
        each(&city, |dwelling| {
            assert_eq!(dwelling.code.len(), 23, "{}", dwelling.code);
            assert!(codes.insert(dwelling.code));
            Ok(())
        })
        .unwrap();
        write_ownerships(&city, |_| {
            owned += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!((codes.len(), owned - 1), (110_600, 24_700));
    }
}
