//! Statistics beside the same counts as somebody would write them by hand, one statement each.

use serde_json::Value;

use crate::Failed;
use crate::city::key_of;
use crate::load::{Requests, ratio, statements};
use crate::report::Report;
use crate::stage::Stage;

/// How many ask at a time.
const CALLERS: u32 = 2;
/// What holds on the day, in a table t.
const HOLDS: &str = "t.valid_from <= DAY and (t.valid_to is null or t.valid_to > DAY)";

/// Each statistic with its statement, which answers the figure, of a share the part and the whole; `HOLDS` and `DAY` are filled in.
const FIGURES: [(&str, &str); 10] = [
    ("communities", "select count(*) from community t where t.kind <> 'village' and HOLDS"),
    ("grids", "select count(*) from grid t where HOLDS"),
    (
        "grids_added",
        "select count(*) filter (where HOLDS) - count(*) filter (where t.valid_from < date_trunc('year', DAY) \
         and (t.valid_to is null or t.valid_to >= date_trunc('year', DAY))) from grid t",
    ),
    (
        "body_members",
        "select count(distinct (t.compound_code, t.person_id)) from governance_body_member t where t.body_kind in ('owners_committee', 'party_mass_council') and HOLDS",
    ),
    (
        "body_members_in_party",
        "select count(distinct (t.compound_code, t.person_id)) from governance_body_member t join party_membership m on m.person_id = t.person_id \
         and m.valid_from <= DAY and (m.valid_to is null or m.valid_to > DAY) where t.body_kind in ('owners_committee', 'party_mass_council') and HOLDS",
    ),
    (
        "body_party_share",
        "select count(*) filter (where exists (select from party_membership m where m.person_id = s.person_id and m.valid_from <= DAY \
         and (m.valid_to is null or m.valid_to > DAY))), count(*) from (select distinct t.compound_code, t.person_id from governance_body_member t \
         where t.body_kind in ('owners_committee', 'party_mass_council') and HOLDS) s",
    ),
    ("property_party_branches", "select count(*) from party_organization t where t.tier = 'industry_branch' and HOLDS"),
    (
        "property_covered_grids",
        "select count(distinct l.grid_code) from compound_grid l join property_project t on t.compound_code = l.compound_code \
         join grid g on g.code = l.grid_code and g.valid_from <= DAY and (g.valid_to is null or g.valid_to > DAY) \
         where t.kind <> 'partial_service' and l.valid_from <= DAY and (l.valid_to is null or l.valid_to > DAY) and HOLDS",
    ),
    ("compounds", "select count(*) from compound t where HOLDS"),
    ("handovers", "select count(*) from compound_handover t where t.state <> 'rejected' and t.handed_over_on between date_trunc('year', DAY) and DAY"),
];

/// The statements for a day, which is SQL.
pub fn by_hand(day: &str) -> Vec<(&'static str, String)> {
    FIGURES.iter().map(|(statistic, sql)| (*statistic, sql.replace("HOLDS", HOLDS).replace("DAY", day))).collect()
}

/// Measures each statistic on a database with the whole demo city, two callers at a time: beside a handler that runs the statement
/// and does nothing else, which is the yardstick, and beside the statement alone, which no HTTP and no reader of JSON comes near.
pub async fn measure(stage: &Stage, report: &mut Report, name: &str, seconds: u32, rounds: usize) -> Result<(), Failed> {
    let key = key_of(name)?;
    std::fs::write(".data/bench/nothing", "-\n")?;
    let today = stage.sql(name, "select (now() at time zone 'Asia/Shanghai')::date").await?;
    let (server, bare) = (stage.serve(name, 18_101).await?, stage.serve_bare(name, 18_102).await?);
    for (statistic, statement) in by_hand(&format!("date '{today}'")) {
        let path = format!("/v1/statistics/{statistic}?as_of={today}");
        let bare_path = format!("/figures/{statistic}/{today}");
        // What is faster because it counts something else is no figure.
        let figure = server.ask(&key, "GET", &path, "").await?;
        let counts = ["numerator", "denominator"].into_iter().filter_map(|member| figure.get(member).and_then(Value::as_i64));
        let (said, counted) = (counts.map(|count| count.to_string()).collect::<Vec<_>>().join("|"), stage.sql(name, &statement).await?);
        if said != counted {
            return Err(Failed(format!("{path} says {said}, by hand it is {counted}")));
        }
        let ours = asked(server.port, &path, &key, seconds);
        let theirs = asked(bare.port, &bare_path, "", seconds);
        let alone = [format!("{statement};\n")];
        Requests { seconds: 1, ..asked(server.port, &path, &key, seconds) }.send().await?;
        Requests { seconds: 1, ..asked(bare.port, &bare_path, "", seconds) }.send().await?;
        let (mut by_handler, mut by_pgbench) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let counted = ours.send().await?;
            by_handler.push((counted, theirs.send().await?));
            by_pgbench.push((counted, statements(stage, name, &alone, CALLERS, seconds).await?));
        }
        let what = format!("GET /v1/statistics/{statistic}");
        report.rates(&what, "bare handler, counted by hand", &by_handler, "a second", 1.0 / ratio(&by_handler), "<= 1.5 times the time");
        report.rates(&what, "pgbench, counted by hand", &by_pgbench, "a second", 1.0 / ratio(&by_pgbench), "");
    }
    server.end().await?;
    bare.end().await
}

fn asked<'a>(port: u16, path: &'a str, key: &'a str, seconds: u32) -> Requests<'a> {
    Requests { port, method: "GET", path, body: "", key, ids: ".data/bench/nothing", connections: CALLERS, seconds }
}
