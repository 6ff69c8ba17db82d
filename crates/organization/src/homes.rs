//! Homes: every column of this domain that holds the code of an area, and what becomes of it when grids are divided anew
//! (ORG-12).

use kernel::manifest::{Home, Rehoming};

use crate::{compound_grid, grid_lineage_sheet, household, party_organization_sheet, person_sheet, property_company_sheet};

/// A column that is computed, or that holds no grid.
const fn computed(table: &'static str, column: &'static str) -> Home {
    Home { table, column, open: "false", rehoming: Rehoming::Computed, resource: None }
}

/// A column that a re-division leaves alone.
const fn kept(table: &'static str, column: &'static str, why: &'static str) -> Home {
    Home { table, column, open: "false", rehoming: Rehoming::Stays(why), resource: None }
}

/// A column that the plan of a re-division writes.
const fn planned(table: &'static str, column: &'static str, open: &'static str, resource: Option<&'static str>) -> Home {
    Home { table, column, open, rehoming: Rehoming::Planned, resource }
}

/// What has no end, or a later one.
const STANDING: &str = "t.valid_to is null or t.valid_to > $3";

/// The columns of this domain.
pub const HOMES: &[Home] = &[
    computed("building", "area_code"),
    computed("charter_inclusion", "area_code"),
    computed("compound", "area_code"),
    computed("compound_handover", "area_code"),
    computed("cross_appointment", "area_code"),
    planned("compound_grid", "grid_code", STANDING, Some(compound_grid::SHEET.resource)),
    computed("dwelling", "area_code"),
    computed("governance_body", "area_code"),
    computed("governance_body_member", "area_code"),
    computed("grid_lineage", "area_code"),
    planned("grid_lineage", "new_code", "false", Some(grid_lineage_sheet::SHEET.resource)),
    planned("grid_lineage", "old_code", "false", Some(grid_lineage_sheet::SHEET.resource)),
    computed("grid_redivision", "area_code"),
    kept("grid_redivision_building", "grid_code", "A plan says what was decided."),
    kept("grid_redivision_household", "grid_code", "A plan says what was decided."),
    computed("household", "area_code"),
    planned("household", "grid_code", STANDING, Some(household::SHEET.resource)),
    planned("household_grid", "grid_code", STANDING, Some(household::SHEET.resource)),
    computed("ownership", "area_code"),
    Home {
        table: "party_organization",
        column: "area_code",
        open: STANDING,
        rehoming: Rehoming::Follows,
        resource: Some(party_organization_sheet::SHEET.resource),
    },
    Home {
        table: "person",
        column: "area_code",
        open: "t.merged_into is null and (t.valid_to is null or t.valid_to > $3)",
        rehoming: Rehoming::Follows,
        resource: Some(person_sheet::SHEET.resource),
    },
    computed("person", "grid_code"),
    kept("policy_document", "area_code", "A document was issued for the area that it names."),
    Home {
        table: "property_company",
        column: "area_code",
        open: STANDING,
        rehoming: Rehoming::Follows,
        resource: Some(property_company_sheet::SHEET.resource),
    },
    computed("property_project", "area_code"),
];
