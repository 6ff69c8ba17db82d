//! What no resident sees: accounts, roles, keys, sessions, the audit log, events, webhooks, files, jobs, idempotency,
//! import runs, shared secrets, migrations.

pub mod account;
pub mod actor;
pub mod api_key;
pub mod audit;
pub mod blob;
pub mod client_credentials;
pub mod event;
pub mod file;
pub mod gauges;
pub mod housekeeping;
pub mod idempotency;
pub mod identity;
pub mod import_bundle;
pub mod import_run;
pub mod job;
pub mod journal_months;
pub mod migrate;
pub mod own_account;
pub mod password;
pub mod role_grant;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod signing_key;
pub mod token;
pub mod webhook;

use kernel::Role;
use kernel::manifest::{Domain, Home, Rehoming};
use kernel::personal::LOOKUP_PURPOSE;
use kernel::rekey::SealedColumn;

/// Who keeps accounts and roles: the administrator, and for their own people the subdistrict and the community.
const KEEPERS: &[Role] = &[Role::SystemAdmin, Role::SubdistrictOfficer, Role::CommunitySecretary];

/// Whoever works here may send a file; whom it may be shown to follows from what it belongs to. Those who only check, and
/// those who only keep accounts, have none to send.
const SENDERS: &[Role] = &[
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
];

/// What this domain declares about itself.
pub const DOMAIN: Domain = Domain {
    name: "platform",
    permissions: &[
        (account::READ, "查看账户", "see accounts", KEEPERS),
        (account::WRITE, "建立、更改、停用和重置账户", "make, change, disable and reset accounts", KEEPERS),
        (role_grant::READ, "查看角色任职", "see who holds which role", &[Role::SystemAdmin, Role::SubdistrictOfficer, Role::CommunitySecretary, Role::Auditor]),
        (role_grant::WRITE, "授予和终止角色", "give and end roles", KEEPERS),
        (api_key::READ, "查看密钥清单", "see API keys, though never the keys themselves", &[Role::SystemAdmin, Role::Auditor]),
        (api_key::WRITE, "建立和撤销密钥", "make and revoke API keys", &[Role::SystemAdmin]),
        (event::READ, "查看变更事件", "follow the events of an area", &[Role::Auditor]),
        (webhook::READ, "查看推送地址及推送记录", "see webhooks and what they have sent", &[Role::SystemAdmin, Role::Auditor]),
        (webhook::WRITE, "登记、更改、验证、重发和终止推送地址", "create, change, challenge, replay and end webhooks", &[Role::SystemAdmin]),
        (audit::READ, "检索审计日志", "search the audit log", &[Role::Auditor]),
        (audit::verify::VERIFY, "校验审计日志", "verify the audit log", &[Role::Auditor]),
        (file::WRITE, "上传文件", "send files", SENDERS),
    ],
    refusals: &[
        &account::NOT_A_USER_NAME,
        &account::OUTRANKED,
        &account::OWN,
        &account::UNKNOWN,
        &account::USER_NAME_TAKEN,
        &actor::GONE,
        &api_key::BAD_KEY,
        &api_key::NOT_YOURS_TO_GIVE,
        &api_key::NO_SUCH_PERMISSION,
        &api_key::REVOKED,
        &api_key::UNKNOWN,
        &audit::verify::NOT_KEPT,
        &blob::STORE_AWAY,
        &blob::TOO_LATE,
        &client_credentials::BAD_CLIENT,
        &client_credentials::BAD_SCOPE,
        &client_credentials::UNSUPPORTED_GRANT,
        &event::cursor::BAD_CURSOR,
        &event::cursor::OUTLIVED,
        &file::ATTACHED,
        &file::HALF_AN_OBJECT,
        &file::NO_HOLDER,
        &file::TOO_MANY_LOOSE,
        &file::UNKNOWN,
        &file::media::EMPTY,
        &file::media::NOT_TAKEN,
        &file::media::TOO_LARGE,
        &idempotency::IN_FLIGHT,
        &idempotency::KEY_REUSED,
        &identity::MISSING,
        &identity::NOT_A_PERSON,
        &import_bundle::REFUSED,
        &import_run::REFUSED,
        &import_run::UNKNOWN,
        &job::ENDED,
        &job::GIVEN_UP,
        &job::OWN_FILES,
        &job::TAKEN_OVER,
        &job::TOO_MANY,
        &job::UNKNOWN,
        &own_account::REFUSED,
        &own_account::WRONG_PASSWORD,
        &password::BUSY,
        &password::GUESSABLE,
        &password::SAME,
        &password::TOO_PLAIN,
        &password::TOO_SHORT,
        &role_grant::ALREADY,
        &role_grant::NOT_YOURS_TO_GIVE,
        &role_grant::NO_ACCOUNT,
        &role_grant::OWN,
        &role_grant::UNKNOWN,
        &second_factor::NOT_BEGUN,
        &second_factor::WRONG_CODE,
        &session::BAD_REFRESH,
        &session::CODE_NEEDED,
        &session::REFRESH_REUSED,
        &session::REFUSED,
        &session::UNFINISHED,
        &session::UNKNOWN,
        &token::BAD_TOKEN,
        &webhook::ENDED,
        &webhook::NOT_A_URL,
        &webhook::NOT_REACHABLE,
        &webhook::TOO_MANY,
        &webhook::UNKNOWN,
        &webhook::UNVERIFIED,
        &webhook::challenge::NOT_MET,
        &webhook::delivery::REPLAY_OF_WHAT,
        &webhook::delivery::UNKNOWN,
    ],
    statistics: &[],
    sealed: &[
        SealedColumn { table: "account", column: "second_factor", purpose: second_factor::PURPOSE, before: 0 },
        SealedColumn { table: "account", column: "second_factor_pending", purpose: second_factor::PURPOSE, before: 0 },
        SealedColumn { table: "sealed_key", column: "sealed", purpose: LOOKUP_PURPOSE, before: 0 },
        SealedColumn { table: "signing_key", column: "sealed_key", purpose: signing_key::PURPOSE, before: 0 },
        SealedColumn { table: "webhook_secret", column: "sealed", purpose: webhook::secret::PURPOSE, before: 0 },
    ],
    references: &[],
    sheets: &[],
    holders: &[job::HOLDER],
    workflows: &[],
    homes: &[
        kept("account", "area_code", "true", "Where an account is kept is decided by those who keep it."),
        kept("api_key", "area_code", "t.revoked_at is null", "A key reaches what it was made for; its successor is made for the grid after."),
        kept("file", "area_code", "false", "A file is seen by way of the object that it belongs to."),
        kept("import_run", "area_code", "false", "An import was made for the area that its sender had."),
        kept("job", "area_code", "false", "A job is over soon."),
        kept("journal", "area_code", "false", "What happened, happened there."),
        kept("journal", "former_area_code", "false", "What happened, happened there."),
        kept("role_grant", "area_code", "t.revoked_at is null and t.valid_to > $3", "Who answers for which grid after is decided, not computed."),
        kept("signing_key", "area_code", "false", "A key signs for the whole city."),
        kept("webhook", "area_code", "t.state <> 'ended'", "A webhook tells of the area that its owner chose."),
    ],
};

/// A column that a re-division of grids leaves alone; which rows are open then is told to those who plan it.
const fn kept(table: &'static str, column: &'static str, open: &'static str, why: &'static str) -> Home {
    Home { table, column, open, rehoming: Rehoming::Stays(why), resource: None }
}
