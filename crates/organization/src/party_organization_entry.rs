//! Listing, entering, changing and ending party organizations (ORG-06, ORG-16).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, RefusedBy};
use kernel::page::MAX_TOTAL;
use kernel::text::Key;
use kernel::{Ending, Expected, Page, Paging, Prepare, Refusal, Result, Tx, View, count_after, cursor_of, holds_on, import, keyset, period, within_or_above};
use schema::{building, compound_grid, household, party_group_building, party_organization, party_post, property_company};
use uuid::Uuid;

use crate::code::{CompoundCode, GridCode, HouseholdCode};
use crate::first_day::{self, INTO_PARTY_ORGANIZATIONS};
use crate::party_group_building::{GroupedPartyOrganization, close, grouped, with_buildings};
use crate::party_organization::{
    AREA_OF_COMPOUND, CONSTRAINTS, FIXED, HOUSEHOLD_ELSEWHERE, HOUSEHOLD_ENDED, HOUSEHOLD_UNKNOWN, NewPartyOrganization, PARENT_AND_TIER, PARENT_COMPOUND,
    PARENT_ENDED, PARENT_TIER, PARENT_UNKNOWN, PartyOrganization, PartyOrganizationFilter, PartyOrganizationId, PartyOrganizationPatch, PartyTier, READ,
    UNKNOWN, WRITE,
};
use crate::{compound, handover_proof, kept_area};

/// Organizations under it keep one from ending.
pub const HAS_CHILDREN: Refusal = Refusal::conflict(
    "party_organization.has_children",
    "自该日起该党组织仍有 {count} 个下级党组织;请先终止或改隶。",
    "From that day on {count} organizations still stand under it; end them first, or put them under another.",
);
/// Posts keep one from ending.
pub const HAS_POSTS: Refusal = Refusal::conflict(
    "party_organization.has_posts",
    "自该日起该党组织仍有 {count} 项任职或党员;请先终止。",
    "From that day on {count} posts or members are still in it; end them first.",
);
/// Companies whose members belong to it keep a branch from ending.
pub const HAS_COMPANIES: Refusal = Refusal::conflict(
    "party_organization.has_companies",
    "自该日起仍有 {count} 家物业企业的党员隶属该党支部;请先更改。",
    "From that day on the members of {count} property companies still belong to the branch; change that first.",
);
/// One that would stand under another before that is there.
pub const BEGINS_BEFORE_PARENT: Refusal = Refusal::invalid(
    "party_organization.begins_before_parent",
    "启用日期早于上级党组织 {parent_code} 的启用日期。",
    "It cannot begin before the organization above, {parent_code}, does.",
);
/// What is in one keeps its first day from moving.
pub const IN_USE_BEFORE: Refusal = Refusal::conflict(
    "party_organization.in_use_before",
    "该日期之前已有下级党组织、任职或负责的楼栋;请先更正其起始日期。",
    "Organizations, posts or buildings are in it before that day; correct their first days first.",
);
/// Party organizations keep a compound from ending.
pub const COMPOUND_HAS: Refusal = Refusal::conflict(
    "compound.has_party_organizations",
    "自该日起小区仍有 {count} 个党组织;请先终止。",
    "From that day on the compound still has {count} party organizations; end them first.",
);
/// A hub keeps a household from ending.
pub const HOUSEHOLD_HAS: Refusal = Refusal::conflict(
    "household.has_party_hub",
    "自该日起该户仍是党员中心户;请先终止。",
    "From that day on the household is still a hub of the Party; end that first.",
);

/// Lists the party organizations on a day that the caller may see: those of the communities in or above his area.
pub async fn list(view: &View<'_>, filter: &PartyOrganizationFilter, paging: &Paging) -> Result<Page<GroupedPartyOrganization>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = PartyOrganization::query()
            .filter(holds_on!(party_organization, view.as_of))
            .filter(within_or_above!(scope, party_organization::area_code))
            .into_boxed();
        if let Some(area) = &filter.area_code {
            query = match GridCode::parse(area.as_str()) {
                Ok(grid) => {
                    let inside = compound_grid::table.filter(compound_grid::grid_code.eq(grid)).filter(holds_on!(compound_grid, view.as_of));
                    query.filter(party_organization::compound_code.eq_any(inside.select(compound_grid::compound_code.nullable())))
                }
                Err(_) => query.filter(party_organization::area_code.ge(area.clone()).and(party_organization::area_code.lt(kernel::area::end_of(area)))),
            };
        }
        if let Some(code) = &filter.code {
            query = query.filter(party_organization::code.eq(code));
        }
        if let Some(name) = &filter.name {
            query = query.filter(party_organization::name.like(name.pattern()));
        }
        if let Some(compound) = &filter.compound_code {
            query = query.filter(party_organization::compound_code.eq(compound));
        }
        if let Some(tier) = filter.tier {
            query = query.filter(party_organization::tier.eq(tier));
        }
        if let Some(parent) = &filter.parent_code {
            query = query.filter(party_organization::parent_code.eq(parent));
        }
        if let Some(nature) = filter.nature {
            query = query.filter(party_organization::nature.eq(nature));
        }
        query
    };
    let rows: Vec<PartyOrganization> = keyset!(chosen(), party_organization, paging, paging.after(filter)?).load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(party_organization::id).limit(MAX_TOTAL).load::<PartyOrganizationId>(&mut view.conn()).await?.len()),
        false => None,
    };
    let page = paging.page(view.as_of, rows, total, filter, cursor_of!(paging))?;
    let items = with_buildings(view, page.items, view.as_of).await?;
    Ok(Page { items, next: page.next, has_more: page.has_more, as_of: page.as_of, total: page.total })
}

/// The party organization with this id.
pub async fn get(view: &View<'_>, id: PartyOrganizationId) -> Result<GroupedPartyOrganization> {
    let scope = view.may(READ)?;
    let found = PartyOrganization::query()
        .filter(party_organization::id.eq(id))
        .filter(within_or_above!(scope, party_organization::area_code))
        .first(&mut view.conn())
        .await
        .optional()?;
    grouped(view, found.ok_or(&UNKNOWN)?, view.as_of).await
}

/// Enters a party organization.
pub async fn create(tx: &Tx<'_>, new: &NewPartyOrganization) -> Result<GroupedPartyOrganization> {
    let area: AreaCode = match &new.compound_code {
        Some(compound) => compound.community().parse()?,
        None => new.area_code.clone().unwrap_or_else(|| tx.city.clone()),
    };
    tx.may_at(WRITE, area.as_str())?;
    if new.area_code.as_ref().is_some_and(|given| *given != area) {
        return Err(AREA_OF_COMPOUND.at("/area_code").into());
    }
    let from = new.valid_from.unwrap_or(tx.today());
    hosts(tx, new.tier, new.parent_code.as_ref(), new.compound_code.as_ref(), new.household_code.as_ref(), from).await?;
    // A compound stands for its community, which does not end before it.
    if new.compound_code.is_none() {
        kept_area::host(tx, &area, from.max(tx.today())).await?;
    }
    let organization: PartyOrganization = diesel::insert_into(party_organization::table)
        .values((new, party_organization::id.eq(PartyOrganizationId::fresh()), party_organization::area_code.eq(area), party_organization::valid_from.eq(from)))
        .returning(PartyOrganization::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("party_organization.created", None, &organization, None)?;
    Ok(GroupedPartyOrganization { organization, building_codes: Vec::new() })
}

/// Changes a party organization.
pub async fn update(tx: &Tx<'_>, id: PartyOrganizationId, expected: Expected, patch: &PartyOrganizationPatch) -> Result<GroupedPartyOrganization> {
    first_day::hold(tx, patch.valid_from, INTO_PARTY_ORGANIZATIONS).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Enters or changes the party organization that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewPartyOrganization) -> Result<GroupedPartyOrganization> {
    tx.lock(&format!("party_organization {source} {reference}")).await?;
    first_day::hold(tx, new.valid_from, INTO_PARTY_ORGANIZATIONS).await?;
    let by_key = party_organization::source.eq(source).and(party_organization::ref_.eq(reference));
    let known: Option<PartyOrganization> = PartyOrganization::query().filter(by_key).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewPartyOrganization { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            if before.code != new.code {
                return Err(CODE_FIXED.at("/code").with("code", &before.code).into());
            }
            let pointer = match () {
                () if before.tier != new.tier => Some("/tier"),
                () if before.compound_code != new.compound_code => Some("/compound_code"),
                () if before.household_code != new.household_code => Some("/household_code"),
                () => None,
            };
            match pointer {
                Some(pointer) => Err(FIXED.at(pointer).into()),
                None => change(tx, &before, &new.into()).await,
            }
        }
    }
}

/// Ends a party organization on a day, and what it answered for with it. Refused while organizations, posts or
/// companies are in it from that day on.
pub async fn end(tx: &Tx<'_>, id: PartyOrganizationId, expected: Expected, ending: &Ending) -> Result<GroupedPartyOrganization> {
    import::hold(tx, &["handovers", "party-organizations", "party-posts", "property-companies", "party-organization-buildings"]).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let children = count_after!(tx, party_organization, parent_code, before.code, on);
    if children > 0 {
        return Err(HAS_CHILDREN.with("count", children).into());
    }
    let posts = count_after!(tx, party_post, organization_code, before.code, on);
    if posts > 0 {
        return Err(HAS_POSTS.with("count", posts).into());
    }
    let companies = count_after!(tx, property_company, party_branch_code, before.code, on);
    if companies > 0 {
        return Err(HAS_COMPANIES.with("count", companies).into());
    }
    handover_proof::stays(tx, &handover_proof::ORGANIZATION, id.0, before.valid_from, Some(on), "/on").await?;
    let answering = grouped(tx, before.clone(), on).await?;
    close(tx, &before.code, on).await?;
    let after: PartyOrganization = diesel::update(party_organization::table.find(id))
        .set((party_organization::valid_to.eq(on), party_organization::version.eq(before.version + 1), party_organization::updated_at.eq(tx.now)))
        .returning(PartyOrganization::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    let emptied = grouped(tx, after.clone(), on).await?;
    tx.record("party_organization.ended", Some(&answering), &emptied, Some(ending.reason.as_str()))?;
    grouped(tx, after, tx.as_of).await
}

/// Refuses where party organizations are in a compound from a day on: it cannot end then.
pub(crate) async fn none_after(tx: &Tx<'_>, compound: &CompoundCode, on: NaiveDate) -> Result<()> {
    match count_after!(tx, party_organization, compound_code, compound, on) {
        0 => Ok(()),
        count => Err(COMPOUND_HAS.with("count", count).into()),
    }
}

/// Refuses where a household is a hub from a day on: it cannot end then.
pub(crate) async fn no_hub_after(tx: &Tx<'_>, household: &HouseholdCode, on: NaiveDate) -> Result<()> {
    match count_after!(tx, party_organization, household_code, household, on) {
        0 => Ok(()),
        _ => Err((&HOUSEHOLD_HAS).into()),
    }
}

/// The party organization, locked, of a caller who may write it.
pub(crate) async fn lock(tx: &Tx<'_>, id: PartyOrganizationId) -> Result<PartyOrganization> {
    let found = PartyOrganization::query()
        .filter(party_organization::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), party_organization::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let organization: PartyOrganization = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, organization.area_code.as_str())?;
    Ok(organization)
}

/// Refuses unless compound, organization above and household are there and fit, the compound has not ended on a day, and no end
/// of the others is set; none of them can end before this transaction does.
async fn hosts(
    tx: &Tx<'_>,
    tier: PartyTier,
    parent: Option<&Key>,
    compound: Option<&CompoundCode>,
    household: Option<&HouseholdCode>,
    on: NaiveDate,
) -> Result<()> {
    if let Some(code) = compound {
        compound::host(tx, code.as_str(), on).await?;
    }
    under(tx, tier, parent, compound, on).await?;
    home(tx, household, compound).await
}

/// Refuses where something is in an organization before a day: it cannot begin then.
async fn none_before(tx: &Tx<'_>, code: &Key, from: NaiveDate) -> Result<()> {
    let under = party_organization::parent_code.eq(code).and(party_organization::valid_from.lt(from));
    let under = party_organization::table.filter(under).select(party_organization::id);
    let under = under.first::<PartyOrganizationId>(&mut tx.conn()).await.optional()?;
    let post = party_post::organization_code.eq(code).and(party_post::valid_from.lt(from));
    let post = party_post::table.filter(post).select(party_post::id).first::<Uuid>(&mut tx.conn()).await.optional()?;
    let building = party_group_building::organization_code.eq(code).and(party_group_building::valid_from.lt(from));
    let building = party_group_building::table.filter(building).select(party_group_building::id).first::<Uuid>(&mut tx.conn()).await.optional()?;
    if under.is_some() || post.is_some() || building.is_some() { Err(IN_USE_BEFORE.at("/valid_from").into()) } else { Ok(()) }
}

/// Refuses unless an organization of this tier and compound may stand under that one from a day on.
async fn under(tx: &Tx<'_>, tier: PartyTier, parent: Option<&Key>, compound: Option<&CompoundCode>, on: NaiveDate) -> Result<()> {
    let Some(code) = parent else { return Ok(()) };
    let Some(above) = tier.parent() else { return Err(PARENT_AND_TIER.at("/parent_code").into()) };
    let found = party_organization::table
        .filter(party_organization::code.eq(code))
        .select((party_organization::tier, party_organization::compound_code, party_organization::valid_from, party_organization::valid_to))
        .for_key_share()
        .first::<(PartyTier, Option<CompoundCode>, NaiveDate, Option<NaiveDate>)>(&mut tx.conn())
        .await
        .optional()?;
    let refusal = match found {
        None => &PARENT_UNKNOWN,
        Some((tier, ..)) if tier != above => &PARENT_TIER,
        Some((_, other, ..)) if other.as_ref() != compound => &PARENT_COMPOUND,
        // It would outlive what it stands under.
        Some((.., Some(_))) => &PARENT_ENDED,
        Some((_, _, begin, _)) if on < begin => return Err(BEGINS_BEFORE_PARENT.at("/valid_from").with("parent_code", code).into()),
        Some(_) => return Ok(()),
    };
    Err(refusal.at("/parent_code").with("parent_code", code).into())
}

/// Refuses unless the household is in a building of the compound; the building cannot move to another before this transaction
/// is over.
async fn home(tx: &Tx<'_>, household: Option<&HouseholdCode>, compound: Option<&CompoundCode>) -> Result<()> {
    let Some(code) = household else { return Ok(()) };
    let end = household::table.filter(household::code.eq(code)).select(household::valid_to).for_key_share();
    let end = end.first::<Option<NaiveDate>>(&mut tx.conn()).await.optional()?;
    let built = building::table.filter(building::code.eq(code.building())).select(building::compound_code).for_key_share();
    let built = built.first::<CompoundCode>(&mut tx.conn()).await.optional()?;
    let refusal = match end {
        None => &HOUSEHOLD_UNKNOWN,
        Some(Some(_)) => &HOUSEHOLD_ENDED,
        Some(_) if compound.is_some() && built.as_ref() != compound => &HOUSEHOLD_ELSEWHERE,
        Some(_) => return Ok(()),
    };
    Err(refusal.at("/household_code").with("household_code", code).into())
}

async fn change(tx: &Tx<'_>, before: &PartyOrganization, patch: &PartyOrganizationPatch) -> Result<GroupedPartyOrganization> {
    if let Some(area) = &patch.area_code {
        tx.may_at(WRITE, area.as_str())?;
        if before.compound_code.is_none() && *area != before.area_code {
            kept_area::host(tx, area, patch.valid_from.unwrap_or(before.valid_from).max(tx.today())).await?;
        }
    }
    let moved = patch.valid_from.filter(|from| *from != before.valid_from);
    if patch.parent_code.is_some() || moved.is_some() {
        let parent = patch.parent_code.as_ref().unwrap_or(&before.parent_code).as_ref();
        // Put under another that is younger, it stands under that from now on.
        let from = moved.unwrap_or(before.valid_from.max(tx.today()));
        hosts(tx, before.tier, parent, before.compound_code.as_ref(), before.household_code.as_ref(), from).await?;
    }
    if let Some(from) = moved.filter(|from| *from > before.valid_from) {
        none_before(tx, &before.code, from).await?;
        handover_proof::stays(tx, &handover_proof::ORGANIZATION, before.id.0, from, None, "/valid_from").await?;
    }
    let after: PartyOrganization = diesel::update(party_organization::table.find(before.id))
        .set((patch, party_organization::version.eq(before.version + 1), party_organization::updated_at.eq(tx.now)))
        .returning(PartyOrganization::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("party_organization.changed", Some(before), &after, None)?;
    grouped(tx, after, tx.as_of).await
}
