//! Basic organization (基本组织): the area tree and what stands in it (ORG-03 … ORG-05), how grids are divided anew (ORG-12), its
//! people, its party organizations (ORG-06, ORG-16), who governs compounds (ORG-02, ORG-14), dwellings and who owns them (ORG-08), who
//! serves compounds (ORG-15, ORG-17), the leadership of the Party in their documents (ORG-07), and the documents that local rules
//! come from (ORG-13).

pub mod building;
pub mod charter_adoption;
pub mod charter_inclusion;
pub mod charter_inclusion_flow;
pub mod charter_inclusion_sheet;
pub mod charter_inclusion_steps;
pub mod code;
pub mod community;
pub mod compound;
pub mod compound_charter;
pub mod compound_grid;
pub mod compound_sheet;
pub mod credit_code;
pub mod dwelling;
pub mod dwelling_entry;
pub mod dwelling_owners;
pub mod dwelling_sheet;
mod first_day;
pub mod governance_body;
pub mod governance_body_member;
pub mod governance_body_member_sheet;
pub mod governance_body_person;
pub mod governance_body_sheet;
pub mod grid;
pub mod grid_division;
pub mod grid_lineage;
pub mod grid_lineage_sheet;
pub mod grid_redivision;
pub mod grid_redivision_check;
pub mod grid_redivision_effect;
pub mod grid_redivision_flow;
mod grid_redivision_ground;
pub mod grid_redivision_plan;
pub mod grid_redivision_simulation;
pub mod grid_redivision_steps;
pub mod homes;
pub mod household;
pub mod household_grid;
pub mod household_move;
pub mod id_number;
pub mod ownership;
pub mod ownership_entry;
pub mod ownership_share;
pub mod ownership_sheet;
pub mod party_group_building;
pub mod party_membership;
pub mod party_membership_sheet;
pub mod party_organization;
pub mod party_organization_check;
pub mod party_organization_entry;
pub mod party_organization_sheet;
pub mod party_post;
pub mod party_post_body;
pub mod party_post_sheet;
pub mod person;
pub mod person_entry;
pub mod person_merge;
pub mod person_search;
pub mod person_sheet;
pub mod person_unmask;
pub mod phone;
pub mod policy_document;
pub mod policy_document_file;
pub mod policy_document_sheet;
pub mod property_company;
pub mod property_company_branch;
pub mod property_company_sheet;
pub mod property_coverage;
pub mod property_project;
pub mod property_project_sheet;
pub mod statistics;
pub mod subdistrict;

use kernel::Role;
use kernel::manifest::{Domain, Holder, Reference};
use kernel::personal::HASH_BYTES;
use kernel::rekey::SealedColumn;
use kernel::statistic;
use kernel::workflow::Chart;

/// Everybody who works for the city or a compound may see how the city is divided.
const STAFF: &[Role] = &[
    Role::CityLead,
    Role::OrgDept,
    Role::DepartmentalWorkCommittee,
    Role::Housing,
    Role::UrbanMgmt,
    Role::PoliceLiaison,
    Role::CivilAffairs,
    Role::Finance,
    Role::CivilizationOffice,
    Role::SubdistrictOfficer,
    Role::CommunitySecretary,
    Role::CommunityWorker,
    Role::CompoundSecretary,
    Role::PartyGroupLeader,
    Role::OwnersCommitteeMember,
    Role::PropertyManager,
    Role::UnitLiaison,
    Role::VolunteerOrgAdmin,
    Role::Auditor,
];
/// Doors are internal work information: those see them who go from door to door, and those who check.
const AT_THE_DOORS: &[Role] = &[
    Role::OrgDept,
    Role::PoliceLiaison,
    Role::SubdistrictOfficer,
    Role::CommunitySecretary,
    Role::CommunityWorker,
    Role::CompoundSecretary,
    Role::PartyGroupLeader,
    Role::Auditor,
];
/// Who owns what is internal work information: it is for those who prepare the votes of owners, and those who check.
const AT_THE_TITLES: &[Role] = &[Role::Housing, Role::SubdistrictOfficer, Role::CommunitySecretary, Role::CommunityWorker, Role::Auditor];
/// Who keeps the roll of owners.
const TITLE_KEEPERS: &[Role] = &[Role::Housing, Role::SubdistrictOfficer, Role::CommunitySecretary];
/// Housing supervises property services; subdistricts and communities register whom they bring in and found.
const PROPERTY_OFFICE: &[Role] = &[Role::Housing, Role::SubdistrictOfficer, Role::CommunitySecretary];
/// Who issues documents that local rules come from, and keeps them.
const ISSUERS: &[Role] = &[
    Role::OrgDept,
    Role::DepartmentalWorkCommittee,
    Role::Housing,
    Role::UrbanMgmt,
    Role::CivilAffairs,
    Role::Finance,
    Role::CivilizationOffice,
    Role::SubdistrictOfficer,
];

/// Who writes the documents of a compound, and enters what becomes of them.
const AT_THE_CHARTER: &[Role] = &[Role::SubdistrictOfficer, Role::CommunitySecretary, Role::CompoundSecretary];

/// The roll of the Party is internal work information: it is for those who work with its members.
const AT_THE_ROLL: &[Role] = &[
    Role::OrgDept,
    Role::DepartmentalWorkCommittee,
    Role::SubdistrictOfficer,
    Role::CommunitySecretary,
    Role::CompoundSecretary,
    Role::PartyGroupLeader,
    Role::Auditor,
];
/// Who keeps the organizations of the Party and the posts in them.
const PARTY_OFFICE: &[Role] = &[Role::OrgDept, Role::SubdistrictOfficer, Role::CommunitySecretary];
/// Who sees a number in clear has a reason each time, and answers for it.
const UNMASKING: &[Role] = &[Role::OrgDept, Role::SubdistrictOfficer, Role::CommunitySecretary];

/// What this domain declares about itself.
pub const DOMAIN: Domain = Domain {
    name: "organization",
    permissions: &[
        (subdistrict::READ, "查看街道(乡镇)", "see subdistricts and towns", STAFF),
        (subdistrict::WRITE, "登记、更改、终止和导入街道(乡镇)", "create, change, end and import subdistricts and towns", &[Role::CivilAffairs]),
        (community::READ, "查看社区", "see communities", STAFF),
        (community::WRITE, "登记、更改、终止和导入社区", "create, change, end and import communities", &[Role::CivilAffairs, Role::SubdistrictOfficer]),
        (grid::READ, "查看网格及划分报告", "see grids and the report on their division", STAFF),
        (
            grid::WRITE,
            "登记、更改、终止和导入网格及其沿革",
            "create, change, end and import grids and their lineage",
            &[Role::OrgDept, Role::SubdistrictOfficer],
        ),
        (grid_redivision::READ, "查看网格重新划分方案及其检查和模拟", "see re-divisions of grids, their checks and simulations", STAFF),
        (
            grid_redivision::WRITE,
            "起草、提交和撤回网格重新划分方案",
            "draft, submit and withdraw re-divisions of grids",
            &[Role::OrgDept, Role::SubdistrictOfficer, Role::CommunitySecretary],
        ),
        (
            grid_redivision::REVIEW,
            "受理、审核和退回网格重新划分方案",
            "accept, pass or return re-divisions of grids",
            &[Role::OrgDept, Role::SubdistrictOfficer],
        ),
        (
            grid_redivision::APPROVE,
            "批准、公布、撤销网格重新划分方案并使其生效",
            "approve, publish, revoke re-divisions of grids, and let them take effect",
            &[Role::OrgDept],
        ),
        (compound::READ, "查看小区及其所属网格", "see compounds and the grids they lie in", STAFF),
        (
            compound::WRITE,
            "登记、更改、终止和导入小区及其所属网格",
            "create, change, end and import compounds and their links to grids",
            &[Role::Housing, Role::SubdistrictOfficer, Role::CommunitySecretary],
        ),
        (building::READ, "查看楼栋", "see buildings", STAFF),
        (
            building::WRITE,
            "登记、更改、终止和导入楼栋",
            "create, change, end and import buildings",
            &[Role::Housing, Role::SubdistrictOfficer, Role::CommunitySecretary, Role::CommunityWorker],
        ),
        (dwelling::READ, "查看房屋", "see dwellings", STAFF),
        (
            dwelling::WRITE,
            "登记、更改、终止和导入房屋",
            "create, change, end and import dwellings",
            &[Role::Housing, Role::SubdistrictOfficer, Role::CommunitySecretary, Role::CommunityWorker],
        ),
        (ownership::READ, "查看房屋的业主和份额", "see who owns dwellings, and in what shares", AT_THE_TITLES),
        (ownership::WRITE, "登记、更改、终止和导入所有权", "enter, change, end and import ownerships", TITLE_KEEPERS),
        (household::READ, "查看户及其网格归属", "see households and the grids they were in", AT_THE_DOORS),
        (
            household::WRITE,
            "登记、更改、迁移、终止和导入户",
            "create, change, move, end and import households",
            &[Role::SubdistrictOfficer, Role::CommunitySecretary, Role::CommunityWorker],
        ),
        (person::READ, "查看人员(号码脱敏)", "see people, numbers and phones masked", AT_THE_DOORS),
        (
            person::WRITE,
            "登记、更改、终止和导入人员",
            "enter, change, end and import people",
            &[Role::OrgDept, Role::SubdistrictOfficer, Role::CommunitySecretary, Role::CommunityWorker],
        ),
        (person_merge::MERGE, "合并人员和撤销合并", "merge people, and undo it", UNMASKING),
        (person_unmask::UNMASK, "说明理由后查看人员的完整号码", "see numbers and phones of people in clear, with a reason", UNMASKING),
        (party_membership::READ, "查看党员身份", "see who is a member of the Party", AT_THE_ROLL),
        (party_membership::WRITE, "登记、更改和终止党员身份", "enter, change and end party memberships", UNMASKING),
        (party_organization::READ, "查看党组织及其检查提示", "see party organizations, and what they lack", STAFF),
        (
            party_organization::WRITE,
            "登记、更改、终止和导入党组织及其负责的楼栋",
            "enter, change, end and import party organizations and the buildings they answer for",
            PARTY_OFFICE,
        ),
        (party_post::READ, "查看党内任职和中心户党员", "see posts in party organizations and the members of hub households", AT_THE_ROLL),
        (party_post::WRITE, "登记、更改、终止和导入党内任职和中心户党员", "enter, change, end and import posts in party organizations", PARTY_OFFICE),
        (governance_body::READ, "查看治理机构及其成员", "see governance bodies and who sits in them", STAFF),
        (
            governance_body::WRITE,
            "登记、更改、终止和导入治理机构及其成员",
            "enter, change, end and import governance bodies and their members",
            &[Role::OrgDept, Role::Housing, Role::SubdistrictOfficer, Role::CommunitySecretary],
        ),
        (property_company::READ, "查看物业企业", "see property companies", STAFF),
        (property_company::WRITE, "登记、更改、终止和导入物业企业", "enter, change, end and import property companies", PROPERTY_OFFICE),
        (property_project::READ, "查看物业服务项目和物业服务覆盖", "see property projects and the coverage of property services", STAFF),
        (property_project::WRITE, "登记、更改、终止和导入物业服务项目", "enter, change, end and import property projects", PROPERTY_OFFICE),
        (statistic::READ, "查看统计数据", "see statistics", STAFF),
        (policy_document::READ, "查看政策文件", "see policy documents", STAFF),
        (policy_document::WRITE, "登记、更改、终止和导入政策文件", "enter, change, end and import policy documents", ISSUERS),
        (charter_inclusion::READ, "查看党建入章", "see charter inclusions, and the charter of a compound", STAFF),
        (
            charter_inclusion::WRITE,
            "起草、提交党建入章,登记其表决、备案和公布",
            "draft and submit charter inclusions, and enter how they were adopted, filed and published",
            AT_THE_CHARTER,
        ),
        (
            charter_inclusion::PARTY_REVIEW,
            "党组织审查党建入章",
            "pass, return or veto charter inclusions in the review of the party organization",
            &[Role::CommunitySecretary],
        ),
        (
            charter_inclusion::LEGALITY_REVIEW,
            "合法性审查和撤销党建入章",
            "pass, return or veto charter inclusions in the review of legality, and revoke those in force",
            &[Role::SubdistrictOfficer],
        ),
        (
            charter_inclusion::REGISTER,
            "导入已生效的党建入章",
            "import charter inclusions that are in force already, past the reviews",
            &[Role::SubdistrictOfficer],
        ),
    ],
    refusals: &[
        &building::CODE_TAKEN,
        &building::COMPOUND_ELSEWHERE,
        &building::HAS_HOUSEHOLDS,
        &building::NOT_YET_OR_NO_MORE,
        &building::UNKNOWN,
        &building::UNKNOWN_HERE,
        &charter_adoption::AREAS,
        &charter_adoption::AREAS_AND_DOCUMENT,
        &charter_adoption::NOT_BY_OWNERS,
        &charter_adoption::NOT_BY_RESIDENTS,
        &charter_adoption::NOT_BY_SHAREHOLDERS,
        &charter_adoption::NUMBERS,
        &charter_inclusion::ALREADY,
        &charter_inclusion::ALREADY_IN_FORCE,
        &charter_inclusion::COMPANY_AND_DOCUMENT,
        &charter_inclusion::DAYS,
        &charter_inclusion::NOT_A_DRAFT,
        &charter_inclusion::ON_ITS_WAY,
        &charter_inclusion::UNKNOWN,
        &charter_inclusion_flow::NO_CLAUSE,
        &charter_inclusion_flow::NO_COMPANY,
        &charter_inclusion_steps::NOT_YET,
        &code::NOT_A_BUILDING_CODE,
        &code::NOT_A_COMMUNITY_CODE,
        &code::NOT_A_COMPOUND_CODE,
        &code::NOT_A_DWELLING_CODE,
        &code::NOT_A_GRID_CODE,
        &code::NOT_A_HOUSEHOLD_CODE,
        &code::NOT_A_SUBDISTRICT_CODE,
        &community::CODE_TAKEN,
        &community::ENDED_HERE,
        &community::HAS_PARTS,
        &community::HAS_PEOPLE,
        &community::UNKNOWN,
        &community::UNKNOWN_HERE,
        &compound::CODE_TAKEN,
        &compound::ENDED_HERE,
        &compound::HAS_BUILDINGS,
        &compound::IN_USE_BEFORE,
        &compound::UNKNOWN,
        &compound::UNKNOWN_HERE,
        &compound_grid::ALREADY,
        &compound_grid::BEGINS_BEFORE_COMPOUND,
        &compound_grid::ELSEWHERE,
        &compound_grid::HALF_AN_EXCEPTION,
        &compound_grid::NEEDS_EXCEPTION,
        &compound_grid::UNKNOWN,
        &credit_code::NOT_A_CREDIT_CODE,
        &dwelling::AREA_TOO_LARGE,
        &dwelling::CODE_TAKEN,
        &dwelling::DOOR_TAKEN,
        &dwelling::ENDED_HERE,
        &dwelling::HAS_OWNERS,
        &dwelling::STANDS_IN,
        &dwelling::UNKNOWN,
        &dwelling::UNKNOWN_HERE,
        &governance_body::AGREED_BEFORE_IT_BEGINS,
        &governance_body::ALREADY,
        &governance_body::GOVERNS,
        &governance_body::MEMBERS_AFTER,
        &governance_body::MEMBERS_BEFORE,
        &governance_body::NEEDS_TERM,
        &governance_body::NOT_IN_FORCE,
        &governance_body::NO_SUCH_BODY,
        &governance_body::UNKNOWN,
        &governance_body::UNKNOWN_HERE,
        &governance_body_member::ALREADY,
        &governance_body_member::BEFORE_THE_BODY,
        &governance_body_member::ONE_DIRECTOR,
        &governance_body_member::UNKNOWN,
        &governance_body_member::WHOSE,
        &governance_body_member::WHO_HERE,
        &grid::CODE_TAKEN,
        &grid::ENDED_HERE,
        &grid::HAS_COMPOUNDS,
        &grid::HAS_HOUSEHOLDS,
        &grid::HAS_PEOPLE,
        &grid::IN_USE_BEFORE,
        &grid::NOT_DEDICATED,
        &grid::UNKNOWN,
        &grid::UNKNOWN_HERE,
        &grid_lineage::NEW_BEGINS_ELSEWHEN,
        &grid_lineage::NOT_GOING_ON,
        &grid_lineage::NO_SUCH_GRID,
        &grid_lineage::OLD_IN_USE,
        &grid_lineage::OLD_NOT_IN_FORCE,
        &grid_lineage::TWICE,
        &grid_lineage::UNKNOWN,
        &grid_lineage::UNKNOWN_GRID,
        &grid_lineage::WRONG_ENDS,
        &grid_redivision::NOT_A_DRAFT,
        &grid_redivision::NO_SUCH_AREA,
        &grid_redivision::NO_SUCH_NOTICE,
        &grid_redivision::OVER,
        &grid_redivision::UNKNOWN,
        &grid_redivision_flow::CHECKS_FAIL,
        &grid_redivision_flow::NOT_DUE,
        &grid_redivision_flow::NO_NOTICE,
        &grid_redivision_flow::NO_PLAN,
        &grid_redivision_flow::PAST,
        &grid_redivision_flow::TOUCHES_ANOTHER,
        &grid_redivision_plan::BAD_PLAN,
        &grid_redivision_plan::NO_SUCH_HOUSEHOLD,
        &grid_redivision_plan::NO_SUCH_TARGET,
        &grid_redivision_plan::OTHER_COMMUNITY,
        &grid_redivision_plan::OUTSIDE,
        &grid_redivision_plan::TWICE,
        &household::CODE_TAKEN,
        &household::GRID_ELSEWHERE,
        &household::HOME_BEFORE,
        &household::HOME_BEFORE_HERE,
        &household_move::MOVED_LATER,
        &household_move::MOVE_AHEAD,
        &household_move::MOVE_BEFORE_LAST,
        &household_move::MOVE_IN_FUTURE,
        &household::UNKNOWN,
        &household_grid::UNKNOWN,
        &id_number::BAD_BIRTH_DATE,
        &id_number::BAD_CHECK_DIGIT,
        &id_number::BAD_REGION,
        &id_number::NOT_A_DOCUMENT,
        &id_number::NOT_A_RESIDENT_ID,
        &party_group_building::BUILDING_ELSEWHERE,
        &party_group_building::BUILDING_HAS,
        &party_group_building::BUILDING_TAKEN,
        &party_group_building::NOT_A_GROUP,
        &ownership::ALREADY,
        &ownership::BAD_SHARE,
        &ownership::CODE_WITHOUT_NAME,
        &ownership::MORE_THAN_WHOLE,
        &ownership::MORE_THAN_WHOLE_HERE,
        &ownership::ONE_OWNER,
        &ownership::ONE_OWNER_HERE,
        &ownership::ONE_REPRESENTATIVE,
        &ownership::TOO_FINE,
        &ownership::UNKNOWN,
        &ownership::WHOSE,
        &party_membership::FROM_BEFORE_JOINED,
        &party_membership::FULL_BEFORE_JOINED,
        &party_membership::ONE_AT_A_TIME,
        &party_membership::ONE_HERE,
        &party_membership::UNKNOWN,
        &party_membership::WHOSE,
        &party_organization::AGREED_BEFORE_IT_BEGINS,
        &party_organization::AREA_OF_COMPOUND,
        &party_organization::CODE_TAKEN,
        &party_organization::COMPOSITE_AND_TIER,
        &party_organization::COMPOUND_AND_TIER,
        &party_organization::FIXED,
        &party_organization::FORM_AND_TIER,
        &party_organization::HOUSEHOLD_AND_TIER,
        &party_organization::HOUSEHOLD_ELSEWHERE,
        &party_organization::HOUSEHOLD_ENDED,
        &party_organization::HOUSEHOLD_UNKNOWN,
        &party_organization::ONE_CORE,
        &party_organization::ONE_HUB,
        &party_organization::PARENT_AND_TIER,
        &party_organization::PARENT_COMPOUND,
        &party_organization::PARENT_ENDED,
        &party_organization::PARENT_TIER,
        &party_organization::PARENT_UNKNOWN,
        &party_organization::UNKNOWN,
        &party_organization_entry::COMPOUND_HAS,
        &party_organization_entry::HAS_CHILDREN,
        &party_organization_entry::HAS_COMPANIES,
        &party_organization_entry::HAS_POSTS,
        &party_organization_entry::HOUSEHOLD_HAS,
        &party_post::AGREED_BEFORE_IT_BEGINS,
        &party_post::ALREADY,
        &party_post::NOT_A_MEMBER,
        &party_post::ONE_HEAD,
        &party_post::ONE_HUB,
        &party_post::ORGANIZATION_ENDED,
        &party_post::ORGANIZATION_UNKNOWN,
        &party_post::ROLE_AND_TIER,
        &party_post::UNKNOWN,
        &party_post::WHOSE,
        &party_post::WHOSE_HERE,
        &person::ALREADY,
        &person::ALREADY_ELSEWHERE,
        &person::ENDED_HERE,
        &person::HOME_ENDED,
        &person::HOME_UNKNOWN,
        &person::KIND_WITHOUT_NUMBER,
        &person::MERGED,
        &person::MERGED_HERE,
        &person::NAME_HAS_NUMBER,
        &person::NOT_A_HOME_CODE,
        &person::TAKEN_HERE,
        &person::UNKNOWN,
        &person::UNKNOWN_HERE,
        &person::WHO_IS_IT,
        &person_entry::NOT_ENDED,
        &person_merge::HOME_ENDED,
        &person_merge::MERGED_ON,
        &person_merge::ONESELF,
        &person_merge::OVERLAP,
        &person_merge::TWO_NUMBERS,
        &person_merge::UNDONE,
        &person_merge::UNKNOWN,
        &person_merge::WHOM,
        &person_search::FOR_WHOM,
        &phone::NOT_A_PHONE,
        &grid_division::BAD_BAND,
        &grid_division::UNKNOWN_AREA,
        &policy_document::NOTHING_TO_REPLACE,
        &policy_document::NUMBER_TAKEN,
        &policy_document::REPLACED_EARLIER,
        &policy_document::REPLACES_LATER,
        &policy_document::RING,
        &policy_document::UNKNOWN,
        &property_company::CODE_TAKEN,
        &property_company::ENDED_HERE,
        &property_company::FOUNDER_AND_KIND,
        &property_company::FOUNDER_ELSEWHERE,
        &property_company::HAS_PROJECTS,
        &property_company::NAME_TAKEN,
        &property_company::NO_SUCH_FOUNDER,
        &property_company::UNKNOWN,
        &property_company::UNKNOWN_HERE,
        &property_company_branch::ENDED,
        &property_company_branch::UNKNOWN,
        &property_coverage::UNKNOWN_AREA,
        &property_project::AGREED_BEFORE_IT_BEGINS,
        &property_project::ALREADY,
        &property_project::ALREADY_SERVED,
        &property_project::BEGINS_BEFORE_COMPOUND,
        &property_project::NEEDS_COMPANY,
        &property_project::SERVES,
        &property_project::UNKNOWN,
        &subdistrict::CODE_TAKEN,
        &subdistrict::ENDED_HERE,
        &subdistrict::HAS_COMMUNITIES,
        &subdistrict::OTHER_CITY,
        &subdistrict::UNKNOWN,
        &subdistrict::UNKNOWN_HERE,
    ],
    statistics: statistics::STATISTICS,
    sealed: &[
        SealedColumn { table: "person", column: "id_number", purpose: id_number::ID_NUMBER.purpose, before: HASH_BYTES },
        SealedColumn { table: "person", column: "phone", purpose: phone::PHONE.purpose, before: HASH_BYTES },
    ],
    references: &[
        Reference { to: "person", table: "governance_body_member", column: "person_id", resource: Some(governance_body_member_sheet::SHEET.resource) },
        Reference { to: "person", table: "ownership", column: "person_id", resource: Some(ownership_sheet::SHEET.resource) },
        Reference { to: "person", table: "party_membership", column: "person_id", resource: Some(party_membership_sheet::SHEET.resource) },
        Reference { to: "person", table: "party_post", column: "person_id", resource: Some(party_post_sheet::SHEET.resource) },
    ],
    sheets: &[
        &subdistrict::SHEET,
        &community::SHEET,
        &grid::SHEET,
        &compound_sheet::SHEET,
        &compound_grid::SHEET,
        &building::SHEET,
        &household::SHEET,
        &person_sheet::SHEET,
        &party_membership_sheet::SHEET,
        &party_organization_sheet::SHEET,
        &party_post_sheet::SHEET,
        &property_company_sheet::SHEET,
        &property_project_sheet::SHEET,
        &policy_document_sheet::SHEET,
        &grid_lineage_sheet::SHEET,
        &governance_body_sheet::SHEET,
        &governance_body_member_sheet::SHEET,
        &dwelling_sheet::SHEET,
        &ownership_sheet::SHEET,
        &charter_inclusion_sheet::SHEET,
    ],
    holders: &[
        Holder {
            kind: "compound",
            see: |view, id| Box::pin(async move { Ok(compound::get(view, id.into()).await?.area_code.to_string()) }),
            fill: |tx, id| Box::pin(async move { Ok(compound::lock(tx, id.into()).await?.area_code.to_string()) }),
        },
        Holder {
            kind: policy_document::KIND,
            see: |view, id| Box::pin(async move { Ok(policy_document::get(view, id.into()).await?.document.area_code.to_string()) }),
            fill: |tx, id| Box::pin(async move { Ok(policy_document::lock(tx, id.into()).await?.area_code.to_string()) }),
        },
        Holder {
            kind: charter_inclusion::KIND,
            see: |view, id| Box::pin(async move { Ok(charter_inclusion::get(view, id.into()).await?.area_code.to_string()) }),
            fill: |tx, id| {
                Box::pin(async move {
                    let (inclusion, places) = charter_inclusion::lock(tx, id.into()).await?;
                    places.may(tx, charter_inclusion::WRITE)?;
                    Ok(inclusion.area_code.to_string())
                })
            },
        },
        Holder {
            kind: grid_redivision::KIND,
            see: |view, id| Box::pin(async move { Ok(grid_redivision::get(view, id.into()).await?.area_code.to_string()) }),
            fill: |tx, id| {
                Box::pin(async move {
                    let redivision = grid_redivision::lock(tx, id.into()).await?;
                    tx.may_at(grid_redivision::WRITE, redivision.area_code.as_str())?;
                    Ok(redivision.area_code.to_string())
                })
            },
        },
    ],
    workflows: &[Chart::of::<charter_inclusion_flow::CharterFlow>(), Chart::of::<grid_redivision_flow::RedivisionFlow>()],
    homes: homes::HOMES,
};
