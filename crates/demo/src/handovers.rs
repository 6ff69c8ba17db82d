//! Hand-overs of the newest compounds that were built for sale (ORG-11). Developers, days and areas are invented.

use std::collections::BTreeSet;

use kernel::Result;

use crate::bodies::bodies;
use crate::city::{City, FOUNDED};
use crate::files::compound_code;
use crate::services::projects;

/// So many of them.
const HANDOVERS: usize = 12;
/// The day on which all of them were handed over, and that on which they were accepted.
const HANDED_OVER: &str = "2023-06-30";
const ACCEPTED: &str = "2023-07-10";
/// After the first of these days.
const LATER: &str = "2023-07-05";

/// Writes them: of four one has its party organization deferred, one had it late, and two were synchronous.
pub fn write(city: &City, mut row: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    row(&[
        "compound_code",
        "developer",
        "handed_over_on",
        "accepted_on",
        "party_organization_done_on",
        "party_organization_deferred_to",
        "party_organization_signed_by",
        "party_organization_note",
        "owners_body_done_on",
        "property_company_done_on",
        "property_room_area",
        "community_room_area",
        "documents_received",
    ])?;
    let governed: BTreeSet<String> = bodies(city)?.into_iter().filter(|body| body.kind == "owners_committee").map(|body| body.compound).collect();
    let mut newest: Vec<(i32, String)> = projects(city)?
        .iter()
        .filter(|project| project.kind == "full_service" && project.compound.kind == "commercial")
        .map(|project| (project.compound.year, compound_code(project.community, project.compound)))
        .filter(|(_, code)| governed.contains(code))
        .collect();
    newest.sort_unstable();
    let founded = FOUNDED.to_string();
    for (place, (_, code)) in newest.iter().rev().take(HANDOVERS).enumerate() {
        let (done_on, deferred_to, signed_by, note) = match place % 4 {
            0 => ("", "2023-12-31", "街道办事处(示例)", "入住党员不足三人"),
            1 => (LATER, "", "", ""),
            _ => (founded.as_str(), "", "", ""),
        };
        row(&[
            code,
            "麻城市示例房地产开发有限公司",
            HANDED_OVER,
            ACCEPTED,
            done_on,
            deferred_to,
            signed_by,
            note,
            &founded,
            &founded,
            "180.00",
            "320.00",
            "true",
        ])?;
    }
    Ok(())
}
