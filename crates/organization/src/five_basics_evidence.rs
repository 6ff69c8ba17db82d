//! What shows how a compound is organized on a day (ORG-01, ORG-02, ORG-10): one query that gathers it, for one compound or
//! for all of an area. Profile, report, register and statistics ask the same, so none can say what the others do not.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Date, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::{Prepare, Result, View};
use uuid::Uuid;

use crate::five_basics_check::{BasicsEvidence, SELF_MANAGED};

/// SQL: the compound with the code that is asked about ($1).
pub(crate) const ONE: &str = "select id, code, name, area_code from compound where code = $1";
/// SQL: the compounds in force on the day ($2) in the area ($1), a grid's being those that lie in it.
pub(crate) const ALL: &str = "select c.id, c.code, c.name, c.area_code from compound c \
    where (c.code >= $1 and c.code < $1 || '~' or exists (select from compound_grid l where l.compound_code = c.code and l.grid_code = $1 \
        and l.valid_from <= $2 and (l.valid_to is null or l.valid_to > $2))) \
    and c.valid_from <= $2 and (c.valid_to is null or c.valid_to > $2)";

/// Bodies of owners: they have a seat for the secretary, a preparatory group has none.
const BODIES: &str = "('owners_committee', 'property_management_committee', 'party_mass_council')";

/// SQL: what holds on the day ($2) in the compounds `here`: the core organization, the posts in its committee, the seats in
/// bodies of owners; and `evidence`, a row for all that shows that a part of a check is there, or need not be. The articles are
/// those of the company that serves the compound as a whole; where the owners or a work unit look after it without one, there are none.
pub(crate) fn ground(here: &str) -> String {
    let holds = |table: &str| format!("{table}.valid_from <= $2 and ({table}.valid_to is null or {table}.valid_to > $2)");
    let (organization, post, body, seat, project, inclusion, serving) = (holds("o"), holds("s"), holds("b"), holds("m"), holds("j"), holds("i"), holds("v"));
    format!(
        "with here as ({here}), \
         core as (select h.code as compound_code, o.id, o.code, o.name, o.valid_from from here h join party_organization o on o.compound_code = h.code \
             where o.tier = 'compound' and {organization}), \
         post as (select c.compound_code, s.id, s.role, s.person_id, s.valid_from, c.code from core c join party_post s on s.organization_code = c.code \
             where s.role not in ('leader', 'member', 'observer') and {post}), \
         seat as (select h.code as compound_code, h.area_code, m.id, m.body_kind, m.role, m.person_id, m.valid_from \
             from here h join governance_body_member m on m.compound_code = h.code where m.body_kind in {BODIES} and {seat}), \
         evidence as (\
             select compound_code, 'core'::text as part, 'party_organization'::text as kind, id, valid_from as since, \
                 null::text as word, code, name, null::uuid as person_id, null::text as manager from core \
             union all select t.compound_code, 'secretary', 'party_post', t.id, t.valid_from, null::text, t.code, p.name, p.id, null::text \
                 from post t join person p on p.id = t.person_id where t.role = 'secretary' \
             union all select h.code, 'body', 'governance_body', b.id, b.valid_from, b.kind, null::text, b.name, null::uuid, null::text \
                 from here h join governance_body b on b.compound_code = h.code where b.kind in {BODIES} and {body} \
             union all select t.compound_code, 'director', 'governance_body_member', t.id, t.valid_from, t.body_kind, null::text, p.name, p.id, null::text \
                 from seat t join person p on p.id = t.person_id where t.role = 'director' \
             union all select h.code, 'service', 'property_project', j.id, j.valid_from, j.kind, j.company_code, c.name, null::uuid, j.manager \
                 from here h join property_project j on j.compound_code = h.code left join property_company c on c.code = j.company_code \
                 where j.kind <> 'partial_service' and {project} \
             union all (select distinct on (h.code) h.code, 'building_group', 'party_organization', o.id, o.valid_from, null::text, o.code, o.name, null::uuid, null::text \
                 from here h join party_organization o on o.compound_code = h.code where o.tier = 'building_group' and {organization} \
                 order by h.code, o.valid_from, o.id) \
             union all (select distinct on (h.code) h.code, 'hub_household', 'party_organization', o.id, o.valid_from, null::text, o.code, o.name, null::uuid, null::text \
                 from here h join party_organization o on o.compound_code = h.code join party_post s on s.organization_code = o.code and s.role = 'leader' \
                 where o.tier = 'hub_household' and {organization} and {post} order by h.code, o.valid_from, o.id) \
             union all select h.code, i.document, 'charter_inclusion', i.id, i.valid_from, null::text, null::text, null::text, null::uuid, null::text \
                 from here h join charter_inclusion i on i.compound_code = h.code where {inclusion} \
                 and (i.document <> 'company_articles' or exists (select from property_project v where v.compound_code = h.code \
                     and v.company_code = i.company_code and v.kind <> 'partial_service' and {serving})) \
             union all select h.code, '{SELF_MANAGED}', 'property_project', j.id, j.valid_from, null::text, null::text, null::text, null::uuid, null::text \
                 from here h join property_project j on j.compound_code = h.code \
                 where j.kind in ('unit_self', 'owner_self') and j.company_code is null and {project} \
             union all select t.compound_code, 'concurrent', 'party_post', t.id, t.valid_from, null::text, null::text, null::text, t.person_id, null::text \
                 from post t where exists (select from seat e where e.compound_code = t.compound_code and e.person_id = t.person_id) \
             union all select t.compound_code, 'concurrent', 'governance_body_member', t.id, t.valid_from, null::text, null::text, null::text, t.person_id, null::text \
                 from seat t where exists (select from post e where e.compound_code = t.compound_code and e.person_id = t.person_id))"
    )
}

/// Something that shows that a part is there.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct Found {
    /// The part.
    #[diesel(sql_type = Text)]
    pub part: String,
    /// The kind of the object.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The object.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The first day on which it holds.
    #[diesel(sql_type = Date)]
    pub since: NaiveDate,
    /// Of bodies, seats and projects: what kind of body or service it is.
    #[diesel(sql_type = Nullable<Text>)]
    pub word: Option<String>,
    /// Its code, or that of the company.
    #[diesel(sql_type = Nullable<Text>)]
    pub code: Option<String>,
    /// Its name, or that of the person or the company.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    /// The person.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub person_id: Option<Uuid>,
    /// Of projects: who manages it.
    #[diesel(sql_type = Nullable<Text>)]
    pub manager: Option<String>,
}

impl Found {
    /// As evidence of its part.
    pub(crate) fn evidence(&self) -> (&str, BasicsEvidence) {
        (self.part.as_str(), BasicsEvidence { kind: self.kind.clone(), id: self.id, since: self.since })
    }
}

/// All that is found of a compound on the day of the view, the longest standing first. The caller of this has checked what
/// it answers for.
pub(crate) async fn of_compound(view: &View<'_>, code: &str) -> Result<Vec<Found>> {
    let gather = format!("{} select part, kind, id, since, word, code, name, person_id, manager from evidence order by since, id", ground(ONE));
    // One text for every compound, so it is prepared once a connection: else each question would go to Postgres twice.
    let gather = diesel::sql_query(gather).bind::<Text, _>(code.to_owned()).bind::<Date, _>(view.as_of).prepared();
    let found: Vec<Found> = gather.load(&mut view.conn()).await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charter_adoption::CharterDocument;
    use crate::five_basics_check::ORGANIZATION;

    #[test]
    fn org_01_there_can_be_evidence_of_every_part() {
        let gathered = ground(ONE);
        for part in ORGANIZATION.iter().flat_map(|check| check.parts) {
            let document = CharterDocument::ALL.iter().any(|document| document.word() == part.key);
            assert!(document || gathered.contains(&format!("'{}'", part.key)), "{}", part.key);
            assert!(part.waived_by.is_none_or(|waiver| gathered.contains(&format!("'{waiver}'"))), "{}", part.key);
        }
    }
}
