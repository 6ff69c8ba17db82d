//! Whoever has a post in a party organization is in the Party as long as he has it, but for observers (ORG-06, ORG-14):
//! looked at from the side of the post and from that of the membership.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Date, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::{Error, Refusal, Result, Tx, import};
use schema::party_membership;
use uuid::Uuid;

use crate::party_post_sheet;
use crate::person::PersonId;

/// Posts keep a membership from ending, or from beginning later.
pub const HAS_POSTS: Refusal = Refusal::conflict(
    "party_membership.has_posts",
    "该人员仍有党内任职或属于党员中心户,其期间须在党员身份存续期间内;请先终止或更正,转接组织关系后再重新登记。",
    "The person has posts, or is of a hub household, beyond what his memberships then cover; end or correct these first, and enter them anew after a transfer.",
);

/// SQL: whether somebody ($1) is in the Party from a day ($2) on, through relations that follow without a gap.
const FROM_A_DAY: &str = "select coalesce((select range_agg(daterange(m.valid_from, m.valid_to)) from party_membership m where m.person_id = $1) \
    @> daterange($2, null), false) as found";

/// SQL: whether one of some people ($1) has a post beyond his memberships. What is over by today ($2) can no longer be mended.
const BEYOND: &str = "select exists (select from party_post o where o.person_id = any($1) and o.role <> 'observer' \
    and (o.valid_to is null or o.valid_to > $2) \
    and ((select range_agg(daterange(m.valid_from, m.valid_to)) from party_membership m where m.person_id = o.person_id) \
        @> daterange(o.valid_from, o.valid_to)) is not true) as found";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// Whether somebody is in the Party from a day on; his memberships cannot end or move before this transaction is over.
pub(crate) async fn is_member_from(tx: &Tx<'_>, person: PersonId, from: NaiveDate) -> Result<bool> {
    let memberships = party_membership::table.filter(party_membership::person_id.eq(person)).order(party_membership::id);
    let _held: Vec<Uuid> = memberships.select(party_membership::id).for_key_share().load(&mut tx.conn()).await?;
    let query = diesel::sql_query(FROM_A_DAY).bind::<SqlUuid, _>(person.0).bind::<Date, _>(from);
    Ok(query.get_result::<Found>(&mut tx.conn()).await?.found)
}

/// Keeps imports of posts out while a membership ends or moves: what they checked against it stays so.
pub(crate) async fn hold_posts(tx: &Tx<'_>) -> Result<()> {
    import::hold(tx, &[party_post_sheet::SHEET.resource]).await
}

/// Refuses where one of some people has a post beyond his memberships, as they are now. Imports of posts are held.
pub(crate) async fn covers_posts(tx: &Tx<'_>, people: &[PersonId]) -> Result<()> {
    if any_beyond(tx, people.iter().map(|person| person.0).collect()).await? { Err((&HAS_POSTS).into()) } else { Ok(()) }
}

/// After an import of memberships: those that it changed still cover the posts of their people, also such as came meanwhile.
pub(crate) async fn settle(tx: &Tx<'_>, ids: Vec<String>) -> Result<()> {
    #[derive(QueryableByName)]
    struct Whose {
        #[diesel(sql_type = SqlUuid)]
        person_id: Uuid,
    }
    let changed = "select person_id from party_membership where id = any($1) and version > 1";
    let ids: Vec<Uuid> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let changed: Vec<Whose> = diesel::sql_query(changed).bind::<Array<SqlUuid>, _>(ids).load(&mut tx.conn()).await?;
    if changed.is_empty() {
        return Ok(());
    }
    hold_posts(tx).await?;
    // The check of the rows cannot have seen it. Run again, it does.
    match any_beyond(tx, changed.into_iter().map(|one| one.person_id).collect()).await? {
        true => Err(Error::again("a post came that a membership of an import does not cover")),
        false => Ok(()),
    }
}

async fn any_beyond(tx: &Tx<'_>, people: Vec<Uuid>) -> Result<bool> {
    let query = diesel::sql_query(BEYOND).bind::<Array<SqlUuid>, _>(people).bind::<Date, _>(tx.today());
    Ok(query.get_result::<Found>(&mut tx.conn()).await?.found)
}
