//! Who deliberates and decides in the compounds of the city: 1,106 people at scale 1, 770 of them in the Party.

use kernel::{Error, Result};

use crate::city::{City, Compound};
use crate::people::{Resident, residents};

/// Compounds of one copy of the city.
const COMPOUNDS: usize = 255;
/// Bodies of a copy by size, the largest compounds first: how many, of how many members, how many of those in the Party.
const SIZES: [(usize, usize, usize); 5] = [(18, 7, 5), (71, 5, 4), (63, 5, 3), (1, 4, 3), (102, 3, 2)];
/// So many of the largest compounds have an owners' committee; the others a council.
const COMMITTEES: usize = 121;

/// A body of the plan.
pub struct Body {
    pub compound: String,
    pub name: String,
    pub kind: &'static str,
    /// Identity numbers, the director's first.
    pub members: Vec<String>,
}

/// The bodies of the city, one a compound.
pub fn bodies(city: &City) -> Result<Vec<Body>> {
    let mut residents = residents(city)?;
    let all: Vec<(String, String, &Compound)> = city
        .communities
        .iter()
        .flat_map(|community| {
            let codes = |compound| (crate::files::compound_code(community, compound), crate::files::grid_code(community, compound));
            community.compounds.iter().map(move |compound| (codes(compound).0, codes(compound).1, compound))
        })
        .collect();
    let mut bodies = Vec::new();
    for copy in all.chunks(COMPOUNDS) {
        let mut copy: Vec<_> = copy.iter().collect();
        copy.sort_by_key(|(.., compound)| std::cmp::Reverse(compound.households));
        let sizes = SIZES.iter().flat_map(|(count, size, in_party)| std::iter::repeat_n((*size, *in_party), *count));
        for (place, ((code, grid, compound), (size, in_party))) in copy.into_iter().zip(sizes).enumerate() {
            let of_the_grid = residents.get_mut(grid).ok_or_else(|| Error::Internal(format!("nobody lives in {grid}")))?;
            let mut members = take(of_the_grid, true, in_party);
            members.extend(take(of_the_grid, false, size - in_party));
            // A small grid may not have them all; its neighbours do.
            for (wanted, many) in [(true, in_party), (false, size - in_party)] {
                let missing = many.saturating_sub(members.iter().filter(|member| member.in_party == wanted).count());
                let near = grid.get(..12).unwrap_or_default();
                let neighbours = residents.iter_mut().filter(|(code, _)| code.starts_with(near)).flat_map(|(_, people)| take(people, wanted, missing));
                members.extend(neighbours.take(missing).collect::<Vec<_>>());
            }
            let (kind, label) = if place < COMMITTEES { ("owners_committee", "业主委员会") } else { ("party_mass_council", "党群议事会") };
            let members = members.into_iter().map(|member| member.id_number).collect();
            bodies.push(Body { compound: code.clone(), name: format!("{}{label}", compound.name), kind, members });
        }
    }
    bodies.sort_by(|a, b| a.compound.cmp(&b.compound));
    Ok(bodies)
}

/// Takes the first so many who are in the Party, or are not.
fn take(people: &mut Vec<Resident>, in_party: bool, many: usize) -> Vec<Resident> {
    let mut left = many;
    people
        .extract_if(.., |person| {
            let wanted = left > 0 && person.in_party == in_party;
            left -= usize::from(wanted);
            wanted
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_sums_are_those_of_the_seed() {
        for scale in [1, 2] {
            let city = City::plan(u32::try_from(scale).unwrap(), 4).unwrap();
            let in_party: BTreeSet<String> =
                residents(&city).unwrap().into_values().flatten().filter(|person| person.in_party).map(|person| person.id_number).collect();
            let bodies = bodies(&city).unwrap();
            let members: Vec<&String> = bodies.iter().flat_map(|body| &body.members).collect();
            assert_eq!((bodies.len(), members.len()), (255 * scale, 1_106 * scale));
            assert_eq!(members.iter().filter(|member| in_party.contains(**member)).count(), 770 * scale);
            assert_eq!(members.iter().collect::<BTreeSet<_>>().len(), members.len(), "nobody sits twice");
            assert_eq!(bodies.iter().filter(|body| body.kind == "owners_committee").count(), 121 * scale);
        }
    }
}
