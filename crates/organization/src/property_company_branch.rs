//! To which branch of the industry committee the Party members of a property company belong (ORG-16). A branch that one
//! company names is its own, one that several name is a joint one.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::text::Key;
use kernel::{Refusal, Result, Tx};
use schema::party_organization;

use crate::party_organization::PartyTier;

/// Not a branch of the industry committee.
pub const UNKNOWN: Refusal = Refusal::invalid(
    "property_company.branch_unknown",
    "没有该代码的行业党委所属党支部,请先登记或核对代码。",
    "There is no branch of the industry committee with this code; enter it first, or check the code.",
);
/// A branch that has an end.
pub const ENDED: Refusal =
    Refusal::invalid("property_company.branch_ended", "该党支部已终止或已确定终止日期。", "The branch has ended, or the day of its end is set.");

/// Refuses unless the branch is one of the industry committee's and has no end; it cannot end before this transaction does.
pub(crate) async fn host(tx: &Tx<'_>, branch: Option<&Key>) -> Result<()> {
    let Some(code) = branch else { return Ok(()) };
    let branches = party_organization::table.filter(party_organization::code.eq(code)).filter(party_organization::tier.eq(PartyTier::IndustryBranch));
    let end = branches.select(party_organization::valid_to).for_key_share().first::<Option<NaiveDate>>(&mut tx.conn()).await.optional()?;
    match end {
        None => Err(UNKNOWN.at("/party_branch_code").into()),
        Some(None) => Ok(()),
        Some(Some(_)) => Err(ENDED.at("/party_branch_code").into()),
    }
}
