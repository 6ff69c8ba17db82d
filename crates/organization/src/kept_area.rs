//! Where a property company or a party organization is kept (ORG-06, ORG-15): the city, or an area in force on the day. An area
//! does not end while anything is kept right in it.

use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::{Refusal, Result, Tx};
use schema::{party_organization, property_company};

use crate::code::GridCode;
use crate::{community, grid as grids, subdistrict};

/// An area that is not there.
pub const UNKNOWN: Refusal = Refusal::invalid(
    "kept_area.does_not_exist",
    "区域 {area_code} 不存在;请填写本市,或已登记的街道、社区或网格。",
    "There is no area {area_code}; name the city, or a subdistrict, community or grid that has been entered.",
);
/// An area that has ended, or not begun.
pub const ENDED: Refusal =
    Refusal::invalid("kept_area.not_in_force", "区域 {area_code} 在该日期尚未启用或已终止。", "The area {area_code} is not in force on that day.");
/// Party organizations are kept in a grid.
pub const GRID_HAS_ORGANIZATIONS: Refusal = Refusal::conflict(
    "grid.has_party_organizations",
    "网格自该日起仍管理 {count} 个党组织;请先更改其管理区域。",
    "From that day on {count} party organizations are still kept in the grid; change the area of each first.",
);
/// Companies are kept in a grid.
pub const GRID_HAS_COMPANIES: Refusal = Refusal::conflict(
    "grid.has_property_companies",
    "网格自该日起仍管理 {count} 家物业企业;请先更改其管理区域。",
    "From that day on {count} property companies are still kept in the grid; change the area of each first.",
);
/// Party organizations are kept in a community.
pub const COMMUNITY_HAS_ORGANIZATIONS: Refusal = Refusal::conflict(
    "community.has_party_organizations",
    "社区自该日起仍管理 {count} 个党组织;请先更改其管理区域。",
    "From that day on {count} party organizations are still kept in the community; change the area of each first.",
);
/// Companies are kept in a community.
pub const COMMUNITY_HAS_COMPANIES: Refusal = Refusal::conflict(
    "community.has_property_companies",
    "社区自该日起仍管理 {count} 家物业企业;请先更改其管理区域。",
    "From that day on {count} property companies are still kept in the community; change the area of each first.",
);
/// Party organizations are kept in a subdistrict.
pub const SUBDISTRICT_HAS_ORGANIZATIONS: Refusal = Refusal::conflict(
    "subdistrict.has_party_organizations",
    "街道自该日起仍管理 {count} 个党组织;请先更改其管理区域。",
    "From that day on {count} party organizations are still kept in the subdistrict; change the area of each first.",
);
/// Companies are kept in a subdistrict.
pub const SUBDISTRICT_HAS_COMPANIES: Refusal = Refusal::conflict(
    "subdistrict.has_property_companies",
    "街道自该日起仍管理 {count} 家物业企业;请先更改其管理区域。",
    "From that day on {count} property companies are still kept in the subdistrict; change the area of each first.",
);

/// What keeps an area of one kind from ending: party organizations, and companies.
pub(crate) type Keeping = (&'static Refusal, &'static Refusal);

/// A grid.
pub(crate) const OF_GRID: Keeping = (&GRID_HAS_ORGANIZATIONS, &GRID_HAS_COMPANIES);
/// A community.
pub(crate) const OF_COMMUNITY: Keeping = (&COMMUNITY_HAS_ORGANIZATIONS, &COMMUNITY_HAS_COMPANIES);
/// A subdistrict.
pub(crate) const OF_SUBDISTRICT: Keeping = (&SUBDISTRICT_HAS_ORGANIZATIONS, &SUBDISTRICT_HAS_COMPANIES);

/// Locks the area against its end, and refuses one that does not hold on the day. The city has no end.
pub(crate) async fn host(tx: &Tx<'_>, area: &AreaCode, on: NaiveDate) -> Result<()> {
    let hosted = match GridCode::parse(area.as_str()) {
        Ok(grid) => grids::host(tx, &grid, on).await,
        Err(_) if *area == tx.city => Ok(()),
        Err(_) if area.as_str().len() == 12 => community::host(tx, area.as_str(), on).await,
        // Another city is no subdistrict either.
        Err(_) => subdistrict::host(tx, area.as_str(), on).await,
    };
    hosted.map_err(|error| match error.code() {
        Some(code) if code == grids::UNKNOWN_HERE.code || code == community::UNKNOWN_HERE.code || code == subdistrict::UNKNOWN_HERE.code => {
            UNKNOWN.at("/area_code").with("area_code", area).into()
        }
        Some(_) => ENDED.at("/area_code").with("area_code", area).into(),
        None => error,
    })
}

/// Refuses where party organizations or companies are kept right in an area from a day on: it cannot end then.
pub(crate) async fn none_after(tx: &Tx<'_>, area: &str, (organizations, companies): Keeping, on: NaiveDate) -> Result<()> {
    let there = party_organization::table.filter(party_organization::area_code.eq(area));
    let still = there.filter(party_organization::valid_to.is_null().or(party_organization::valid_to.gt(on)));
    let count = still.select(count_star()).first::<i64>(&mut tx.conn()).await?;
    if count > 0 {
        return Err(organizations.with("count", count).into());
    }
    let there = property_company::table.filter(property_company::area_code.eq(area));
    let still = there.filter(property_company::valid_to.is_null().or(property_company::valid_to.gt(on)));
    let count = still.select(count_star()).first::<i64>(&mut tx.conn()).await?;
    if count > 0 { Err(companies.with("count", count).into()) } else { Ok(()) }
}
