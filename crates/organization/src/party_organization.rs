//! Party organizations (党组织): of a compound, its building groups, its hub households, and those of the property industry
//! (ORG-02, ORG-06, ORG-16, W5).
//!
//! Each stands under one of the tier above it and of the same compound, which keys of the database hold it to. The
//! fourth tier, the members, are posts in a hub household.

use chrono::NaiveDate;
use diesel::prelude::*;
use kernel::area::AreaCode;
use kernel::change::{Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, nullable, present};
use kernel::text::{Key, Line, Name};
use kernel::{Permission, Recorded, Refusal, Stamp, id, period, text_enum};
use schema::party_organization;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{CompoundCode, HouseholdCode};

id!(
    /// A party organization.
    PartyOrganizationId
);

text_enum!(
    /// Where an organization stands in the chain.
    PartyTier {
        /// The core of a compound, or of its grid.
        Compound = "compound" "小区(网格)党组织",
        /// A group of one building or several, under that of the compound.
        BuildingGroup = "building_group" "楼栋党小组",
        /// A member's home as the place where some of them meet, under a group.
        HubHousehold = "hub_household" "党员中心户",
        /// The committee of the property industry.
        IndustryCommittee = "industry_committee" "物业服务行业党委",
        /// A branch under that committee.
        IndustryBranch = "industry_branch" "行业党委所属党支部",
    }
);

text_enum!(
    /// What an organization is by the rules of the Party.
    PartyForm {
        /// A committee (党委).
        PartyCommittee = "party_committee" "党委",
        /// A general branch (党总支).
        GeneralBranch = "general_branch" "党总支",
        /// A branch (党支部).
        Branch = "branch" "党支部",
    }
);

text_enum!(
    /// Whether the members' organizational relation lies here.
    PartyNature {
        /// It does.
        Formal = "formal" "正式",
        /// It stays where it is.
        Functional = "functional" "功能型",
    }
);

text_enum!(
    /// How an organization was founded.
    FoundingMode {
        /// By a compound of its own (单独建).
        Standalone = "standalone" "单独建",
        /// Together with others (联合建).
        Joint = "joint" "联合建",
        /// By members sent there (派驻建).
        Seconded = "seconded" "派驻建",
    }
);

/// A party organization as the table holds it.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = party_organization)]
pub struct PartyOrganization {
    /// Identity, for ever.
    pub id: PartyOrganizationId,
    /// Code of the organization (党组织代码), never used again.
    pub code: Key,
    /// Name.
    pub name: Name,
    /// Where it stands in the chain.
    pub tier: PartyTier,
    /// What it is by the rules of the Party; null for groups and hubs.
    pub form: Option<PartyForm>,
    /// Whether the members' organizational relation lies here; null for groups and hubs.
    pub nature: Option<PartyNature>,
    /// How it was founded.
    pub founding_mode: Option<FoundingMode>,
    /// Whether it is a comprehensive organization (小区综合党组织).
    pub composite: bool,
    /// The organization that it stands under; null for those of compounds and the committee of the industry.
    pub parent_code: Option<Key>,
    /// The compound; null for those of the industry.
    pub compound_code: Option<CompoundCode>,
    /// The household that is the hub.
    pub household_code: Option<HouseholdCode>,
    /// Its home for access: the community of the compound, else where it is kept.
    pub area_code: AreaCode,
    /// Number of the document by which it was approved.
    pub approval_number: Option<Line>,
    /// Day of the approval.
    pub approved_on: Option<NaiveDate>,
    /// First day after the agreed term of office; it warns, and nothing ends by itself.
    pub agreed_to: Option<NaiveDate>,
    /// First day on which it holds.
    pub valid_from: NaiveDate,
    /// First day on which it no longer holds; null while it has no end.
    pub valid_to: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
    /// Rises with every change.
    pub version: i32,
    /// When it was entered.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

/// A party organization to be entered.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = party_organization)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "DZZ-421181001001X001", "name": "翠湖花园小区综合党支部", "tier": "compound", "form": "branch", "nature": "functional", "compound_code": "421181001001X001"}))]
pub struct NewPartyOrganization {
    /// Code of the organization (党组织代码); it does not change.
    pub code: Key,
    /// Name.
    pub name: Name,
    /// Where it stands in the chain; it does not change.
    pub tier: PartyTier,
    /// What it is by the rules of the Party; needed but for groups and hubs, which have none.
    pub form: Option<PartyForm>,
    /// Whether the members' organizational relation lies here; needed but for groups and hubs, which have none.
    pub nature: Option<PartyNature>,
    /// How it was founded.
    pub founding_mode: Option<FoundingMode>,
    /// Whether it is a comprehensive organization (小区综合党组织), of a compound alone; no unless said.
    pub composite: Option<bool>,
    /// The organization that it stands under: a group's compound, a hub's group, a branch's committee of the industry.
    pub parent_code: Option<Key>,
    /// The compound; needed but for those of the industry, which have none.
    pub compound_code: Option<CompoundCode>,
    /// The household that is the hub, in a building of the compound; needed for hubs alone.
    pub household_code: Option<HouseholdCode>,
    /// Where one of the industry is kept, the city unless said; else the community of the compound.
    #[diesel(skip_insertion)]
    pub area_code: Option<AreaCode>,
    /// Number of the document by which it was approved.
    pub approval_number: Option<Line>,
    /// Day of the approval.
    pub approved_on: Option<NaiveDate>,
    /// First day after the agreed term of office.
    pub agreed_to: Option<NaiveDate>,
    /// First day on which it holds; today unless said.
    #[diesel(skip_insertion)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a party organization: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = party_organization)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"name": "翠湖花园小区党支部", "version": 1}))]
pub struct PartyOrganizationPatch {
    /// Name.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub name: Option<Name>,
    /// What it is by the rules of the Party.
    #[serde(deserialize_with = "nullable")]
    pub form: Option<Option<PartyForm>>,
    /// Whether the members' organizational relation lies here.
    #[serde(deserialize_with = "nullable")]
    pub nature: Option<Option<PartyNature>>,
    /// How it was founded.
    #[serde(deserialize_with = "nullable")]
    pub founding_mode: Option<Option<FoundingMode>>,
    /// Whether it is a comprehensive organization.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub composite: Option<bool>,
    /// The organization that it stands under.
    #[serde(deserialize_with = "nullable")]
    pub parent_code: Option<Option<Key>>,
    /// Where one of the industry is kept; you must be able to write in the area before and after.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub area_code: Option<AreaCode>,
    /// Number of the document by which it was approved.
    #[serde(deserialize_with = "nullable")]
    pub approval_number: Option<Option<Line>>,
    /// Day of the approval.
    #[serde(deserialize_with = "nullable")]
    pub approved_on: Option<Option<NaiveDate>>,
    /// First day after the agreed term of office.
    #[serde(deserialize_with = "nullable")]
    pub agreed_to: Option<Option<NaiveDate>>,
    /// First day on which it holds, corrected.
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

impl From<NewPartyOrganization> for PartyOrganizationPatch {
    fn from(new: NewPartyOrganization) -> Self {
        Self {
            name: Some(new.name),
            form: Some(new.form),
            nature: Some(new.nature),
            founding_mode: Some(new.founding_mode),
            composite: new.composite,
            parent_code: Some(new.parent_code),
            area_code: new.area_code,
            approval_number: Some(new.approval_number),
            approved_on: Some(new.approved_on),
            agreed_to: Some(new.agreed_to),
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which party organizations a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PartyOrganizationFilter {
    /// In this area or under it, or of compounds in this grid on the day.
    pub area_code: Option<AreaCode>,
    /// With this code.
    pub code: Option<Key>,
    /// Whose name holds this text.
    pub name: Option<Name>,
    /// Of this compound.
    pub compound_code: Option<CompoundCode>,
    /// Of this tier.
    #[param(inline)]
    pub tier: Option<PartyTier>,
    /// Right under this organization.
    pub parent_code: Option<Key>,
    /// Of this nature.
    #[param(inline)]
    pub nature: Option<PartyNature>,
}

/// May see party organizations.
pub const READ: Permission = Permission("party_organization.read");
/// May write party organizations.
pub const WRITE: Permission = Permission("party_organization.write");

/// No such organization.
pub const UNKNOWN: Refusal =
    Refusal::not_found("party_organization.unknown", "没有该党组织,或它不在您的区域内。", "There is no such party organization, or it is not in your area.");
/// The code has been used.
pub const CODE_TAKEN: Refusal = Refusal::conflict(
    "party_organization.code_taken",
    "该党组织代码已被使用;代码不重复使用。",
    "This code of a party organization has been used; a code is never used again.",
);
/// Another tier, compound or household under the same code.
pub const FIXED: Refusal = Refusal::conflict(
    "party_organization.fixed",
    "党组织的层级、所属小区和中心户不能更改;请终止后以新的代码登记。",
    "The tier, the compound and the household of a party organization do not change; end it and enter another with a code of its own.",
);
/// A form or a nature where there is none, or none where it is needed.
pub const FORM_AND_TIER: Refusal = Refusal::invalid(
    "party_organization.form_and_tier",
    "小区党组织、行业党委及其党支部须填写组织形式和性质;楼栋党小组和党员中心户不填。",
    "Organizations of compounds and of the industry need their form and nature; building groups and hub households have none.",
);
/// A comprehensive organization of anything but a compound.
pub const COMPOSITE_AND_TIER: Refusal = Refusal::invalid(
    "party_organization.composite_and_tier",
    "只有小区党组织可以是综合党组织。",
    "The organization of a compound alone can be a comprehensive one.",
);
/// A compound where there is none, or none where it is needed.
pub const COMPOUND_AND_TIER: Refusal = Refusal::invalid(
    "party_organization.compound_and_tier",
    "小区党组织、楼栋党小组和党员中心户须填写所属小区;行业党委及其党支部不填。",
    "Organizations of compounds, building groups and hub households need their compound; those of the industry have none.",
);
/// A household where there is none, or none where it is needed.
pub const HOUSEHOLD_AND_TIER: Refusal = Refusal::invalid(
    "party_organization.household_and_tier",
    "党员中心户须填写户编码,其他层级不填。",
    "A hub household needs the code of the household; no other tier has one.",
);
/// A parent where there is none, or none where it is needed.
pub const PARENT_AND_TIER: Refusal = Refusal::invalid(
    "party_organization.parent_and_tier",
    "楼栋党小组、党员中心户和行业党支部须填写上级党组织;小区党组织和行业党委不填。",
    "A building group, a hub household and a branch of the industry need the organization above them; those of compounds and the committee have none here.",
);
/// A parent that is not there.
pub const PARENT_UNKNOWN: Refusal = Refusal::invalid(
    "party_organization.parent_unknown",
    "上级党组织 {parent_code} 不存在,请先登记。",
    "The organization above, {parent_code}, does not exist; enter it first.",
);
/// A parent that has ended.
pub const PARENT_ENDED: Refusal = Refusal::invalid(
    "party_organization.parent_ended",
    "上级党组织 {parent_code} 已终止或已确定终止日期。",
    "The organization above, {parent_code}, has ended, or the day of its end is set.",
);
/// A parent of another tier than the one above.
pub const PARENT_TIER: Refusal = Refusal::invalid(
    "party_organization.parent_tier",
    "上级党组织 {parent_code} 的层级不符:楼栋党小组隶属小区党组织,党员中心户隶属楼栋党小组,行业党支部隶属行业党委。",
    "The organization above, {parent_code}, is of the wrong tier: a group stands under that of its compound, a hub under a group, a branch under the committee of the industry.",
);
/// A parent of another compound.
pub const PARENT_COMPOUND: Refusal = Refusal::invalid(
    "party_organization.parent_compound",
    "上级党组织 {parent_code} 属于另一小区;上下级须同属一个小区。",
    "The organization above, {parent_code}, is of another compound; both must be of the same.",
);
/// Another area than the compound's.
pub const AREA_OF_COMPOUND: Refusal = Refusal::invalid(
    "party_organization.area_of_compound",
    "小区内的党组织由小区所在社区管理;区域编码可不填。",
    "An organization of a compound is kept by the community of the compound; leave the area out.",
);
/// A second core of a compound.
pub const ONE_CORE: Refusal = Refusal::conflict(
    "party_organization.one_core",
    "该小区在此期间已有党组织;一个小区同时只有一个核心党组织,请先终止原组织。",
    "The compound has its organization already at that time; there is one core at a time, so end the other first.",
);
/// A household that is a hub already.
pub const ONE_HUB: Refusal = Refusal::conflict("party_organization.one_hub", "该户在此期间已是党员中心户。", "The household is a hub already at that time.");
/// A household that is not there.
pub const HOUSEHOLD_UNKNOWN: Refusal = Refusal::invalid(
    "party_organization.household_unknown",
    "户 {household_code} 不存在,请先登记。",
    "The household {household_code} does not exist; enter it first.",
);
/// A household that has ended.
pub const HOUSEHOLD_ENDED: Refusal = Refusal::invalid(
    "party_organization.household_ended",
    "户 {household_code} 已终止或已确定终止日期。",
    "The household {household_code} has ended, or its end is set.",
);
/// A household of another compound.
pub const HOUSEHOLD_ELSEWHERE: Refusal = Refusal::invalid(
    "party_organization.household_elsewhere",
    "户 {household_code} 不在该小区的楼栋内。",
    "The household {household_code} is in no building of the compound.",
);
/// An agreed term that is over before it begins.
pub const AGREED_BEFORE_IT_BEGINS: Refusal = Refusal::invalid(
    "party_organization.agreed_before_it_begins",
    "约定任期届满日期须晚于启用日期。",
    "The agreed term of office must end after the organization begins.",
);

/// What the constraints of the table mean.
pub(crate) const CONSTRAINTS: &[Constraint] = &[
    ("party_organization_agreed_to", &AGREED_BEFORE_IT_BEGINS, "/agreed_to"),
    ("party_organization_agreed_years", &period::OUT_OF_YEARS, "/agreed_to"),
    ("party_organization_approved_on", &period::OUT_OF_YEARS, "/approved_on"),
    ("party_organization_area_of_compound", &AREA_OF_COMPOUND, "/area_code"),
    ("party_organization_code_key", &CODE_TAKEN, "/code"),
    ("party_organization_composite", &COMPOSITE_AND_TIER, "/composite"),
    ("party_organization_compound_and_tier", &COMPOUND_AND_TIER, "/compound_code"),
    ("party_organization_form_and_tier", &FORM_AND_TIER, "/form"),
    ("party_organization_household_and_tier", &HOUSEHOLD_AND_TIER, "/household_code"),
    ("party_organization_nature_and_tier", &FORM_AND_TIER, "/nature"),
    ("party_organization_one_core", &ONE_CORE, "/compound_code"),
    ("party_organization_one_hub", &ONE_HUB, "/household_code"),
    ("party_organization_parent_and_tier", &PARENT_AND_TIER, "/parent_code"),
    ("party_organization_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("party_organization_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("party_organization_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("party_organization_years", &period::OUT_OF_YEARS, "/valid_from"),
];

/// The kind of the object in the journal.
pub const KIND: &str = "party_organization";

impl Recorded for PartyOrganization {
    const KIND: &'static str = KIND;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

impl PartyTier {
    /// The tier of what an organization of this one stands under, where it stands under one.
    #[must_use]
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::BuildingGroup => Some(Self::Compound),
            Self::HubHousehold => Some(Self::BuildingGroup),
            Self::IndustryBranch => Some(Self::IndustryCommittee),
            Self::Compound | Self::IndustryCommittee => None,
        }
    }

    /// Whether it has a form, a nature, a secretary and a committee; groups and hubs have a leader.
    #[must_use]
    pub const fn has_committee(self) -> bool {
        matches!(self, Self::Compound | Self::IndustryCommittee | Self::IndustryBranch)
    }
}
