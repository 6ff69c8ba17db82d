//! Roles: what people are to the system. Which permissions a role gives stands in the domains' manifests.

use crate::text_enum;

text_enum!(
    /// What a person is to the system; it is held in an area and for a term, and gives nothing outside them.
    Role {
        /// A leader of the city who answers for communities (市级领导).
        CityLead = "city_lead" "市级领导",
        /// The Party committee's organization department (组织部).
        OrgDept = "org_dept" "组织部",
        /// The working committee of the departments directly under the city (市直机关工委).
        DepartmentalWorkCommittee = "departmental_work_committee" "市直机关工委",
        /// Housing (住建).
        Housing = "housing" "住建部门",
        /// Urban management (城管).
        UrbanMgmt = "urban_mgmt" "城管部门",
        /// The police officer of a community (社区民警).
        PoliceLiaison = "police_liaison" "社区民警",
        /// Civil affairs (民政).
        CivilAffairs = "civil_affairs" "民政部门",
        /// Finance (财政).
        Finance = "finance" "财政部门",
        /// The civilization office (文明办), which keeps the volunteers' platform.
        CivilizationOffice = "civilization_office" "文明办",
        /// An officer of a subdistrict or town (街道干部).
        SubdistrictOfficer = "subdistrict_officer" "街道干部",
        /// The secretary of a community (社区党组织书记).
        CommunitySecretary = "community_secretary" "社区党组织书记",
        /// A community worker (社区工作者).
        CommunityWorker = "community_worker" "社区工作者",
        /// The secretary of a compound's party organization (小区党组织书记).
        CompoundSecretary = "compound_secretary" "小区党组织书记",
        /// The leader of a building's party group (楼栋党小组长).
        PartyGroupLeader = "party_group_leader" "楼栋党小组长",
        /// A member of an owners' committee (业委会委员).
        OwnersCommitteeMember = "owners_committee_member" "业委会委员",
        /// The manager of a property project (物业项目经理).
        PropertyManager = "property_manager" "物业项目经理",
        /// Who answers for a work unit's ties with a community (单位联络员).
        UnitLiaison = "unit_liaison" "单位联络员",
        /// A member of the Party (党员).
        Member = "member" "党员",
        /// An owner (业主).
        Owner = "owner" "业主",
        /// A resident (居民).
        Resident = "resident" "居民",
        /// A volunteer (志愿者).
        Volunteer = "volunteer" "志愿者",
        /// Who keeps a volunteer organization's entries (志愿组织管理员).
        VolunteerOrgAdmin = "volunteer_org_admin" "志愿组织管理员",
        /// Reads everything, changes nothing (审计员).
        Auditor = "auditor" "审计员",
        /// Keeps accounts, roles and keys; sees no business data (系统管理员).
        SystemAdmin = "system_admin" "系统管理员",
    }
);
