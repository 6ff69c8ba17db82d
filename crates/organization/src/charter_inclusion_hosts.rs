//! What charter inclusions stand on: neither a compound nor a company ends while one names it, on its way or in force (ORG-07).

use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Refusal, Result, Tx};
use schema::charter_inclusion;

use crate::charter_inclusion::CharterInclusion;
use crate::charter_inclusion_flow::CharterState;
use crate::code::CompoundCode;
use crate::credit_code::CreditCode;
use crate::{compound, property_company};

/// Charter inclusions keep a compound from ending.
pub const COMPOUND_HAS: Refusal = Refusal::conflict(
    "compound.has_charter_inclusions",
    "自该日起小区仍有 {count} 项办理中或生效中的党建入章;请先否决或撤销。",
    "From that day on the compound still has {count} charter inclusions on their way or in force; veto or revoke them first.",
);
/// Charter inclusions keep a company from ending.
pub const COMPANY_HAS: Refusal = Refusal::conflict(
    "property_company.has_charter_inclusions",
    "自该日起仍有 {count} 项办理中或生效中的党建入章涉及该企业的章程;请先否决或撤销。",
    "From that day on {count} charter inclusions on their way or in force still name the articles of the company; veto or revoke them first.",
);

/// Refuses where inclusions of a compound are on their way, or in force, from a day on: it cannot end then.
pub(crate) async fn none_after(tx: &Tx<'_>, compound: &CompoundCode, on: NaiveDate) -> Result<()> {
    // What was vetoed was never in force.
    let standing = charter_inclusion::table
        .filter(charter_inclusion::compound_code.eq(compound.as_str()))
        .filter(charter_inclusion::state.ne(CharterState::Vetoed))
        .filter(charter_inclusion::valid_to.is_null().or(charter_inclusion::valid_to.gt(on)));
    match standing.select(count_star()).first::<i64>(&mut tx.conn()).await? {
        0 => Ok(()),
        count => Err(COMPOUND_HAS.with("count", count).into()),
    }
}

/// The same for inclusions in the articles of a company.
pub(crate) async fn none_of_company_after(tx: &Tx<'_>, company: &CreditCode, on: NaiveDate) -> Result<()> {
    let standing = charter_inclusion::table
        .filter(charter_inclusion::company_code.eq(company.as_str()))
        .filter(charter_inclusion::state.ne(CharterState::Vetoed))
        .filter(charter_inclusion::valid_to.is_null().or(charter_inclusion::valid_to.gt(on)));
    match standing.select(count_star()).first::<i64>(&mut tx.conn()).await? {
        0 => Ok(()),
        count => Err(COMPANY_HAS.with("count", count).into()),
    }
}

/// Refuses unless compound and company of an inclusion have not ended on the day on which it comes into force; neither can
/// end before this transaction does.
pub(crate) async fn hosts(tx: &Tx<'_>, inclusion: &CharterInclusion, on: NaiveDate) -> Result<()> {
    compound::host(tx, inclusion.compound_code.as_str(), on).await?;
    match &inclusion.company_code {
        Some(company) => property_company::host(tx, company, on).await,
        None => Ok(()),
    }
}
