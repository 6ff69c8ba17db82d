//! The buildings that a building group answers for (ORG-06): a set with dates, written with its group.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::change::{Constraint, RefusedBy};
use kernel::text::Key;
use kernel::{Expected, Prepare, Recorded, Refusal, Result, Tx, View, clock, count_after, holds_on, period};
use schema::{building, party_group_building, party_organization};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::building as buildings;
use crate::code::{BuildingCode, CompoundCode};
use crate::party_organization::{KIND, PartyOrganization, PartyOrganizationId, PartyTier};
use crate::party_organization_entry::lock;

/// A party organization, with the buildings that it answers for on the day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GroupedPartyOrganization {
    /// The organization.
    #[serde(flatten)]
    pub organization: PartyOrganization,
    /// The buildings that it answers for, by code; of a building group alone.
    pub building_codes: Vec<BuildingCode>,
}

impl Recorded for GroupedPartyOrganization {
    const KIND: &'static str = KIND;

    fn id(&self) -> Uuid {
        self.organization.id()
    }

    fn area(&self) -> &str {
        self.organization.area()
    }

    fn version(&self) -> i32 {
        self.organization.version
    }
}

/// The buildings that a group answers for from a day on: all of them, in place of those before.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupBuildings {
    /// Their codes.
    #[validate(length(max = 500))]
    #[schema(max_items = 500)]
    pub building_codes: Vec<BuildingCode>,
    /// First day; today unless said, and never before the group's own.
    pub on: Option<NaiveDate>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Something else than a group.
pub const NOT_A_GROUP: Refusal =
    Refusal::conflict("party_organization.not_a_group", "只有楼栋党小组负责楼栋。", "A building group alone answers for buildings.");
/// A building of another compound.
pub const BUILDING_ELSEWHERE: Refusal = Refusal::invalid(
    "party_organization.building_elsewhere",
    "楼栋 {building_code} 不在该党小组所属的小区。",
    "The building {building_code} is not in the compound of the group.",
);
/// A building that the group would outlive.
pub const BUILDING_ENDS: Refusal =
    Refusal::invalid("party_organization.building_ends", "楼栋 {building_code} 已确定终止日期。", "The day on which the building {building_code} ends is set.");
/// A building of another group.
pub const BUILDING_TAKEN: Refusal = Refusal::conflict(
    "party_organization.building_taken",
    "其中有楼栋在此期间已由另一楼栋党小组负责;请先从该党小组移出。",
    "Another group answers for one of the buildings at that time; take it from that group first.",
);
/// A group keeps a building from ending, and in its compound.
pub const BUILDING_HAS: Refusal = Refusal::conflict(
    "building.has_party_group",
    "该楼栋仍由楼栋党小组负责,或已定由其负责;请先从党小组移出。",
    "A building group of the Party still answers for the building, or will; take it from the group first.",
);

const CONSTRAINTS: &[Constraint] = &[
    ("party_group_building_one_group", &BUILDING_TAKEN, "/building_codes"),
    ("party_group_building_period", &period::ENDS_BEFORE_IT_BEGINS, "/on"),
    ("party_group_building_years", &period::OUT_OF_YEARS, "/on"),
];

/// A building that a group begins to answer for.
#[derive(Insertable)]
#[diesel(table_name = party_group_building)]
struct NewLink {
    id: Uuid,
    organization_code: Key,
    building_code: BuildingCode,
    valid_from: NaiveDate,
}

/// Organizations that the caller may see, each with its buildings on a day.
pub(crate) async fn with_buildings(view: &View<'_>, organizations: Vec<PartyOrganization>, on: NaiveDate) -> Result<Vec<GroupedPartyOrganization>> {
    let codes: Vec<Key> = organizations.iter().map(|organization| organization.code.clone()).collect();
    let links: Vec<(Key, BuildingCode)> = party_group_building::table
        .filter(party_group_building::organization_code.eq_any(codes))
        .filter(holds_on!(party_group_building, on))
        .order(party_group_building::building_code)
        .select((party_group_building::organization_code, party_group_building::building_code))
        .load(&mut view.conn())
        .await?;
    let mut of_each = HashMap::<Key, Vec<BuildingCode>>::new();
    for (organization, building) in links {
        of_each.entry(organization).or_default().push(building);
    }
    let with =
        |organization: PartyOrganization| GroupedPartyOrganization { building_codes: of_each.remove(&organization.code).unwrap_or_default(), organization };
    Ok(organizations.into_iter().map(with).collect())
}

/// An organization that the caller may see, with its buildings on a day.
pub(crate) async fn grouped(view: &View<'_>, organization: PartyOrganization, on: NaiveDate) -> Result<GroupedPartyOrganization> {
    let building_codes = with_buildings(view, vec![organization.clone()], on).await?.pop().map(|one| one.building_codes).unwrap_or_default();
    Ok(GroupedPartyOrganization { organization, building_codes })
}

/// Says which buildings a group answers for from a day on.
pub async fn set(tx: &Tx<'_>, id: PartyOrganizationId, expected: Expected, wanted: &GroupBuildings) -> Result<GroupedPartyOrganization> {
    let group = lock(tx, id).await?;
    expected.check(group.version)?;
    period::still_open(group.valid_to)?;
    let compound = group.compound_code.as_ref().filter(|_| group.tier == PartyTier::BuildingGroup).ok_or(&NOT_A_GROUP)?;
    let on = wanted.on.unwrap_or(tx.today()).max(group.valid_from);
    if !clock::in_reach(on) {
        return Err(period::OUT_OF_YEARS.at("/on").into());
    }
    hosts(tx, compound, &wanted.building_codes, on).await?;
    let before = grouped(tx, group.clone(), on).await?;
    replace(tx, &group.code, wanted.building_codes.iter().cloned().collect(), on).await?;
    let after: PartyOrganization = diesel::update(party_organization::table.find(id))
        .set((party_organization::version.eq(group.version + 1), party_organization::updated_at.eq(tx.now)))
        .returning(PartyOrganization::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    let after = grouped(tx, after, on).await?;
    tx.record("party_organization.changed", Some(&before), &after, None)?;
    Ok(after)
}

/// Refuses unless the buildings are in the compound and no end of them is set; none can end before this transaction does.
async fn hosts(tx: &Tx<'_>, compound: &CompoundCode, codes: &[BuildingCode], on: NaiveDate) -> Result<()> {
    let rows: Vec<(BuildingCode, CompoundCode, Option<NaiveDate>)> = building::table
        .filter(building::code.eq_any(codes.to_vec()))
        .order(building::code)
        .select((building::code, building::compound_code, building::valid_to))
        .for_key_share()
        .load(&mut tx.conn())
        .await?;
    let known: BTreeMap<BuildingCode, (CompoundCode, Option<NaiveDate>)> = rows.into_iter().map(|(code, compound, end)| (code, (compound, end))).collect();
    for (place, code) in codes.iter().enumerate() {
        let refusal = match known.get(code) {
            None => &buildings::UNKNOWN_HERE,
            Some((other, _)) if other != compound => &BUILDING_ELSEWHERE,
            Some((_, Some(end))) if *end <= on => &buildings::NOT_YET_OR_NO_MORE,
            Some((_, Some(_))) => &BUILDING_ENDS,
            Some(_) => continue,
        };
        return Err(refusal.at(format!("/building_codes/{place}")).with("building_code", code).into());
    }
    Ok(())
}

/// Brings the dated rows of a group into line with what it answers for from a day on. What it answered for before that
/// day stays as it was.
async fn replace(tx: &Tx<'_>, group: &Key, wanted: BTreeSet<BuildingCode>, on: NaiveDate) -> Result<()> {
    let codes: Vec<BuildingCode> = wanted.iter().cloned().collect();
    let own = || party_group_building::table.filter(party_group_building::organization_code.eq(group));
    let that_day = party_group_building::valid_from.eq(on).and(party_group_building::building_code.ne_all(codes.clone()));
    diesel::delete(own().filter(party_group_building::valid_from.gt(on).or(that_day))).execute(&mut tx.conn()).await?;
    let given_up = own().filter(party_group_building::valid_from.lt(on)).filter(party_group_building::building_code.ne_all(codes.clone()));
    diesel::update(given_up.filter(party_group_building::valid_to.is_null().or(party_group_building::valid_to.gt(on))))
        .set((
            party_group_building::valid_to.eq(on),
            party_group_building::version.eq(party_group_building::version + 1),
            party_group_building::updated_at.eq(tx.now),
        ))
        .execute(&mut tx.conn())
        .await?;
    // What was to end later goes on.
    let kept = own().filter(party_group_building::valid_from.le(on)).filter(party_group_building::building_code.eq_any(codes));
    diesel::update(kept.filter(party_group_building::valid_to.gt(on)))
        .set((
            party_group_building::valid_to.eq(None::<NaiveDate>),
            party_group_building::version.eq(party_group_building::version + 1),
            party_group_building::updated_at.eq(tx.now),
        ))
        .execute(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    let held = own().filter(holds_on!(party_group_building, on)).select(party_group_building::building_code);
    let held: BTreeSet<BuildingCode> = held.load::<BuildingCode>(&mut tx.conn()).await?.into_iter().collect();
    let link = |code: &BuildingCode| NewLink { id: Uuid::now_v7(), organization_code: group.clone(), building_code: code.clone(), valid_from: on };
    let new: Vec<NewLink> = wanted.difference(&held).map(link).collect();
    if !new.is_empty() {
        diesel::insert_into(party_group_building::table).values(&new).execute(&mut tx.conn()).await.refused_by(CONSTRAINTS)?;
    }
    Ok(())
}

/// Ends what a group answers for on a day, with the group itself.
pub(crate) async fn close(tx: &Tx<'_>, group: &Key, on: NaiveDate) -> Result<()> {
    let own = || party_group_building::table.filter(party_group_building::organization_code.eq(group));
    diesel::delete(own().filter(party_group_building::valid_from.ge(on))).execute(&mut tx.conn()).await?;
    diesel::update(own().filter(party_group_building::valid_to.is_null().or(party_group_building::valid_to.gt(on))))
        .set((
            party_group_building::valid_to.eq(on),
            party_group_building::version.eq(party_group_building::version + 1),
            party_group_building::updated_at.eq(tx.now),
        ))
        .execute(&mut tx.conn())
        .await?;
    Ok(())
}

/// After an import of what groups answer for: the versions of the groups rise, so that nobody replaces what he has not seen, and
/// their histories tell which buildings came.
pub(crate) async fn settle(tx: &Tx<'_>, ids: Vec<String>) -> Result<()> {
    let ids: Vec<Uuid> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let stored: Vec<(Key, BuildingCode, NaiveDate, i32)> = party_group_building::table
        .filter(party_group_building::id.eq_any(ids))
        .select((party_group_building::organization_code, party_group_building::building_code, party_group_building::valid_from, party_group_building::version))
        .load(&mut tx.conn())
        .await?;
    let Some(on) = stored.iter().map(|(_, _, from, _)| *from).max() else { return Ok(()) };
    let mut new = HashMap::<Key, BTreeSet<BuildingCode>>::new();
    for (organization, building, _, version) in stored {
        let came = new.entry(organization).or_default();
        if version == 1 {
            came.insert(building);
        }
    }
    let codes: Vec<Key> = new.keys().cloned().collect();
    let groups: Vec<PartyOrganization> =
        PartyOrganization::query().filter(party_organization::code.eq_any(codes)).order(party_organization::code).for_update().load(&mut tx.conn()).await?;
    for GroupedPartyOrganization { organization, building_codes } in with_buildings(tx, groups, on).await? {
        let came = new.remove(&organization.code).unwrap_or_default();
        let before = building_codes.iter().filter(|code| !came.contains(*code)).cloned().collect();
        let after: PartyOrganization = diesel::update(party_organization::table.find(organization.id))
            .set((party_organization::version.eq(organization.version + 1), party_organization::updated_at.eq(tx.now)))
            .returning(PartyOrganization::as_returning())
            .prepared()
            .get_result(&mut tx.conn())
            .await?;
        let before = GroupedPartyOrganization { organization, building_codes: before };
        tx.record("party_organization.changed", Some(&before), &GroupedPartyOrganization { organization: after, building_codes }, None)?;
    }
    Ok(())
}

/// Refuses where a group answers for a building from a day on: it cannot end then.
pub(crate) async fn none_after(tx: &Tx<'_>, building: &BuildingCode, on: NaiveDate) -> Result<()> {
    match count_after!(tx, party_group_building, building_code, building, on) {
        0 => Ok(()),
        _ => Err((&BUILDING_HAS).into()),
    }
}
