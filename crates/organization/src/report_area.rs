//! The area that a report speaks of: one that there is, within the caller's.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;
use kernel::{AreaCode, Permission, Refusal, Result, View};

/// The area that was asked for is not there, or not the caller's.
pub const UNKNOWN: Refusal = Refusal::not_found(
    "report.unknown_area",
    "没有该区域,或它不在您的区域内;请用 area_code 说明您的区域。",
    "There is no such area, or it is not within yours; name your own with area_code.",
);

/// The area that is asked about, the whole city unless said; refused as `unknown` where it is not there, or where the caller
/// has not the permission in all of it.
pub(crate) async fn known(view: &View<'_>, permission: Permission, asked: Option<&AreaCode>, unknown: &'static Refusal) -> Result<AreaCode> {
    #[derive(QueryableByName)]
    struct Known {
        #[diesel(sql_type = Bool)]
        known: bool,
    }
    let scope = view.may(permission)?;
    let area = asked.unwrap_or(&view.city);
    let known = "select exists (select from subdistrict where code = $1 union all select from community where code = $1 union all select from grid where code = $1) as known";
    if !scope.covers(area.as_str()) || *area != view.city && !diesel::sql_query(known).bind::<Text, _>(area).get_result::<Known>(&mut view.conn()).await?.known
    {
        return Err(unknown.into());
    }
    Ok(area.clone())
}
