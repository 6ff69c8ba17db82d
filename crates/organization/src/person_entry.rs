//! Entering, changing and ending people: one person once, whoever enters him, and however many at a time.

use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::change::{Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy};
use kernel::personal::{Clear, Keeper, Kept};
use kernel::text::{Key, Line};
use kernel::{Ending, Expected, Prepare, Refusal, Result, Tx, period, within};
use schema::person;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::code::GridCode;
use crate::id_number::{self, ID_NUMBER, IdKind};
use crate::person::{
    ALREADY, ALREADY_ELSEWHERE, HOME_ENDED, HOME_UNKNOWN, HomeCode, KIND_WITHOUT_NUMBER, MERGED, NewPerson, Person, PersonId, PersonName, PersonPatch, READ,
    Row, UNKNOWN, WRITE, find,
};
use crate::phone::PHONE;
use crate::{community, grid as grids};

/// The return of a person who had ended.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reopening {
    /// Why; kept in the journal.
    #[schema(example = "迁回本社区")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Somebody who has not ended does not come back.
pub const NOT_ENDED: Refusal = Refusal::conflict("person.not_ended", "该人员没有终止,无须恢复。", "The person has not ended, so there is nothing to reopen.");

/// What the constraints of the table mean.
pub(crate) const CONSTRAINTS: &[Constraint] = &[
    ("person_id_number_key", &ALREADY_ELSEWHERE, "/id_number"),
    ("person_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("person_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("person_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("person_years", &period::OUT_OF_YEARS, "/valid_from"),
];

/// Enters a person in his community or grid.
pub async fn create(tx: &Tx<'_>, new: &NewPerson) -> Result<Person> {
    tx.may_at(WRITE, new.area_code.as_str())?;
    let from = new.valid_from.unwrap_or(tx.today());
    host(tx, &new.area_code, from.max(tx.today())).await?;
    let keeper = Keeper::of(tx).await?;
    let kind = new.id_kind.unwrap_or(IdKind::ResidentId);
    let row = diesel::insert_into(person::table)
        .values((
            (person::id.eq(PersonId::fresh()), person::name.eq(&new.name), person::area_code.eq(&new.area_code), person::valid_from.eq(from)),
            (person::id_kind.eq(kind), person::id_number.eq(keep_number(tx, &keeper, new.id_number.as_ref(), kind, None).await?)),
            person::phone.eq(keep_phone(&keeper, new.phone.as_ref())?),
            (person::source.eq(&new.source), person::ref_.eq(&new.reference)),
        ))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    let person = row.show(tx)?;
    tx.record("person.created", None, &person, None)?;
    Ok(person)
}

/// Changes a person.
pub async fn update(tx: &Tx<'_>, id: PersonId, expected: Expected, patch: &PersonPatch) -> Result<Person> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Enters or changes the person that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewPerson) -> Result<Person> {
    tx.lock(&format!("person {source} {reference}")).await?;
    let known = person::table.filter(person::source.eq(source).and(person::ref_.eq(reference))).select(person::id);
    match known.first(&mut tx.conn()).await.optional()? {
        None => create(tx, &NewPerson { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(id) => {
            let before = lock(tx, id).await?;
            period::still_open(before.valid_to)?;
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends the keeping of a person on a day: he has died or moved away.
pub async fn end(tx: &Tx<'_>, id: PersonId, expected: Expected, ending: &Ending) -> Result<Person> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    set_end(tx, &before, Some(on), "person.ended", ending.reason.as_str()).await
}

/// Takes the end off a person: he is back, or it was a mistake.
pub async fn reopen(tx: &Tx<'_>, id: PersonId, expected: Expected, reopening: &Reopening) -> Result<Person> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    if before.valid_to.is_none() {
        return Err((&NOT_ENDED).into());
    }
    set_end(tx, &before, None, "person.reopened", reopening.reason.as_str()).await
}

async fn set_end(tx: &Tx<'_>, before: &Person, on: Option<NaiveDate>, action: &'static str, reason: &str) -> Result<Person> {
    let row = diesel::update(person::table.find(before.id))
        .set((person::valid_to.eq(on), person::version.eq(before.version + 1), person::updated_at.eq(tx.now)))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    let after = row.show(tx)?;
    tx.record(action, Some(before), &after, Some(reason))?;
    Ok(after)
}

/// How many people a community or grid answers for from a day on.
pub(crate) async fn answered_for(tx: &Tx<'_>, area: &str, on: NaiveDate) -> Result<i64> {
    let there = person::table.filter(person::area_code.eq(area).and(person::merged_into.is_null()));
    let still = there.filter(person::valid_to.is_null().or(person::valid_to.gt(on)));
    Ok(still.select(count_star()).first(&mut tx.conn()).await?)
}

/// The person, locked, of a caller who may write him. An entry that was merged is refused by name.
pub(crate) async fn lock(tx: &Tx<'_>, id: PersonId) -> Result<Person> {
    let scope = tx.scope(&[READ, WRITE]);
    let found = Row::query().filter(person::id.eq(id)).filter(within!(scope, person::area_code)).for_update().first(&mut tx.conn()).await.optional()?;
    let row: Row = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, row.area_code.as_str())?;
    if let Some(survivor) = row.merged_into {
        return Err(MERGED.with("id", survivor).into());
    }
    row.show(tx)
}

#[derive(AsChangeset)]
#[diesel(table_name = person)]
struct Changeset<'a> {
    name: Option<&'a PersonName>,
    id_kind: Option<IdKind>,
    id_number: Option<Option<Kept>>,
    phone: Option<Option<Kept>>,
    area_code: Option<&'a HomeCode>,
    valid_from: Option<NaiveDate>,
    source: Option<Option<&'a Key>>,
    ref_: Option<Option<&'a Key>>,
}

async fn change(tx: &Tx<'_>, before: &Person, patch: &PersonPatch) -> Result<Person> {
    if let Some(area) = patch.area_code.as_ref().filter(|area| **area != before.area_code) {
        tx.may_at(WRITE, area.as_str())?;
        host(tx, area, tx.today().max(before.valid_from)).await?;
    }
    if patch.id_kind.is_some() && patch.id_number.is_none() {
        return Err(KIND_WITHOUT_NUMBER.at("/id_number").into());
    }
    let keeper = Keeper::of(tx).await?;
    let kind = patch.id_kind.unwrap_or(before.id_kind);
    let id_number = match &patch.id_number {
        Some(number) => Some(keep_number(tx, &keeper, number.as_ref(), kind, Some(before.id)).await?),
        None => None,
    };
    let changes = Changeset {
        name: patch.name.as_ref(),
        id_kind: patch.id_kind,
        id_number,
        phone: patch.phone.as_ref().map(|phone| keep_phone(&keeper, phone.as_ref())).transpose()?,
        area_code: patch.area_code.as_ref(),
        valid_from: patch.valid_from,
        source: patch.source.as_ref().map(Option::as_ref),
        ref_: patch.reference.as_ref().map(Option::as_ref),
    };
    let row = diesel::update(person::table.find(before.id))
        .set((changes, person::version.eq(before.version + 1), person::updated_at.eq(tx.now)))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    let after = row.show(tx)?;
    tx.record("person.changed", Some(before), &after, None)?;
    Ok(after)
}

/// Seals a number that nobody else has: whoever has it is named to those who may see him.
async fn keep_number(tx: &Tx<'_>, keeper: &Keeper, number: Option<&Clear>, kind: IdKind, of: Option<PersonId>) -> Result<Option<Kept>> {
    let Some(number) = number else { return Ok(None) };
    let clear = id_number::read(number.expose(), kind, tx.today()).map_err(|refused| refused.at("/id_number"))?;
    let kept = keeper.keep(&ID_NUMBER, &clear)?;
    // Two who enter the same person at once: the second waits here, and meets the first.
    tx.lock(&format!("person {}", kept.fingerprint())).await?;
    let other = person::table.filter(person::id_number_hash.eq(kept.hash()).and(person::merged_into.is_null())).select(person::id);
    match other.first::<PersonId>(&mut tx.conn()).await.optional()? {
        Some(other) if Some(other) != of => Err(match find(tx, other, READ).await {
            Ok(seen) => ALREADY.at("/id_number").with("id", seen.id),
            Err(_) => ALREADY_ELSEWHERE.at("/id_number"),
        }
        .into()),
        _ => Ok(Some(kept)),
    }
}

fn keep_phone(keeper: &Keeper, phone: Option<&Clear>) -> Result<Option<Kept>> {
    let Some(phone) = phone else { return Ok(None) };
    let clear = (PHONE.read)(phone.expose(), "").map_err(|refused| refused.at("/phone"))?;
    keeper.keep(&PHONE, &clear).map(Some)
}

/// Locks the community or grid against its end, and refuses one that does not hold on the day.
pub(crate) async fn host(tx: &Tx<'_>, area: &HomeCode, on: NaiveDate) -> Result<()> {
    let hosted = match GridCode::parse(area.as_str()) {
        Ok(grid) => grids::host(tx, &grid, on).await,
        Err(_) => community::host(tx, area.as_str(), on).await,
    };
    hosted.map_err(|error| match error.code() {
        Some(code) if code == grids::UNKNOWN_HERE.code || code == community::UNKNOWN_HERE.code => HOME_UNKNOWN.at("/area_code").with("area_code", area).into(),
        Some(_) => HOME_ENDED.at("/area_code").with("area_code", area).into(),
        None => error,
    })
}
