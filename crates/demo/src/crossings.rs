//! Secretaries who were chosen as directors of their owners' committees (ORG-08). Assemblies, votes and filings are invented.

use std::collections::BTreeMap;

use kernel::Result;

use crate::bodies::bodies;
use crate::city::{City, Compound, FOUNDED};
use crate::files::compound_code;
use crate::party::secretaries;

/// So many of them.
const CROSSINGS: usize = 24;
/// The day on which the elections were filed, at the latest thirty days after them.
const FILED: &str = "2022-12-12";
/// Square metres of a dwelling.
const DWELLING: u32 = 108;

/// Writes them: of four one is not filed yet.
pub fn write(city: &City, mut row: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    row(&[
        "compound_code",
        "direction",
        "id_number",
        "valid_from",
        "assembly",
        "elected_on",
        "eligible",
        "attending",
        "agreeing",
        "area_total",
        "area_participating",
        "area_agreeing",
        "filed_on",
        "filed_with",
        "filing_number",
    ])?;
    let compounds: BTreeMap<String, &Compound> =
        city.communities.iter().flat_map(|community| community.compounds.iter().map(move |compound| (compound_code(community, compound), compound))).collect();
    let secretaries = secretaries(city)?;
    let founded = FOUNDED.to_string();
    let committees = bodies(city)?.into_iter().filter(|body| body.kind == "owners_committee");
    let both = committees.filter_map(|body| {
        let director = body.members.first()?.clone();
        (secretaries.get(&body.compound) == Some(&director)).then_some((body.compound, director))
    });
    for (place, (code, director)) in both.take(CROSSINGS).enumerate() {
        let owners = compounds.get(&code).map_or(1, |compound| compound.dwellings.max(1));
        let attending = (2 * owners).div_ceil(3);
        let agreeing = attending / 2 + 1;
        let area = |heads: u32| format!("{}.00", heads * DWELLING);
        let number = format!("示例备2022-{}", place + 1);
        let (filed_on, filed_with, number) = if place % 4 == 3 { ("", "", "") } else { (FILED, "街道办事处(示例)", number.as_str()) };
        row(&[
            &code,
            "secretary_to_director",
            &director,
            &founded,
            "示例业主大会纪要2022-1",
            &founded,
            &owners.to_string(),
            &attending.to_string(),
            &agreeing.to_string(),
            &area(owners),
            &area(attending),
            &area(agreeing),
            filed_on,
            filed_with,
            number,
        ])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_there_shall_be_each_in_another_compound() {
        let mut compounds = std::collections::BTreeSet::new();
        write(&City::plan(1, 1).unwrap(), |cells| {
            assert!(compounds.insert(cells[0].to_owned()), "{}", cells[0]);
            Ok(())
        })
        .unwrap();
        assert_eq!(compounds.len(), CROSSINGS + 1, "with the header");
    }
}
