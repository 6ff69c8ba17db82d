//! Who owns a dwelling on a day, how much of it nobody is recorded for, and who votes for it (ORG-08).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::text::Line;
use kernel::{Result, View, holds_on, within};
use schema::{dwelling, ownership};
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::DwellingCode;
use crate::credit_code::CreditCode;
use crate::dwelling::{DwellingId, UNKNOWN};
use crate::ownership::{Ownership, OwnershipId, READ};
use crate::ownership_share::{Fraction, Part, owned_on};
use crate::person::PersonId;

/// Who owns a dwelling on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DwellingOwners {
    /// The dwelling.
    pub dwelling_code: DwellingCode,
    /// The day.
    pub as_of: NaiveDate,
    /// The owners, in the order in which they were entered.
    pub owners: Vec<DwellingOwner>,
    /// The part that nobody is recorded for: an exact fraction in lowest terms, `0/1` where all of it is recorded; null
    /// where the shares have too many different denominators to be added up.
    #[schema(pattern = "^[0-9]{1,39}/[0-9]{1,39}$", max_length = 79, example = "1/3")]
    pub unrecorded_share: Option<String>,
    /// The ownership of the owner who votes for the dwelling: the sole one, else the one whom the owners chose; null where
    /// several own it and have chosen nobody.
    pub voting_representative: Option<OwnershipId>,
}

/// One who owns a dwelling, or a part of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DwellingOwner {
    /// The ownership.
    pub ownership_id: OwnershipId,
    /// The person; null where it is an organization.
    pub person_id: Option<PersonId>,
    /// The organization; null where it is a person.
    pub organization_name: Option<Line>,
    /// Its unified social credit code, where it is known.
    pub organization_code: Option<CreditCode>,
    /// Of the share, the part above the line.
    pub share_numerator: i32,
    /// Of the share, the part below the line.
    pub share_denominator: i32,
}

/// Who votes for a dwelling that these own on one day: the sole owner, else the one whom they chose.
fn representative(owners: &[Ownership]) -> Option<OwnershipId> {
    match owners {
        [sole] => Some(sole.id),
        several => several.iter().find(|owner| owner.voting_representative).map(|owner| owner.id),
    }
}

/// Who owns a dwelling on the day of the view.
pub async fn on_day(view: &View<'_>, id: DwellingId) -> Result<DwellingOwners> {
    let scope = view.may(READ)?;
    let code = dwelling::table.filter(dwelling::id.eq(id)).filter(within!(scope, dwelling::area_code)).select(dwelling::code);
    let dwelling_code: DwellingCode = code.first::<DwellingCode>(&mut view.conn()).await.optional()?.ok_or(&UNKNOWN)?;
    let holding = Ownership::query().filter(ownership::dwelling_code.eq(&dwelling_code)).filter(holds_on!(ownership, view.as_of));
    let rows: Vec<Ownership> = holding.order(ownership::id).load(&mut view.conn()).await?;
    let parts: Vec<Part> = rows.iter().filter_map(Ownership::part).collect();
    let unrecorded_share = owned_on(&parts, view.as_of).map(|owned: Fraction| owned.rest().to_string());
    let voting_representative = representative(&rows);
    let owner = |row: Ownership| DwellingOwner {
        ownership_id: row.id,
        person_id: row.person_id,
        organization_name: row.organization_name,
        organization_code: row.organization_code,
        share_numerator: row.share_numerator,
        share_denominator: row.share_denominator,
    };
    Ok(DwellingOwners { dwelling_code, as_of: view.as_of, owners: rows.into_iter().map(owner).collect(), unrecorded_share, voting_representative })
}
