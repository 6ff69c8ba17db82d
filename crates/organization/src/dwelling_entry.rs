//! Entering, changing and ending dwellings; holding one while its owners change (ORG-08).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Date, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy};
use kernel::text::Key;
use kernel::{Ending, Expected, Prepare, Result, Tx, count_after, import, period, within_or_above};
use schema::{dwelling, ownership};

use crate::building;
use crate::code::{BuildingCode, DwellingCode};
use crate::dwelling::{
    AREA_TOO_LARGE, CODE_TAKEN, DOOR_TAKEN, Dwelling, DwellingId, DwellingPatch, ENDED_HERE, HAS_OWNERS, NewDwelling, READ, STANDS_IN, UNKNOWN, UNKNOWN_HERE,
    WRITE,
};

const CONSTRAINTS: &[Constraint] = &[
    ("dwelling_code_key", &CODE_TAKEN, "/code"),
    ("dwelling_door_key", &DOOR_TAKEN, "/room_no"),
    ("dwelling_exclusive_area", &AREA_TOO_LARGE, "/exclusive_area"),
    ("dwelling_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("dwelling_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("dwelling_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("dwelling_years", &period::OUT_OF_YEARS, "/valid_from"),
];

/// Makes a dwelling in the building that its code begins with.
pub async fn create(tx: &Tx<'_>, new: &NewDwelling) -> Result<Dwelling> {
    tx.may_at(WRITE, new.code.community())?;
    let from = new.valid_from.unwrap_or(tx.today());
    // It has no end, so what it stands in has none.
    building::host(tx, new.code.building(), NaiveDate::MAX).await?;
    let dwelling = diesel::insert_into(dwelling::table)
        .values((new, dwelling::id.eq(DwellingId::fresh()), dwelling::valid_from.eq(from)))
        .returning(Dwelling::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    behind_its_door(tx, &dwelling).await?;
    tx.record("dwelling.created", None, &dwelling, None)?;
    Ok(dwelling)
}

/// Changes a dwelling.
pub async fn update(tx: &Tx<'_>, id: DwellingId, expected: Expected, patch: &DwellingPatch) -> Result<Dwelling> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Makes or changes the dwelling that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewDwelling) -> Result<Dwelling> {
    tx.lock(&format!("dwelling {source} {reference}")).await?;
    let known = Dwelling::query().filter(dwelling::source.eq(source).and(dwelling::ref_.eq(reference))).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewDwelling { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            if before.code != new.code {
                return Err(CODE_FIXED.at("/code").with("code", &before.code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends a dwelling on a day. Refused while somebody owns it from that day on.
pub async fn end(tx: &Tx<'_>, id: DwellingId, expected: Expected, ending: &Ending) -> Result<Dwelling> {
    import::hold(tx, &[crate::ownership_sheet::SHEET.resource]).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let owners = count_after!(tx, ownership, dwelling_code, before.code, on);
    if owners > 0 {
        return Err(HAS_OWNERS.with("count", owners).into());
    }
    let after = diesel::update(dwelling::table.find(id))
        .set((dwelling::valid_to.eq(on), dwelling::version.eq(before.version + 1), dwelling::updated_at.eq(tx.now)))
        .returning(Dwelling::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("dwelling.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// Refuses where dwellings are in a building from a day on: it cannot end then.
pub(crate) async fn none_after(tx: &Tx<'_>, building: &BuildingCode, on: NaiveDate) -> Result<()> {
    match count_after!(tx, dwelling, building_code, building, on) {
        0 => Ok(()),
        count => Err(STANDS_IN.with("count", count).into()),
    }
}

/// Refuses where another dwelling was behind the door of one that has just been written, while it is. A key keeps those
/// without an end away, from the writing on; so nothing can come to the door and end before this looks.
async fn behind_its_door(tx: &Tx<'_>, dwelling: &Dwelling) -> Result<()> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    let former = "select exists (select from dwelling d where d.building_code = $1 and d.room_no = $2 and coalesce(d.building_unit_no, '') = $3 \
                  and d.id <> $4 and d.valid_to > $5) as found";
    let former = diesel::sql_query(former)
        .bind::<Text, _>(dwelling.building_code.to_string())
        .bind::<Text, _>(dwelling.room_no.to_string())
        .bind::<Text, _>(dwelling.building_unit_no.as_ref().map_or_else(String::new, ToString::to_string))
        .bind::<SqlUuid, _>(dwelling.id.0)
        .bind::<Date, _>(dwelling.valid_from);
    let found: Found = former.get_result(&mut tx.conn()).await?;
    if found.found { Err(DOOR_TAKEN.at("/room_no").into()) } else { Ok(()) }
}

/// Locks the dwelling whose owners are about to change, so that its shares are added up by one at a time; refuses unless
/// it is there and has no end.
pub(crate) async fn hold(tx: &Tx<'_>, code: &DwellingCode) -> Result<()> {
    let end =
        dwelling::table.filter(dwelling::code.eq(code)).select(dwelling::valid_to).for_update().first::<Option<NaiveDate>>(&mut tx.conn()).await.optional()?;
    match end {
        None => Err(UNKNOWN_HERE.at("/dwelling_code").with("dwelling_code", code).into()),
        Some(None) => Ok(()),
        Some(Some(_)) => Err(ENDED_HERE.at("/dwelling_code").with("dwelling_code", code).into()),
    }
}

/// The dwelling, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: DwellingId) -> Result<Dwelling> {
    let found = Dwelling::query()
        .filter(dwelling::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), dwelling::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let dwelling: Dwelling = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, dwelling.area_code.as_str())?;
    Ok(dwelling)
}

async fn change(tx: &Tx<'_>, before: &Dwelling, patch: &DwellingPatch) -> Result<Dwelling> {
    let after = diesel::update(dwelling::table.find(before.id))
        .set((patch, dwelling::version.eq(before.version + 1), dwelling::updated_at.eq(tx.now)))
        .returning(Dwelling::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    behind_its_door(tx, &after).await?;
    tx.record("dwelling.changed", Some(before), &after, None)?;
    Ok(after)
}
