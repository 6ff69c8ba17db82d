//! Posts in party organizations: secretaries, committees, leaders of groups and hubs, and the members of hub households,
//! who are the fourth tier (ORG-06). They are part of the roll, so they are seen by those who work with it.

use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::expression::BoxableExpression;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::RunQueryDsl;
use kernel::change::{CODE_FIXED, RefusedBy};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line};
use kernel::{AreaCode, Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, period, text_enum};
use schema::{party_organization, party_post};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::party_organization::PartyTier;
use crate::party_post_body::{CONSTRAINTS, NewPartyPost, PartyPostFilter, PartyPostPatch};
use crate::party_standing::is_member_from;
use crate::person::{PersonId, refer};

id!(
    /// A post in a party organization.
    PartyPostId
);

text_enum!(
    /// What somebody is in a party organization.
    PartyRole {
        /// Its secretary.
        Secretary = "secretary" "书记",
        /// A deputy of the secretary.
        DeputySecretary = "deputy_secretary" "副书记",
        /// Of the committee, for organization.
        OrganizationOfficer = "organization_officer" "组织委员",
        /// Of the committee, for publicity.
        PublicityOfficer = "publicity_officer" "宣传委员",
        /// Of the committee, for discipline.
        DisciplineOfficer = "discipline_officer" "纪检委员",
        /// Of the committee.
        CommitteeMember = "committee_member" "委员",
        /// Leader of a building group, or of the household that is a hub.
        Leader = "leader" "党小组长(中心户户主)",
        /// A member whom a hub household holds: the fourth tier.
        Member = "member" "党员",
        /// Sits in; he need not be a member of the Party.
        Observer = "observer" "列席人员",
    }
);

impl PartyRole {
    /// Whether there is such a post in an organization of this tier.
    #[must_use]
    pub const fn fits(self, tier: PartyTier) -> bool {
        match self {
            Self::Observer => true,
            Self::Member => matches!(tier, PartyTier::HubHousehold),
            Self::Leader => matches!(tier, PartyTier::BuildingGroup | PartyTier::HubHousehold),
            _ => tier.has_committee(),
        }
    }
}

/// A post as it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PartyPost {
    /// Identity, for ever.
    pub id: PartyPostId,
    /// The organization.
    pub organization_code: Key,
    /// The person.
    pub person_id: PersonId,
    /// What he is in it.
    pub role: PartyRole,
    /// First day after the agreed term; nothing ends by itself.
    pub agreed_to: Option<NaiveDate>,
    /// The document or meeting by which he got the post.
    pub appointed_by: Option<Line>,
    /// First day in the post.
    pub valid_from: NaiveDate,
    /// First day no longer in the post; null while it has no end.
    pub valid_to: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
    /// Rises with every change.
    pub version: i32,
    /// When it was entered.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
    #[serde(skip)]
    area_code: AreaCode,
}

#[derive(HasQuery)]
#[diesel(table_name = party_post)]
struct Row {
    id: PartyPostId,
    organization_code: Key,
    person_id: PersonId,
    role: PartyRole,
    agreed_to: Option<NaiveDate>,
    appointed_by: Option<Line>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    source: Option<Key>,
    #[diesel(column_name = ref_)]
    reference: Option<Key>,
    version: i32,
    created_at: Stamp,
    updated_at: Stamp,
}

impl Row {
    /// The post, in the area of its organization.
    fn in_area(self, area_code: AreaCode) -> PartyPost {
        PartyPost {
            id: self.id,
            organization_code: self.organization_code,
            person_id: self.person_id,
            role: self.role,
            agreed_to: self.agreed_to,
            appointed_by: self.appointed_by,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            source: self.source,
            reference: self.reference,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            area_code,
        }
    }
}

/// May see posts.
pub const READ: Permission = Permission("party_post.read");
/// May write posts.
pub const WRITE: Permission = Permission("party_post.write");

/// No such post.
pub const UNKNOWN: Refusal =
    Refusal::not_found("party_post.unknown", "没有该党内任职记录,或它不在您的区域内。", "There is no such post, or it is not in your area.");
/// The person is not there.
pub const WHOSE: Refusal = Refusal::invalid(
    "party_post.whose",
    "没有标识为 {person_id} 的人员,或其不在您的区域内。",
    "There is nobody with the id {person_id}, or he is not in your area.",
);
/// The organization is not there.
pub const ORGANIZATION_UNKNOWN: Refusal = Refusal::invalid(
    "party_post.organization_unknown",
    "没有该代码的党组织,或它不在您的区域内。",
    "There is no party organization with this code, or it is not in your area.",
);
/// In an import: nobody is found, or not within reach.
pub const WHOSE_HERE: Refusal = Refusal::invalid(
    "party_post.whose_here",
    "本行的人员标识或证件号码没有对应的已登记人员,或其不在您的区域内。",
    "The id or number of this row finds nobody who is entered, or he is not in your area.",
);
/// The organization has ended.
pub const ORGANIZATION_ENDED: Refusal =
    Refusal::invalid("party_post.organization_ended", "该党组织已终止或已确定终止日期。", "The party organization has ended, or the day of its end is set.");
/// A post before its organization.
pub const BEGINS_BEFORE_ORGANIZATION: Refusal =
    Refusal::invalid("party_post.begins_before_organization", "任职起始日期早于党组织启用日期。", "A post cannot begin before its party organization does.");
/// A post that there is not in such an organization.
pub const ROLE_AND_TIER: Refusal = Refusal::invalid(
    "party_post.role_and_tier",
    "职务与党组织层级不符:书记和委员属于小区党组织、行业党委及其党支部,党小组长(户主)属于楼栋党小组和党员中心户,党员属于党员中心户。",
    "There is no such post in that organization: secretaries and committees are in those of compounds and of the industry, leaders in groups and hubs, members in hubs.",
);
/// Somebody who is not in the Party.
pub const NOT_A_MEMBER: Refusal = Refusal::invalid(
    "party_post.not_a_member",
    "该人员自任职起始日期起并非一直是在册党员;除列席人员外,须先登记其党员身份。",
    "The person is not in the Party from the first day on; but for observers, enter his membership first.",
);
/// The same post twice.
pub const ALREADY: Refusal = Refusal::conflict("party_post.already", "该人员在此期间已任此职。", "The person has this post already at that time.");
/// A second head.
pub const ONE_HEAD: Refusal = Refusal::conflict(
    "party_post.one_head",
    "该党组织在此期间已有书记(党小组长、户主);请先终止其任职。",
    "The organization has its secretary or leader at that time; end that post first.",
);
/// A second hub.
pub const ONE_HUB: Refusal = Refusal::conflict(
    "party_post.one_hub",
    "该党员在此期间已属于另一党员中心户;一人同时只属于一户,请先终止。",
    "The member belongs to another hub household at that time; there is one at a time, so end that first.",
);
/// An agreed term that is over before it begins.
pub const AGREED_BEFORE_IT_BEGINS: Refusal =
    Refusal::invalid("party_post.agreed_before_it_begins", "约定任期届满日期须晚于任职起始日期。", "The agreed term must end after the post begins.");

impl Recorded for PartyPost {
    const KIND: &'static str = "party_post";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn personal(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("organization_code", Some(self.organization_code.to_string())),
            ("role", Some(self.role.word().to_owned())),
            ("agreed_to", self.agreed_to.map(|day| day.to_string())),
            ("appointed_by", self.appointed_by.as_ref().map(ToString::to_string)),
            ("valid_from", Some(self.valid_from.to_string())),
        ]
    }
}

/// `code, area_code` of the grids that an organization's compound lies in today: whoever works in such a grid works with
/// its members.
pub(crate) const LINKS: &str = "select o.code, g.grid_code from party_organization o join compound_grid g on g.compound_code = o.compound_code \
     where g.valid_from <= (now() at time zone 'Asia/Shanghai')::date and (g.valid_to is null or g.valid_to > (now() at time zone 'Asia/Shanghai')::date)";

/// Whether the post is in an organization that may be seen from one of these areas: it is kept there, or its compound lies in
/// it. The organizations are found first, by ranges of codes: they are few, and posts are many.
fn seen_from<Source>(areas: &[AreaCode]) -> Box<dyn BoxableExpression<Source, Pg, SqlType = Bool>> {
    let areas: Vec<String> = areas.iter().map(ToString::to_string).collect();
    Box::new(sql::<Bool>("party_post.organization_code in (with mine as (select unnest(").bind::<Array<Text>, _>(areas).sql(
        ") as area) select o.code from mine join party_organization o on o.area_code >= mine.area and o.area_code < mine.area || '~' \
         union select o.code from mine join compound_grid g on g.grid_code >= mine.area and g.grid_code < mine.area || '~' \
         join party_organization o on o.compound_code = g.compound_code \
         where g.valid_from <= (now() at time zone 'Asia/Shanghai')::date \
         and (g.valid_to is null or g.valid_to > (now() at time zone 'Asia/Shanghai')::date))",
    ))
}

/// Lists the posts of organizations that the caller works with, in the order in which they begin.
pub async fn list(view: &View<'_>, filter: &PartyPostFilter, paging: &Paging) -> Result<Page<PartyPost>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = party_post::table
            .inner_join(party_organization::table.on(party_organization::code.eq(party_post::organization_code)))
            .filter(seen_from(scope.areas()))
            .into_boxed();
        if filter.ever != Some(true) {
            query = query.filter(holds_on!(party_post, view.as_of));
        }
        if let Some(area) = &filter.area_code {
            query = query.filter(seen_from(std::slice::from_ref(area)));
        }
        if let Some(organization) = &filter.organization_code {
            query = query.filter(party_post::organization_code.eq(organization));
        }
        if let Some(compound) = &filter.compound_code {
            query = query.filter(party_organization::compound_code.eq(compound));
        }
        if let Some(id) = filter.person_id {
            query = query.filter(party_post::person_id.eq(id));
        }
        if let Some(role) = filter.role {
            query = query.filter(party_post::role.eq(role));
        }
        query
    };
    let mut page = chosen().select((Row::as_select(), party_organization::area_code)).order((party_post::valid_from, party_post::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let day: NaiveDate = after.key.parse().map_err(|_| Paging::broken())?;
        let same = party_post::valid_from.eq(day).and(party_post::id.gt(after.id));
        page = page.filter(party_post::valid_from.gt(day).or(same));
    }
    let rows: Vec<(Row, AreaCode)> = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(party_post::id).limit(MAX_TOTAL).load::<PartyPostId>(&mut view.conn()).await?.len()),
        false => None,
    };
    let posts = rows.into_iter().map(|(row, area)| row.in_area(area)).collect();
    paging.page(view.as_of, posts, total, filter, |row: &PartyPost| Cursor { key: row.valid_from.to_string(), id: row.id.0 })
}

/// The post with this id.
pub async fn get(view: &View<'_>, id: PartyPostId) -> Result<PartyPost> {
    let scope = view.may(READ)?;
    let found = party_post::table
        .inner_join(party_organization::table.on(party_organization::code.eq(party_post::organization_code)))
        .filter(party_post::id.eq(id))
        .filter(seen_from(scope.areas()))
        .select((Row::as_select(), party_organization::area_code))
        .first::<(Row, AreaCode)>(&mut view.conn())
        .await
        .optional()?;
    found.map(|(row, area)| row.in_area(area)).ok_or_else(|| (&UNKNOWN).into())
}

/// Gives somebody a post.
pub async fn create(tx: &Tx<'_>, new: &NewPartyPost) -> Result<PartyPost> {
    tx.may(WRITE)?;
    let from = new.valid_from.unwrap_or(tx.today());
    let area = host(tx, &new.organization_code, new.role, from).await?;
    tx.may_at(WRITE, area.as_str())?;
    let person = who(tx, new.person_id).await?;
    in_the_party(tx, new.role, person, from).await?;
    let row: Row = diesel::insert_into(party_post::table)
        .values((&NewPartyPost { person_id: person, ..new.clone() }, party_post::id.eq(PartyPostId::fresh()), party_post::valid_from.eq(from)))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    let post = row.in_area(area);
    tx.record("party_post.created", None, &post, None)?;
    Ok(post)
}

/// Changes a post.
pub async fn update(tx: &Tx<'_>, id: PartyPostId, expected: Expected, patch: &PartyPostPatch) -> Result<PartyPost> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Enters or changes the post that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewPartyPost) -> Result<PartyPost> {
    tx.lock(&format!("party_post {source} {reference}")).await?;
    let known = party_post::table.filter(party_post::source.eq(source).and(party_post::ref_.eq(reference))).select(party_post::id);
    match known.first::<PartyPostId>(&mut tx.conn()).await.optional()? {
        None => create(tx, &NewPartyPost { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(id) => {
            let before = lock(tx, id).await?;
            period::still_open(before.valid_to)?;
            let same = before.organization_code == new.organization_code && before.role == new.role;
            if !same || before.person_id != who(tx, new.person_id).await? {
                let code = format!("{} / {} / {}", before.organization_code, before.person_id, before.role.word());
                return Err(CODE_FIXED.at("/organization_code").with("code", code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends a post on a day.
pub async fn end(tx: &Tx<'_>, id: PartyPostId, expected: Expected, ending: &Ending) -> Result<PartyPost> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let row: Row = diesel::update(party_post::table.find(id))
        .set((party_post::valid_to.eq(on), party_post::version.eq(before.version + 1), party_post::updated_at.eq(tx.now)))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    let after = row.in_area(before.area_code.clone());
    tx.record("party_post.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// The person behind an id, whom the caller may give posts to.
async fn who(tx: &Tx<'_>, id: PersonId) -> Result<PersonId> {
    let found = refer(tx, id, WRITE).await.map_err(|error| match error.code() {
        Some(_) => WHOSE.at("/person_id").with("person_id", id).into(),
        None => error,
    });
    Ok(found?.id)
}

/// Refuses unless the organization is there by a day, has such a post, and no end of it is set; it cannot end or move before this
/// transaction is over. Answers its area.
async fn host(tx: &Tx<'_>, code: &Key, role: PartyRole, from: NaiveDate) -> Result<AreaCode> {
    let found = party_organization::table
        .filter(party_organization::code.eq(code))
        .select((party_organization::tier, party_organization::area_code, party_organization::valid_from, party_organization::valid_to))
        .for_key_share()
        .first::<(PartyTier, AreaCode, NaiveDate, Option<NaiveDate>)>(&mut tx.conn())
        .await
        .optional()?;
    let seen = found.filter(|(_, area, ..)| tx.scope(&[WRITE]).covers(area.as_str()));
    let Some((tier, area, begin, end)) = seen else { return Err(ORGANIZATION_UNKNOWN.at("/organization_code").into()) };
    if end.is_some() {
        return Err(ORGANIZATION_ENDED.at("/organization_code").into());
    }
    if from < begin {
        return Err(BEGINS_BEFORE_ORGANIZATION.at("/valid_from").into());
    }
    if role.fits(tier) { Ok(area) } else { Err(ROLE_AND_TIER.at("/role").into()) }
}

/// Refuses unless somebody is in the Party from a day on, or only sits in.
async fn in_the_party(tx: &Tx<'_>, role: PartyRole, person: PersonId, from: NaiveDate) -> Result<()> {
    if role == PartyRole::Observer || is_member_from(tx, person, from).await? { Ok(()) } else { Err(NOT_A_MEMBER.at("/person_id").into()) }
}

/// The post, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: PartyPostId) -> Result<PartyPost> {
    let found = party_post::table
        .inner_join(party_organization::table.on(party_organization::code.eq(party_post::organization_code)))
        .filter(party_post::id.eq(id))
        .filter(seen_from(tx.scope(&[READ, WRITE]).areas()))
        .select(party_organization::area_code)
        .first::<AreaCode>(&mut tx.conn())
        .await
        .optional()?;
    let area = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, area.as_str())?;
    let row: Row = Row::query().filter(party_post::id.eq(id)).for_update().first(&mut tx.conn()).await?;
    Ok(row.in_area(area))
}

async fn change(tx: &Tx<'_>, before: &PartyPost, patch: &PartyPostPatch) -> Result<PartyPost> {
    if let Some(from) = patch.valid_from {
        host(tx, &before.organization_code, before.role, from).await?;
        in_the_party(tx, before.role, before.person_id, from).await?;
    }
    let row: Row = diesel::update(party_post::table.find(before.id))
        .set((patch, party_post::version.eq(before.version + 1), party_post::updated_at.eq(tx.now)))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    let after = row.in_area(before.area_code.clone());
    tx.record("party_post.changed", Some(before), &after, None)?;
    Ok(after)
}
