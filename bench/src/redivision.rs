//! A re-division of the whole city (ORG-12): how long it takes to take effect, beside the same columns rewritten by hand, which leaves
//! no history, no lineage and no journal behind.

use serde_json::{Value, json};

use crate::Failed;
use crate::city::key_of;
use crate::report::Report;
use crate::stage::{Server, Stage, number, text};
use crate::transfer::timed;

/// The notice that publishes it.
const NOTICE: &str = "示例〔2026〕99号";
/// Where a grid goes on under another code: the same community, a number that none of the demo city has.
const ANEW: &str = "left(CODE, 12) || (right(CODE, 3)::integer + 700)::text";
/// What holds on the day, in a table t.
const HOLDS: &str = "t.valid_from <= date 'DAY' and (t.valid_to is null or t.valid_to > date 'DAY')";

/// The plan: all grids get another code, and everything in them goes with them.
const PLAN: &str = "select json_build_object('version', VERSION, \
     'grids', (select json_agg(json_build_object('code', ANEW(t.code), 'name', t.name, 'reason', '全市网格统一编号') order by t.code) from grid t where HOLDS), \
     'buildings', (select json_agg(json_build_object('building_code', b.code, 'grid_code', ANEW(t.grid_code)) order by b.code) \
         from building b join compound_grid t on t.compound_code = b.compound_code and HOLDS where b.valid_to is null))";

/// The same by hand, in one transaction: the grids that are to be there, and every column that says which grid something is in.
const BY_HAND: [&str; 9] = [
    "begin",
    "insert into grid (id, code, name, kind, valid_from) select gen_random_uuid(), ANEW(t.code), t.name, t.kind, date 'DAY' from grid t where HOLDS",
    "update household t set grid_code = ANEW(t.grid_code) where t.grid_code is not null and HOLDS",
    "update household_grid t set grid_code = ANEW(t.grid_code) where HOLDS",
    "update compound_grid t set grid_code = ANEW(t.grid_code) where HOLDS",
    "update person t set area_code = ANEW(t.area_code) where length(t.area_code) = 15 and HOLDS",
    "update party_organization t set area_code = ANEW(t.area_code) where length(t.area_code) = 15 and HOLDS",
    "update property_company t set area_code = ANEW(t.area_code) where length(t.area_code) = 15 and HOLDS",
    "commit",
];

/// Fills in the day, what holds on it, and the codes of grids.
fn filled(sql: &str, day: &str) -> String {
    let column = |sql: String, column: &str| sql.replace(&format!("ANEW({column})"), &ANEW.replace("CODE", column));
    let sql = sql.replace("HOLDS", HOLDS).replace("DAY", day);
    ["t.code", "t.grid_code", "t.area_code"].into_iter().fold(sql, column)
}

/// Measures it in copies of a database with the whole demo city, which itself is left as it is, but for a re-division that is approved.
pub async fn measure(stage: &Stage, report: &mut Report, name: &str, rounds: usize) -> Result<(), Failed> {
    let key = key_of(name)?;
    let day = stage.sql(name, "select (now() at time zone 'Asia/Shanghai')::date").await?;
    let server = stage.serve(name, 18_101).await?;
    let (path, version) = approved(stage, &server, &key, name, &day).await?;
    server.end().await?;
    let by_hand = filled(&BY_HAND.join("; "), &day);
    let mut measured = Vec::new();
    let mut rows = 0.0;
    for _ in 0..rounds {
        stage.copy("by_hand", name).await?;
        // The other one has read these tables when it is published.
        stage.sql("by_hand", "select count(*) from household h join household_grid g on g.household_id = h.id").await?;
        stage.sql("by_hand", "checkpoint").await?;
        let (_, theirs) = timed(stage.sql("by_hand", &by_hand)).await?;
        stage.remove("by_hand").await?;

        stage.copy("divided", name).await?;
        let server = stage.serve("divided", 18_101).await?;
        // Not before: a server that starts and finds one that is due lets it take effect at once.
        let published = step(&server, &key, &path, "publish", json!({"notice_number": NOTICE, "version": version})).await?;
        stage.sql("divided", "checkpoint").await?;
        let (effective, ours) = timed(step(&server, &key, &path, "take-effect", json!({"version": number(&published, "version")?}))).await?;
        server.end().await?;
        stage.remove("divided").await?;
        let count = |member: &str| number(&effective, member).map(f64::from);
        rows = count("households_moved")? + count("compound_links_changed")? + count("objects_moved")?;
        measured.push((ours, theirs));
    }
    report.rehomed("re-division of the whole city made effective", "the same columns by psql, no history, no journal", rows, &measured);
    Ok(())
}

/// Takes one through its workflow until it is approved; answers where it is, and its version.
async fn approved(stage: &Stage, server: &Server, key: &str, name: &str, day: &str) -> Result<(String, i32), Failed> {
    let notice = json!({"number": NOTICE, "title": "关于统一全市网格编号的通知", "issuer": "市委组织部", "issued_on": day});
    server.ask(key, "POST", "/v1/policy-documents", &notice.to_string()).await?;
    let new = json!({"title": "全市网格统一编号", "area_code": "421181", "effective_on": day, "reason": "全市网格统一编号"});
    let mut stands = server.ask(key, "POST", "/v1/grid-redivisions", &new.to_string()).await?;
    let path = format!("/v1/grid-redivisions/{}", text(&stands, "id")?);
    let plan = filled(PLAN, day).replace("VERSION", &number(&stands, "version")?.to_string());
    std::fs::write(".data/bench/plan.json", stage.sql(name, &plan).await?)?;
    stands = server.ask(key, "PUT", &format!("{path}/plan"), "@.data/bench/plan.json").await?;
    for action in ["submit", "accept"] {
        stands = step(server, key, &path, action, json!({"version": number(&stands, "version")?})).await?;
    }
    let minutes = server.ask(key, "POST", "/v1/files?name=minutes.txt", "会议记录:同意。").await?;
    let attached = json!({"object_kind": "grid_redivision", "object_id": text(&stands, "id")?, "version": 1});
    server.ask(key, "POST", &format!("/v1/files/{}/attach", text(&minutes, "id")?), &attached.to_string()).await?;
    for action in ["pass", "approve"] {
        stands = step(server, key, &path, action, json!({"version": number(&stands, "version")?})).await?;
    }
    Ok((path, number(&stands, "version")?))
}

/// Takes one step of the workflow.
async fn step(server: &Server, key: &str, path: &str, action: &str, body: Value) -> Result<Value, Failed> {
    server.ask(key, "POST", &format!("{path}/{action}"), &body.to_string()).await
}
