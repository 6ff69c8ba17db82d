//! What shows that a set-up of a hand-over is done was there on the day that it names, and stays so whatever is moved later
//! (ORG-11): a party organization, a governance body, a property project. A hand-over that was rejected shows nothing.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Date, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::{Refusal, Result, Tx, import};
use uuid::Uuid;

use crate::code::CompoundCode;
use crate::property_project::{PropertyProjectId, ServiceKind};

/// A party organization that would not have been there.
pub const ORGANIZATION_PROVES: Refusal = Refusal::conflict(
    "party_organization.proves_handover",
    "小区移交以该党组织为已完成的依据,它在完成日期须已成立且未终止;请先核对移交的完成日期。",
    "A hand-over names this party organization as in place on a day; it must be there on that day, so look at the hand-over first.",
);
/// A body that would not have been there.
pub const BODY_PROVES: Refusal = Refusal::conflict(
    "governance_body.proves_handover",
    "小区移交以该治理机构为已完成的依据,它在完成日期须已成立且未终止;请先核对移交的完成日期。",
    "A hand-over names this governance body as in place on a day; it must be there on that day, so look at the hand-over first.",
);
/// A project that would not have been there, or not have served the compound as a whole.
pub const PROJECT_PROVES: Refusal = Refusal::conflict(
    "property_project.proves_handover",
    "小区移交以该项目为物业企业到位的依据,它在完成日期须已起始、未终止且为全面服务;请先核对移交的完成日期。",
    "A hand-over names this project as in place on a day; it must serve the compound as a whole on that day, so look at the hand-over first.",
);
/// A hand-over on its way keeps a compound from ending.
pub const COMPOUND_HAS: Refusal = Refusal::conflict(
    "compound.has_open_handover",
    "小区的移交仍在办理,尚未归档或驳回;请先办结。",
    "The hand-over of the compound is neither archived nor rejected; bring it to its end first.",
);

/// The columns of a hand-over that name a row and the day on which it was there, and what is told to who would change that.
pub(crate) struct Proof {
    row: &'static str,
    done_on: &'static str,
    refusal: &'static Refusal,
}

/// A party organization.
pub(crate) const ORGANIZATION: Proof = Proof { row: "party_organization_id", done_on: "party_organization_done_on", refusal: &ORGANIZATION_PROVES };
/// A governance body.
pub(crate) const BODY: Proof = Proof { row: "governance_body_id", done_on: "owners_body_done_on", refusal: &BODY_PROVES };
/// A property project.
pub(crate) const PROJECT: Proof = Proof { row: "property_project_id", done_on: "property_company_done_on", refusal: &PROJECT_PROVES };

/// What imports hand-overs, which may name a row meanwhile.
pub(crate) const INTO_HANDOVERS: &[&str] = &[crate::compound_handover_sheet::SHEET.resource];

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// Where a row may be moved, no import may name it in a hand-over meanwhile.
pub(crate) async fn hold(tx: &Tx<'_>, moved: bool) -> Result<()> {
    if moved { import::hold(tx, INTO_HANDOVERS).await } else { Ok(()) }
}

/// Refuses where a hand-over names a row on a day on which it would not hold: before `from`, or not before `to`.
pub(crate) async fn stays(tx: &Tx<'_>, proof: &Proof, row: Uuid, from: NaiveDate, to: Option<NaiveDate>, at: &str) -> Result<()> {
    let Proof { row: named, done_on, refusal } = *proof;
    let sql = format!(
        "select exists (select from compound_handover h where h.{named} = $1 and h.state <> 'rejected' and (h.{done_on} < $2 or h.{done_on} >= $3)) as found"
    );
    let query = diesel::sql_query(sql).bind::<SqlUuid, _>(row).bind::<Date, _>(from).bind::<Nullable<Date>, _>(to);
    let Found { found } = query.get_result(&mut tx.conn()).await?;
    if found { Err(refusal.at(at).into()) } else { Ok(()) }
}

/// The same for a project from a day on. One that serves in another way than as a whole shows on no day that a company is in place.
pub(crate) async fn project_stays(tx: &Tx<'_>, id: PropertyProjectId, from: NaiveDate, kind: ServiceKind) -> Result<()> {
    match kind {
        ServiceKind::FullService => stays(tx, &PROJECT, id.0, from, None, "/valid_from").await,
        _ => stays(tx, &PROJECT, id.0, from, Some(from), "/kind").await,
    }
}

/// Refuses where a hand-over of a compound is on its way: it cannot end then.
pub(crate) async fn none_open(tx: &Tx<'_>, compound: &CompoundCode) -> Result<()> {
    let sql = "select exists (select from compound_handover h where h.compound_code = $1 and h.state not in ('archived', 'rejected')) as found";
    let Found { found } = diesel::sql_query(sql).bind::<Text, _>(compound.as_str()).get_result(&mut tx.conn()).await?;
    if found { Err((&COMPOUND_HAS).into()) } else { Ok(()) }
}
