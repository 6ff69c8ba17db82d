//! Entering, changing and ending ownerships: on no day are the shares of a dwelling more than the whole, however many
//! people enter them at a time (ORG-08).

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy};
use kernel::text::Key;
use kernel::{Ending, Expected, Prepare, Result, Tx, period, within};
use schema::ownership;
use uuid::Uuid;

use crate::code::DwellingCode;
use crate::credit_code::NOT_A_CREDIT_CODE;
use crate::dwelling_entry;
use crate::ownership::{
    ALREADY, BAD_SHARE, CODE_WITHOUT_NAME, MORE_THAN_WHOLE, NewOwnership, ONE_OWNER, ONE_REPRESENTATIVE, Ownership, OwnershipId, OwnershipPatch, READ,
    TOO_FINE, UNKNOWN, WHOSE, WRITE,
};
use crate::ownership_share::{Beyond, Part, within_whole};
use crate::person::{PersonId, refer};

const CONSTRAINTS: &[Constraint] = &[
    ("ownership_once_a_person", &ALREADY, "/person_id"),
    ("ownership_once_an_organization", &ALREADY, "/organization_name"),
    ("ownership_one_owner", &ONE_OWNER, "/person_id"),
    ("ownership_one_representative", &ONE_REPRESENTATIVE, "/voting_representative"),
    ("ownership_organization_code", &CODE_WITHOUT_NAME, "/organization_code"),
    ("ownership_organization_code_shape", &NOT_A_CREDIT_CODE, "/organization_code"),
    ("ownership_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("ownership_share", &BAD_SHARE, "/share_numerator"),
    ("ownership_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("ownership_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("ownership_years", &period::OUT_OF_YEARS, "/valid_from"),
];

/// Enters an ownership. A transfer is the end of the former owner's and this.
pub async fn create(tx: &Tx<'_>, new: &NewOwnership) -> Result<Ownership> {
    tx.may_at(WRITE, new.dwelling_code.community())?;
    let from = new.valid_from.unwrap_or(tx.today());
    dwelling_entry::hold(tx, &new.dwelling_code).await?;
    let person_id = whom(tx, new.person_id).await?;
    let made = diesel::insert_into(ownership::table)
        .values((&NewOwnership { person_id, ..new.clone() }, ownership::id.eq(OwnershipId::fresh()), ownership::valid_from.eq(from)))
        .returning(Ownership::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    add_up(tx, &made.dwelling_code).await?;
    tx.record("ownership.created", None, &made, None)?;
    Ok(made)
}

/// Changes an ownership: its share, who votes, its beginning.
pub async fn update(tx: &Tx<'_>, id: OwnershipId, expected: Expected, patch: &OwnershipPatch) -> Result<Ownership> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Enters or changes the ownership that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewOwnership) -> Result<Ownership> {
    tx.lock(&format!("ownership {source} {reference}")).await?;
    let known = Ownership::query().filter(ownership::source.eq(source).and(ownership::ref_.eq(reference))).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewOwnership { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            let owner = whom(tx, new.person_id).await?;
            if before.dwelling_code != new.dwelling_code || before.person_id != owner || before.organization_name != new.organization_name {
                return Err(CODE_FIXED.at("/dwelling_code").with("code", &before.dwelling_code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends an ownership on a day: the share is another's from then on, or nobody's.
pub async fn end(tx: &Tx<'_>, id: OwnershipId, expected: Expected, ending: &Ending) -> Result<Ownership> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let after = diesel::update(ownership::table.find(id))
        .set((ownership::valid_to.eq(on), ownership::version.eq(before.version + 1), ownership::updated_at.eq(tx.now)))
        .returning(Ownership::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("ownership.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// The ownership, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: OwnershipId) -> Result<Ownership> {
    let found = Ownership::query()
        .filter(ownership::id.eq(id))
        .filter(within!(tx.scope(&[READ, WRITE]), ownership::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let ownership: Ownership = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, ownership.area_code.as_str())?;
    Ok(ownership)
}

async fn change(tx: &Tx<'_>, before: &Ownership, patch: &OwnershipPatch) -> Result<Ownership> {
    dwelling_entry::hold(tx, &before.dwelling_code).await?;
    let after = diesel::update(ownership::table.find(before.id))
        .set((patch, ownership::version.eq(before.version + 1), ownership::updated_at.eq(tx.now)))
        .returning(Ownership::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    add_up(tx, &after.dwelling_code).await?;
    tx.record("ownership.changed", Some(before), &after, None)?;
    Ok(after)
}

/// The person whom an ownership is about to name, where it names one.
async fn whom(tx: &Tx<'_>, id: Option<PersonId>) -> Result<Option<PersonId>> {
    let Some(id) = id else { return Ok(None) };
    let person = refer(tx, id, WRITE).await.map_err(|error| match error.code() {
        Some(_) => WHOSE.at("/person_id").with("person_id", id).into(),
        None => error,
    })?;
    Ok(Some(person.id))
}

/// Refuses where the shares of a dwelling, which is held, are more than the whole on some day.
async fn add_up(tx: &Tx<'_>, dwelling: &DwellingCode) -> Result<()> {
    let all: Vec<Ownership> = Ownership::query().filter(ownership::dwelling_code.eq(dwelling)).load(&mut tx.conn()).await?;
    let parts: Vec<Part> = all.iter().filter_map(Ownership::part).collect();
    within_whole(&parts).map_err(|beyond| match beyond {
        Beyond::Whole(on, sum) => MORE_THAN_WHOLE.at("/share_numerator").with("on", on).with("sum", sum).into(),
        Beyond::TooFine => TOO_FINE.at("/share_denominator").into(),
    })
}

/// What an import has checked of the shares of its dwellings is checked once more under their locks: somebody may have
/// entered an owner in between. Then it clashed, and is run again, and meets him.
pub(crate) async fn settle(tx: &Tx<'_>, ids: Vec<String>) -> Result<()> {
    #[derive(QueryableByName)]
    struct Held {
        #[diesel(sql_type = Text)]
        code: String,
    }
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let hold = "select d.code from dwelling d where d.code in (select o.dwelling_code from ownership o where o.id = any($1)) order by d.code for update";
    let held: Vec<Held> = diesel::sql_query(hold).bind::<Array<SqlUuid>, _>(ids).load(&mut tx.conn()).await?;
    let codes: Vec<String> = held.into_iter().map(|dwelling| dwelling.code).collect();
    // As in the sheet: whole parts of 1e60 are exact for as many denominators as a dwelling can have owners.
    let beyond = "select exists (select from ownership d join ownership p on p.dwelling_code = d.dwelling_code and p.valid_from <= d.valid_from \
                  and (p.valid_to is null or p.valid_to > d.valid_from) where d.dwelling_code = any($1) \
                  group by d.id having sum(div(p.share_numerator * 1e60, p.share_denominator)) > 1e60) as found";
    let found: Found = diesel::sql_query(beyond).bind::<Array<Text>, _>(codes).get_result(&mut tx.conn()).await?;
    if found.found {
        return Err(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, Box::new("shares met others".to_owned())).into());
    }
    Ok(())
}
