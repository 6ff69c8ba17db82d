//! First days: nothing in a grid, a compound, a governance body or a party organization begins before it does, whichever of the
//! two is moved (ORG-05, ORG-06, ORG-14, ORG-17), nor does what shows that a set-up of a hand-over is done (ORG-11).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;
use kernel::{Error, Result, Tx, import};

use crate::handover_proof::INTO_HANDOVERS;
use crate::{
    compound_grid, compound_handover_sheet, governance_body_member_sheet, household, party_group_building_sheet, party_organization_sheet, party_post_sheet,
    property_project_sheet,
};

/// What brings what keeps a grid from ending.
pub(crate) const STAND_IN_GRIDS: &[&str] = &[
    compound_grid::SHEET.resource,
    household::SHEET.resource,
    party_organization_sheet::SHEET.resource,
    crate::person_sheet::SHEET.resource,
    crate::property_company_sheet::SHEET.resource,
];
/// What brings things with a first day into grids.
pub(crate) const INTO_GRIDS: &[&str] = &[compound_grid::SHEET.resource, household::SHEET.resource];
/// The same for compounds.
pub(crate) const INTO_COMPOUNDS: &[&str] = &[compound_grid::SHEET.resource, property_project_sheet::SHEET.resource];
/// The same for governance bodies, which hand-overs name.
pub(crate) const INTO_BODIES: &[&str] = &[governance_body_member_sheet::SHEET.resource, compound_handover_sheet::SHEET.resource];
/// The same for party organizations, which stand in one another, and which hand-overs name.
pub(crate) const INTO_PARTY_ORGANIZATIONS: &[&str] = &[
    party_organization_sheet::SHEET.resource,
    party_post_sheet::SHEET.resource,
    party_group_building_sheet::SHEET.resource,
    compound_handover_sheet::SHEET.resource,
];

/// Whose first days this transaction has moved to later ones, as its journal tells, and which projects serve in another way; $1 is
/// the action.
const MOVED: &str = "select object_id as id from journal where xid = pg_current_xact_id() and action = $1 \
     and ((change #>> '{valid_from,to}')::date > (change #>> '{valid_from,from}')::date or action = 'property_project.changed' and change -> 'kind' is not null)";

/// Where a first day may move, no import may put anything before it meanwhile.
pub(crate) async fn hold(tx: &Tx<'_>, moved_to: Option<NaiveDate>, into: &[&str]) -> Result<()> {
    if moved_to.is_some() { import::hold(tx, into).await } else { Ok(()) }
}

/// After an import of grids: holds what is imported into those that it moved, and looks whether something came before.
pub(crate) async fn settle_grids(tx: &Tx<'_>) -> Result<()> {
    let early = "select from moved join grid g using (id) where exists (select from household_grid h where h.grid_code = g.code and h.valid_from < g.valid_from) \
         or exists (select from compound_grid l where l.grid_code = g.code and l.valid_from < g.valid_from)";
    settle(tx, "grid.changed", INTO_GRIDS, early).await
}

/// The same for compounds.
pub(crate) async fn settle_compounds(tx: &Tx<'_>) -> Result<()> {
    let early = "select from moved join compound c using (id) where exists (select from compound_grid l where l.compound_code = c.code and l.valid_from < c.valid_from) \
         or exists (select from property_project s where s.compound_code = c.code and s.valid_from < c.valid_from)";
    settle(tx, "compound.changed", INTO_COMPOUNDS, early).await
}

/// The same for governance bodies.
pub(crate) async fn settle_bodies(tx: &Tx<'_>) -> Result<()> {
    let early = "select from moved join governance_body b using (id) \
         where exists (select from governance_body_member m where m.governance_body_id = b.id and m.valid_from < b.valid_from) \
         or exists (select from compound_handover h where h.governance_body_id = b.id and h.state <> 'rejected' and h.owners_body_done_on < b.valid_from)";
    settle(tx, "governance_body.changed", INTO_BODIES, early).await
}

/// The same for property projects.
pub(crate) async fn settle_projects(tx: &Tx<'_>) -> Result<()> {
    let early = "select from moved join property_project s using (id) \
         where exists (select from compound_handover h where h.property_project_id = s.id and h.state <> 'rejected' \
         and (h.property_company_done_on < s.valid_from or s.kind <> 'full_service'))";
    settle(tx, "property_project.changed", INTO_HANDOVERS, early).await
}

/// The same for party organizations; imports of these are one at a time, so those of posts, buildings and hand-overs are what is held.
pub(crate) async fn settle_party_organizations(tx: &Tx<'_>) -> Result<()> {
    let early = "select from moved join party_organization o using (id) \
         where exists (select from party_organization c where c.parent_code = o.code and c.valid_from < o.valid_from) \
         or exists (select from party_post p where p.organization_code = o.code and p.valid_from < o.valid_from) \
         or exists (select from party_group_building l where l.organization_code = o.code and l.valid_from < o.valid_from) \
         or exists (select from compound_handover h where h.party_organization_id = o.id and h.state <> 'rejected' and h.party_organization_done_on < o.valid_from)";
    let into = [party_post_sheet::SHEET.resource, party_group_building_sheet::SHEET.resource, compound_handover_sheet::SHEET.resource];
    settle(tx, "party_organization.changed", &into, early).await
}

async fn settle(tx: &Tx<'_>, action: &str, into: &[&str], early: &str) -> Result<()> {
    if !any(tx, action, "select from moved").await? {
        return Ok(());
    }
    import::hold(tx, into).await?;
    // The check of the rows cannot have seen it. Run again, it does.
    if any(tx, action, early).await? { Err(Error::again("something came into what an import moved")) } else { Ok(()) }
}

/// Whether a query over what was moved finds a row.
async fn any(tx: &Tx<'_>, action: &str, query: &str) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    let query = diesel::sql_query(format!("with moved as ({MOVED}) select exists ({query}) as found")).bind::<Text, _>(action);
    Ok(query.get_result::<Found>(&mut tx.conn()).await?.found)
}
