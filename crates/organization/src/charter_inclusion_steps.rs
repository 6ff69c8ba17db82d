//! The steps of a charter inclusion: a command for each action of its workflow, and what may be done next (ORG-07).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::change::RefusedBy;
use kernel::text::{Line, SquareMetres};
use kernel::workflow::{self, NextActions, decide};
use kernel::{Ending, Expected, Prepare, Refusal, Result, Tx, View, period};
use schema::charter_inclusion;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::charter_adoption::CharterAdoption;
use crate::charter_inclusion::{CONSTRAINTS, CharterInclusion, CharterInclusionId, DAYS, Places, get, lock};
use crate::charter_inclusion_flow::{CharterAction, CharterFacts, CharterFlow};
use crate::charter_inclusion_hosts;

/// A step onward.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "已征求居民意见", "version": 1}))]
pub struct CharterStep {
    /// A note, kept in the journal.
    pub note: Option<Line>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// A step back, or to the end.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharterRefusal {
    /// Why; kept in the journal.
    #[schema(example = "条款与上位法不一致")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Where and when it was filed.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharterFiling {
    /// Day of the filing.
    #[schema(example = "2026-03-10")]
    pub filed_on: NaiveDate,
    /// With whom: of the convention the subdistrict (Organic Law of Urban Residents' Committees, article 15), of the rules
    /// the subdistrict and housing, of the articles the register of companies.
    #[schema(example = "龙池桥街道办事处")]
    pub filed_with: Line,
    /// Number of the filing.
    #[schema(example = "备2026-12")]
    pub filing_number: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// When it was published.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharterPublication {
    /// Day of publication, the first day in force; it may lie ahead.
    #[schema(example = "2026-03-20")]
    pub published_on: NaiveDate,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// A decision or a filing that has not happened.
pub const NOT_YET: Refusal = Refusal::invalid("charter_inclusion.not_yet", "该日期不能晚于今天 {today}。", "This day cannot lie ahead; today is {today}.");

/// What a step writes besides the state.
#[derive(Default, AsChangeset)]
#[diesel(table_name = charter_inclusion)]
struct Written {
    adopted_on: Option<Option<NaiveDate>>,
    eligible: Option<Option<i32>>,
    attending: Option<Option<i32>>,
    agreeing: Option<Option<i32>>,
    area_total: Option<Option<SquareMetres>>,
    area_participating: Option<Option<SquareMetres>>,
    area_agreeing: Option<Option<SquareMetres>>,
    minutes_number: Option<Option<Line>>,
    filed_on: Option<Option<NaiveDate>>,
    filed_with: Option<Option<Line>>,
    filing_number: Option<Option<Line>>,
    valid_from: Option<Option<NaiveDate>>,
    valid_to: Option<Option<NaiveDate>>,
}

impl Written {
    /// That it was adopted so.
    fn adopted(by: &CharterAdoption) -> Self {
        Self {
            adopted_on: Some(Some(by.adopted_on)),
            eligible: Some(Some(by.eligible)),
            attending: Some(Some(by.attending)),
            agreeing: Some(Some(by.agreeing)),
            area_total: Some(by.area_total.clone()),
            area_participating: Some(by.area_participating.clone()),
            area_agreeing: Some(by.area_agreeing.clone()),
            minutes_number: Some(Some(by.minutes_number.clone())),
            ..Self::default()
        }
    }

    /// That what is changed has been adopted by nobody.
    fn unadopted() -> Self {
        Self {
            adopted_on: Some(None),
            eligible: Some(None),
            attending: Some(None),
            agreeing: Some(None),
            area_total: Some(None),
            area_participating: Some(None),
            area_agreeing: Some(None),
            minutes_number: Some(None),
            ..Self::default()
        }
    }
}

/// Submits a draft, or passes a review: one of the three actions that need no more than a note.
pub async fn pass(tx: &Tx<'_>, id: CharterInclusionId, expected: Expected, action: CharterAction, step: &CharterStep) -> Result<CharterInclusion> {
    take(tx, id, expected, action, step.note.as_ref(), |_| Ok(Written::default())).await
}

/// Enters that the law-maker of the document adopted it; refused where the numbers do not.
pub async fn adopt(tx: &Tx<'_>, id: CharterInclusionId, expected: Expected, adoption: &CharterAdoption) -> Result<CharterInclusion> {
    take(tx, id, expected, CharterAction::Adopt, None, |before| {
        happened(tx, adoption.adopted_on, "/adopted_on")?;
        adoption.check(before.document)?;
        Ok(Written::adopted(adoption))
    })
    .await
}

/// Enters where and when it was filed.
pub async fn file(tx: &Tx<'_>, id: CharterInclusionId, expected: Expected, filing: &CharterFiling) -> Result<CharterInclusion> {
    take(tx, id, expected, CharterAction::File, None, |before| {
        happened(tx, filing.filed_on, "/filed_on")?;
        if before.adopted_on.is_some_and(|adopted| filing.filed_on < adopted) {
            return Err(DAYS.at("/filed_on").into());
        }
        Ok(Written {
            filed_on: Some(Some(filing.filed_on)),
            filed_with: Some(Some(filing.filed_with.clone())),
            filing_number: Some(Some(filing.filing_number.clone())),
            ..Written::default()
        })
    })
    .await
}

/// Publishes it: from that day on it is in force.
pub async fn publish(tx: &Tx<'_>, id: CharterInclusionId, expected: Expected, publication: &CharterPublication) -> Result<CharterInclusion> {
    take(tx, id, expected, CharterAction::Publish, None, |before| {
        if before.filed_on.is_some_and(|filed| publication.published_on < filed) {
            return Err(DAYS.at("/published_on").into());
        }
        Ok(Written { valid_from: Some(Some(publication.published_on)), ..Written::default() })
    })
    .await
}

/// Returns it to be mended. What was adopted has to be adopted again.
pub async fn give_back(tx: &Tx<'_>, id: CharterInclusionId, expected: Expected, refusal: &CharterRefusal) -> Result<CharterInclusion> {
    take(tx, id, expected, CharterAction::Return, Some(&refusal.reason), |_| Ok(Written::unadopted())).await
}

/// Refuses it for good; another may be drafted.
pub async fn veto(tx: &Tx<'_>, id: CharterInclusionId, expected: Expected, refusal: &CharterRefusal) -> Result<CharterInclusion> {
    let today = tx.today();
    take(tx, id, expected, CharterAction::Veto, Some(&refusal.reason), |_| Ok(Written { valid_to: Some(Some(today)), ..Written::default() })).await
}

/// Ends what is in force, on a day that may lie ahead: the next one can be drafted at once.
pub async fn revoke(tx: &Tx<'_>, id: CharterInclusionId, expected: Expected, ending: &Ending) -> Result<CharterInclusion> {
    take(tx, id, expected, CharterAction::Revoke, Some(&ending.reason), |before| {
        let on = period::end(before.valid_from.unwrap_or(ending.on), before.valid_to, ending.on)?;
        Ok(Written { valid_to: Some(Some(on)), ..Written::default() })
    })
    .await
}

/// What the caller may do next with it, and which rule forbids the rest.
pub async fn next_actions(view: &View<'_>, id: CharterInclusionId) -> Result<NextActions> {
    let inclusion = get(view, id).await?;
    let places = Places::of(view, &inclusion.compound_code).await?;
    let may = |permission| places.would(&view.actor, permission);
    workflow::next_actions::<CharterFlow>(inclusion.state, inclusion.version, may, &CharterFacts::from(&inclusion))
}

/// Refuses a day that has not come.
fn happened(tx: &Tx<'_>, on: NaiveDate, at: &str) -> Result<()> {
    if on > tx.today() { Err(NOT_YET.at(at).with("today", tx.today()).into()) } else { Ok(()) }
}

/// Takes one step; `write` checks its body and says what it writes.
async fn take(
    tx: &Tx<'_>,
    id: CharterInclusionId,
    expected: Expected,
    action: CharterAction,
    reason: Option<&Line>,
    write: impl FnOnce(&CharterInclusion) -> Result<Written>,
) -> Result<CharterInclusion> {
    let (before, places) = lock(tx, id).await?;
    // Of two who do the same at once the second hears that it has changed since he looked.
    expected.check(before.version)?;
    let to = decide::<CharterFlow>(before.state, action, |permission| places.may(tx, permission), &CharterFacts::from(&before))?;
    let written = write(&before)?;
    if let Some(Some(on)) = written.valid_from {
        charter_inclusion_hosts::hosts(tx, &before, on).await?;
    }
    let after = diesel::update(charter_inclusion::table.find(id))
        .set((
            &written,
            charter_inclusion::state.eq(to),
            charter_inclusion::previous_state.eq(before.state),
            charter_inclusion::version.eq(before.version + 1),
            charter_inclusion::updated_at.eq(tx.now),
        ))
        .returning(CharterInclusion::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record(action.told(), Some(&before), &after, reason.map(Line::as_str))?;
    Ok(after)
}
