//! Statistics beside the same counts as somebody would write them by hand, one statement each.

use crate::Failed;
use crate::load::{Requests, ratio, statements};
use crate::report::Report;
use crate::stage::Stage;

/// What holds on the day, in a table t.
const HOLDS: &str = "t.valid_from <= date ':day' and (t.valid_to is null or t.valid_to > date ':day')";

/// Each statistic with its statement; `HOLDS` and `:day` are filled in.
const FIGURES: [(&str, &str); 10] = [
    ("communities", "select count(*) from community t where t.kind <> 'village' and HOLDS"),
    ("grids", "select count(*) from grid t where HOLDS"),
    (
        "grids_added",
        "select count(*) filter (where HOLDS) - count(*) filter (where t.valid_from < date_trunc('year', date ':day') \
         and (t.valid_to is null or t.valid_to >= date_trunc('year', date ':day'))) from grid t",
    ),
    (
        "body_members",
        "select count(distinct (t.compound_code, t.person_id)) from governance_body_member t where t.body_kind in ('owners_committee', 'party_mass_council') and HOLDS",
    ),
    (
        "body_members_in_party",
        "select count(distinct (t.compound_code, t.person_id)) from governance_body_member t join party_membership m on m.person_id = t.person_id \
         and m.valid_from <= date ':day' and (m.valid_to is null or m.valid_to > date ':day') where t.body_kind in ('owners_committee', 'party_mass_council') and HOLDS",
    ),
    (
        "body_party_share",
        "select count(*), count(*) filter (where exists (select from party_membership m where m.person_id = s.person_id and m.valid_from <= date ':day' \
         and (m.valid_to is null or m.valid_to > date ':day'))) from (select distinct t.compound_code, t.person_id from governance_body_member t \
         where t.body_kind in ('owners_committee', 'party_mass_council') and HOLDS) s",
    ),
    ("property_party_branches", "select count(*) from party_organization t where t.tier = 'industry_branch' and HOLDS"),
    (
        "property_covered_grids",
        "select count(distinct l.grid_code) from compound_grid l join property_project t on t.compound_code = l.compound_code \
         join grid g on g.code = l.grid_code and g.valid_from <= date ':day' and (g.valid_to is null or g.valid_to > date ':day') \
         where t.kind <> 'partial_service' and l.valid_from <= date ':day' and (l.valid_to is null or l.valid_to > date ':day') and HOLDS",
    ),
    ("compounds", "select count(*) from compound t where HOLDS"),
    ("handovers", "select count(*) from compound_handover t where t.handed_over_on between date_trunc('year', date ':day') and date ':day'"),
];

/// Measures each statistic beside its statement, one caller at a time, on a database with the whole demo city.
pub async fn measure(stage: &Stage, report: &mut Report, name: &str, scale: u32, seconds: u32) -> Result<(), Failed> {
    stage.database(name, "template1").await?;
    stage.linli(name, &["migrate"]).await?;
    stage.linli(name, &["demo", "load", "--scale", &scale.to_string()]).await?;
    let key = stage.linli(name, &["key", "create", "--name", "bench", "--permission", "*"]).await?;
    stage.sql(name, "vacuum analyze").await?;
    std::fs::write(".data/bench/nothing", "-\n")?;
    let today = stage.sql(name, "select (now() at time zone 'Asia/Shanghai')::date").await?;
    let server = stage.serve(name, 18_101).await?;
    for (statistic, statement) in FIGURES {
        let path = format!("/v1/statistics/{statistic}?as_of={today}");
        let ours = Requests { port: server.port, method: "GET", path: &path, body: "", key: &key, ids: ".data/bench/nothing", connections: 2, seconds };
        let theirs = format!("{};\n", statement.replace("HOLDS", HOLDS).replace(":day", &today));
        let mut measured = Vec::new();
        for _ in 0..2 {
            measured.push((ours.send().await?, statements(stage, name, std::slice::from_ref(&theirs), 2, seconds).await?));
        }
        report.rates(&format!("GET /v1/statistics/{statistic}"), "one statement", &measured, "a second", 1.0 / ratio(&measured), "<= 1.5 times the time");
    }
    server.end().await
}
