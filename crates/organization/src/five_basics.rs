//! The profile of a compound in the five basics (五个基本: organization, workforce, rules, activities, guarantees) on a day,
//! computed and never typed (ORG-01).

use chrono::NaiveDate;
use kernel::{Permission, Result, View};
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::CompoundCode;
use crate::compound::{self, Compound, CompoundId};
use crate::five_basics_check::{BasicsCheck, BasicsEvidence, ORGANIZATION, judge};
use crate::five_basics_evidence::{Found, of_compound};

/// A compound in the five basics on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FiveBasics {
    /// The compound.
    pub compound_code: CompoundCode,
    /// The day.
    pub as_of: NaiveDate,
    /// Whether it has all five; null while some are not recorded.
    pub overall: Option<bool>,
    /// Basic organization (基本组织).
    pub organization: BasicOrganization,
    /// Basic workforce (基本队伍).
    pub workforce: NotRecorded,
    /// Basic rules (基本制度).
    pub rules: NotRecorded,
    /// Basic activities (基本活动).
    pub activities: NotRecorded,
    /// Basic guarantees (基本保障).
    pub guarantees: NotRecorded,
}

/// How a compound is organized on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BasicOrganization {
    /// Whether every check is passed.
    pub complete: bool,
    /// The checks.
    pub checks: Vec<BasicsCheck>,
}

/// What is not yet recorded here, and so is neither there nor missing.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct NotRecorded {
    /// Always false.
    pub recorded: bool,
}

/// May see compounds in the five basics, and who fills which place in them.
pub const READ: Permission = Permission("five_basics.read");

/// The compound with this id, of a caller who may see how it is organized.
pub(crate) async fn seen(view: &View<'_>, id: CompoundId) -> Result<Compound> {
    let scope = view.may(READ)?;
    let found = compound::get(view, id).await?;
    let area = found.area_code.as_str();
    // Whoever answers for a grid sees the compounds of its community.
    if scope.covers(area) || scope.above().iter().any(|above| above.as_str() == area) { Ok(found) } else { Err((&compound::UNKNOWN).into()) }
}

/// The profile of a compound on the day of the view.
pub async fn get(view: &View<'_>, id: CompoundId) -> Result<FiveBasics> {
    let compound_code = seen(view, id).await?.code;
    let found = of_compound(view, compound_code.as_str()).await?;
    let evidence: Vec<(&str, BasicsEvidence)> = found.iter().map(Found::evidence).collect();
    let checks = judge(ORGANIZATION, &evidence);
    Ok(FiveBasics {
        compound_code,
        as_of: view.as_of,
        overall: None,
        organization: BasicOrganization { complete: checks.iter().all(|check| check.passed), checks },
        workforce: NotRecorded::default(),
        rules: NotRecorded::default(),
        activities: NotRecorded::default(),
        guarantees: NotRecorded::default(),
    })
}
