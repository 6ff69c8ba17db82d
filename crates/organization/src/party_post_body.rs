//! What is sent about posts in party organizations: new ones, changes, filters; and what the table refuses.

use chrono::NaiveDate;
use diesel::prelude::*;
use kernel::change::{Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, nullable, present};
use kernel::text::{Key, Line};
use kernel::{AreaCode, period};
use schema::party_post;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::code::CompoundCode;
use crate::party_post::{AGREED_BEFORE_IT_BEGINS, ALREADY, ONE_HEAD, ONE_HUB, PartyRole};
use crate::person::PersonId;

/// A post to be given to somebody.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = party_post)]
#[serde(deny_unknown_fields)]
pub struct NewPartyPost {
    /// The organization.
    pub organization_code: Key,
    /// The person, who must be in the Party on the first day, unless he only sits in.
    pub person_id: PersonId,
    /// What he is in it.
    pub role: PartyRole,
    /// First day after the agreed term.
    pub agreed_to: Option<NaiveDate>,
    /// The document or meeting by which he gets the post.
    pub appointed_by: Option<Line>,
    /// First day in the post; today unless said.
    #[diesel(skip_insertion)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a post: what is left out stays, null empties. Another role is an end and a new post.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = party_post)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"appointed_by": "街道党工委〔2026〕3号", "version": 1}))]
pub struct PartyPostPatch {
    /// First day after the agreed term.
    #[serde(deserialize_with = "nullable")]
    pub agreed_to: Option<Option<NaiveDate>>,
    /// The document or meeting by which he got the post.
    #[serde(deserialize_with = "nullable")]
    pub appointed_by: Option<Option<Line>>,
    /// First day in the post, corrected.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    #[serde(deserialize_with = "nullable")]
    pub source: Option<Option<Key>>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref", deserialize_with = "nullable")]
    pub reference: Option<Option<Key>>,
    /// The version that is meant, unless `If-Match` says it.
    #[diesel(skip_update)]
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

impl From<NewPartyPost> for PartyPostPatch {
    fn from(new: NewPartyPost) -> Self {
        Self { agreed_to: Some(new.agreed_to), appointed_by: Some(new.appointed_by), valid_from: new.valid_from, ..Self::default() }
    }
}

/// Which posts a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PartyPostFilter {
    /// Of organizations in this area or under it, or of compounds that lie in this grid.
    pub area_code: Option<AreaCode>,
    /// In this organization.
    pub organization_code: Option<Key>,
    /// In organizations of this compound.
    pub compound_code: Option<CompoundCode>,
    /// Of this person.
    pub person_id: Option<PersonId>,
    /// Of this role.
    #[param(inline)]
    pub role: Option<PartyRole>,
    /// All of them, not only those that hold on the day.
    pub ever: Option<bool>,
}

/// What the constraints of the table mean.
pub(crate) const CONSTRAINTS: &[Constraint] = &[
    ("party_post_agreed_to", &AGREED_BEFORE_IT_BEGINS, "/agreed_to"),
    ("party_post_agreed_years", &period::OUT_OF_YEARS, "/agreed_to"),
    ("party_post_once", &ALREADY, "/role"),
    ("party_post_one_head", &ONE_HEAD, "/role"),
    ("party_post_one_hub", &ONE_HUB, "/person_id"),
    ("party_post_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("party_post_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("party_post_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("party_post_years", &period::OUT_OF_YEARS, "/valid_from"),
];
