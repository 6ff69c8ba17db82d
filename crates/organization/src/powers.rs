//! Which roles may do what in basic organization.

use kernel::manifest::Power;
use kernel::{Role, statistic};

use crate::{
    building, charter_inclusion, community, compound, compound_handover, cross_appointment, dwelling, five_basics, governance_body, grid, grid_redivision,
    household, ownership, party_membership, party_organization, party_post, person, person_merge, person_unmask, policy_document, property_company,
    property_project, subdistrict,
};

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
/// Who is on the way into a body or into the Party's organization is for those who bring him there, and those who check.
const AT_THE_CROSSING: &[Role] =
    &[Role::OrgDept, Role::Housing, Role::SubdistrictOfficer, Role::CommunitySecretary, Role::CommunityWorker, Role::CompoundSecretary, Role::Auditor];
/// Who keeps the organizations of the Party and the posts in them.
const PARTY_OFFICE: &[Role] = &[Role::OrgDept, Role::SubdistrictOfficer, Role::CommunitySecretary];
/// Who sees a number in clear has a reason each time, and answers for it.
const UNMASKING: &[Role] = &[Role::OrgDept, Role::SubdistrictOfficer, Role::CommunitySecretary];

/// Every permission of this domain, and the roles that give it.
pub const POWERS: &[Power] = &[
    (subdistrict::READ, "查看街道(乡镇)", "see subdistricts and towns", STAFF),
    (subdistrict::WRITE, "登记、更改、终止和导入街道(乡镇)", "create, change, end and import subdistricts and towns", &[Role::CivilAffairs]),
    (community::READ, "查看社区", "see communities", STAFF),
    (community::WRITE, "登记、更改、终止和导入社区", "create, change, end and import communities", &[Role::CivilAffairs, Role::SubdistrictOfficer]),
    (grid::READ, "查看网格及划分报告", "see grids and the report on their division", STAFF),
    (grid::WRITE, "登记、更改、终止和导入网格及其沿革", "create, change, end and import grids and their lineage", &[Role::OrgDept, Role::SubdistrictOfficer]),
    (grid_redivision::READ, "查看网格重新划分方案及其检查和模拟", "see re-divisions of grids, their checks and simulations", STAFF),
    (
        grid_redivision::WRITE,
        "起草、提交和撤回网格重新划分方案",
        "draft, submit and withdraw re-divisions of grids",
        &[Role::OrgDept, Role::SubdistrictOfficer, Role::CommunitySecretary],
    ),
    (grid_redivision::REVIEW, "受理、审核和退回网格重新划分方案", "accept, pass or return re-divisions of grids", &[Role::OrgDept, Role::SubdistrictOfficer]),
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
    (five_basics::READ, "查看小区“五个基本”和“一核多元”情况", "see compounds in the five basics, and who fills which place in them", STAFF),
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
    (charter_inclusion::REGISTER, "导入已生效的党建入章", "import charter inclusions that are in force already, past the reviews", &[Role::SubdistrictOfficer]),
    (compound_handover::READ, "查看小区移交和三个同步情况", "see hand-overs, and how many were synchronous", STAFF),
    (
        compound_handover::WRITE,
        "登记、更改小区移交及三个同步事项",
        "register and change hand-overs, and enter the three set-ups and the day of the hand-over",
        PROPERTY_OFFICE,
    ),
    (
        compound_handover::INSPECT,
        "查验、责令整改、验收、归档和驳回小区移交",
        "inspect hand-overs, order rectification, accept, archive and reject them",
        &[Role::Housing],
    ),
    (compound_handover::DEFER, "签字暂缓三个同步事项", "defer one of the three set-ups, for the subdistrict, which signs it", &[Role::SubdistrictOfficer]),
    (compound_handover::REGISTER, "导入已验收的小区移交", "import hand-overs that were accepted already, past the inspection", &[Role::Housing]),
    (cross_appointment::READ, "查看双向进入、交叉任职", "see cross appointments on their way and in office", AT_THE_CROSSING),
    (
        cross_appointment::WRITE,
        "提名、推荐双向进入人选,登记其当选、备案、任职和终止",
        "nominate and recommend for cross appointments, and enter elections, filings, posts and ends",
        AT_THE_CHARTER,
    ),
    (
        cross_appointment::PARTY_REVIEW,
        "党组织前置审查双向进入人选",
        "review for the party organization of the community who is nominated or recommended",
        &[Role::CommunitySecretary],
    ),
    (
        cross_appointment::ELIGIBILITY_REVIEW,
        "居委会审查双向进入人选资格",
        "review for the residents' committee whether who is nominated is eligible",
        &[Role::CommunityWorker],
    ),
    (
        cross_appointment::APPROVE,
        "上级党组织批准双向进入人选",
        "approve or decline for the upper party organization who is recommended",
        &[Role::OrgDept, Role::SubdistrictOfficer],
    ),
    (
        cross_appointment::REGISTER,
        "导入已任职的双向进入",
        "import cross appointments of those who are in office already, past the reviews",
        &[Role::OrgDept, Role::SubdistrictOfficer],
    ),
];

#[cfg(test)]
mod tests {
    use kernel::Permission;

    use super::*;

    /// The roles that give a permission.
    fn roles(permission: Permission) -> Vec<Role> {
        POWERS.iter().filter(|(one, ..)| *one == permission).flat_map(|(.., roles)| roles.iter().copied()).collect()
    }

    #[test]
    fn org_07_org_08_no_role_gives_both_reviews() {
        for (first, second) in [
            (charter_inclusion::PARTY_REVIEW, charter_inclusion::LEGALITY_REVIEW),
            (cross_appointment::PARTY_REVIEW, cross_appointment::ELIGIBILITY_REVIEW),
            (cross_appointment::PARTY_REVIEW, cross_appointment::APPROVE),
        ] {
            let (first, second) = (roles(first), roles(second));
            assert!(!first.is_empty() && !second.is_empty());
            assert!(first.iter().all(|role| !second.contains(role)), "{first:?} {second:?}");
        }
    }
}
