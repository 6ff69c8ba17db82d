//! Buildings that move to another compound: not while a building group of the Party answers for one, or a hub household is in
//! it, as both are of the compound that it would leave (ORG-06).

use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use kernel::{Error, Refusal, Result, Tx, count_after, import};
use schema::{party_group_building, party_organization};

use crate::code::BuildingCode;
use crate::party_group_building::BUILDING_HAS;
use crate::{party_group_building_sheet, party_organization_sheet};

/// A hub keeps a building in its compound.
pub const HAS_HUB: Refusal = Refusal::conflict(
    "building.has_party_hub",
    "该楼栋内有党员中心户,不能改属其他小区;请先终止该中心户。",
    "A household of the building is a hub of the Party, so the building cannot be put into another compound; end the hub first.",
);

/// In an import: a building moves that a group answers for.
pub(crate) const FROM_GROUP: &str = "i.compound_code <> (i.was).compound_code and exists (select from party_group_building g \
    where g.building_code = i.code and (g.valid_to is null or g.valid_to > (now() at time zone 'Asia/Shanghai')::date))";
/// In an import: a building moves that a hub is in.
pub(crate) const FROM_HUB: &str = "i.compound_code <> (i.was).compound_code and exists (select from party_organization o \
    where o.household_code >= i.code and o.household_code < i.code || ':' \
    and (o.valid_to is null or o.valid_to > (now() at time zone 'Asia/Shanghai')::date))";

/// Which buildings this transaction has put into other compounds, as its journal tells.
const MOVED: &str = "select object_id as id from journal where xid = pg_current_xact_id() and action = 'building.changed' \
    and change -> 'compound_code' is not null";

/// Where a building may move, no import may put a hub into it, or give it to a group, meanwhile. Called before rows are locked.
pub(crate) async fn hold(tx: &Tx<'_>) -> Result<()> {
    import::hold(tx, &[party_organization_sheet::SHEET.resource, party_group_building_sheet::SHEET.resource]).await
}

/// Refuses where a group answers for a locked building, or a hub is in it, today or later.
pub(crate) async fn free(tx: &Tx<'_>, building: &BuildingCode) -> Result<()> {
    let today = tx.today();
    let groups = count_after!(tx, party_group_building, building_code, building, today);
    if groups > 0 {
        return Err(BUILDING_HAS.at("/compound_code").into());
    }
    let hubs = party_organization::table
        .filter(party_organization::household_code.like(format!("{}%", building.as_str())))
        .filter(party_organization::valid_to.is_null().or(party_organization::valid_to.gt(today)));
    match hubs.select(diesel::dsl::count_star()).first::<i64>(&mut tx.conn()).await? {
        0 => Ok(()),
        _ => Err(HAS_HUB.at("/compound_code").into()),
    }
}

/// After an import of buildings: holds what is imported into those that it moved, and looks whether something came before.
pub(crate) async fn settle(tx: &Tx<'_>) -> Result<()> {
    if !any(tx, "select from moved").await? {
        return Ok(());
    }
    hold(tx).await?;
    let taken = "select from moved join building b using (id) where exists (select from party_group_building g where g.building_code = b.code \
             and (g.valid_to is null or g.valid_to > (now() at time zone 'Asia/Shanghai')::date)) \
         or exists (select from party_organization o where o.household_code >= b.code and o.household_code < b.code || ':' \
             and (o.valid_to is null or o.valid_to > (now() at time zone 'Asia/Shanghai')::date))";
    // The check of the rows cannot have seen it. Run again, it does.
    if any(tx, taken).await? { Err(Error::again("a group or a hub came into a building that an import moved")) } else { Ok(()) }
}

/// Whether a query over what was moved finds a row.
async fn any(tx: &Tx<'_>, query: &str) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    let query = diesel::sql_query(format!("with moved as ({MOVED}) select exists ({query}) as found"));
    Ok(query.get_result::<Found>(&mut tx.conn()).await?.found)
}
