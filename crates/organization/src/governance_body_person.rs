//! The people who sit in governance bodies (ORG-14). Whether one is in the Party is a fact of the person: it is told to
//! those who may see the roll, and never written beside the seat.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::try_join;
use kernel::{Error, Recorded, Result, View, holds_on};
use schema::{party_membership as membership, person};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::governance_body_member::{Seat, UNKNOWN};
use crate::party_membership;
use crate::person::{HomeCode, PersonId, PersonName};

/// A member of a governance body as he stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GovernanceBodyMember {
    /// What is kept of it.
    #[serde(flatten)]
    pub seat: Seat,
    /// Name of the person; of office-holders it is public.
    pub name: PersonName,
    /// Whether he is in the Party on the day that is asked about, from his memberships; null to those who may not see the roll.
    pub in_party: Option<bool>,
}

// The journal keeps the seat; name and membership of the Party are the person's.
impl Recorded for GovernanceBodyMember {
    const KIND: &'static str = Seat::KIND;

    fn id(&self) -> Uuid {
        self.seat.id()
    }

    fn area(&self) -> &str {
        self.seat.area()
    }

    fn version(&self) -> i32 {
        self.seat.version
    }
}

/// A seat with the person in it.
pub(crate) async fn introduce_one(view: &View<'_>, seat: Seat) -> Result<GovernanceBodyMember> {
    introduce(view, vec![seat]).await?.pop().ok_or_else(|| (&UNKNOWN).into())
}

/// Seats with the people in them: their names, and who of them is in the Party where the caller may see that. The roll is kept
/// where a person is, not where he sits.
pub(crate) async fn introduce(view: &View<'_>, seats: Vec<Seat>) -> Result<Vec<GovernanceBodyMember>> {
    let ids: Vec<PersonId> = seats.iter().map(|seat| seat.person_id).collect();
    let named = person::table.filter(person::id.eq_any(ids.clone())).select((person::id, person::name, person::area_code));
    let named = named.load::<(PersonId, PersonName, HomeCode)>(&mut view.conn());
    let (named, members) = try_join(async { named.await.map_err(Error::from) }, members_of_the_party(view, ids)).await?;
    let people: HashMap<PersonId, (PersonName, HomeCode)> = named.into_iter().map(|(id, name, area)| (id, (name, area))).collect();
    let roll = view.scope(&[party_membership::READ]);
    seats
        .into_iter()
        .map(|seat| {
            let (name, area) = people.get(&seat.person_id).cloned().ok_or_else(|| Error::Internal(format!("{} is nobody", seat.person_id)))?;
            let in_party = roll.covers(area.as_str()).then(|| members.contains(&seat.person_id));
            Ok(GovernanceBodyMember { seat, name, in_party })
        })
        .collect()
}

/// Who of these is in the Party on the day of the view.
async fn members_of_the_party(view: &View<'_>, people: Vec<PersonId>) -> Result<HashSet<PersonId>> {
    let members = membership::table
        .filter(membership::person_id.eq_any(people).and(holds_on!(membership, view.as_of)))
        .select(membership::person_id)
        .load::<PersonId>(&mut view.conn())
        .await?;
    Ok(members.into_iter().collect())
}
