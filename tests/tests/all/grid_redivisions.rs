//! Re-divisions of grids (ORG-12, ORG-03 … ORG-05): a plan is checked, goes from hand to hand, and nobody decides on what has changed.

use chrono::{NaiveDate, TimeDelta};
use kernel::{Role, clock};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, TestApp, User, app::ending};

pub(crate) const THINGS: &str = "/v1/grid-redivisions";
pub(crate) const AREA: &str = "421181001001";
const NOTICE: &str = "示例〔2026〕15号";
const MINUTES: &[u8] = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n";

pub(crate) fn today() -> NaiveDate {
    clock::day(clock::now())
}

fn tomorrow() -> NaiveDate {
    today() + TimeDelta::days(1)
}

pub(crate) fn path(redivision: &Value) -> String {
    format!("{THINGS}/{}", redivision["id"].as_str().unwrap())
}

pub(crate) async fn draft(user: &User, title: &str, area: &str, on: NaiveDate) -> Value {
    user.post(THINGS, json!({"title": title, "area_code": area, "effective_on": on, "reason": "优化网格设置"})).await.ok(201)
}

/// Replaces the plan of what stood so.
pub(crate) async fn plan(user: &User, was: &Value, plan: Value) -> Answer {
    let mut plan = plan;
    plan["version"] = was["version"].clone();
    user.put(&format!("{}/plan", path(was)), plan).await
}

/// Does an action on what stood so, with the version that it had.
pub(crate) async fn act(user: &User, was: &Value, action: &str, body: Value) -> Answer {
    let mut body = body;
    body["version"] = was["version"].clone();
    user.post(&format!("{}/{action}", path(was)), body).await
}

const STEPS: [&str; 5] = ["submit", "accept", "pass", "approve", "publish"];

pub(crate) fn body(action: &str) -> Value {
    match action {
        "publish" => json!({"notice_number": NOTICE}),
        "return" | "withdraw" | "revoke" => json!({"reason": "3栋划分不便于服务"}),
        _ => json!({}),
    }
}

/// Attaches the minutes of its consultation to a re-division; answers the file.
pub(crate) async fn minutes(user: &User, redivision: &Value) -> Value {
    let sent = user.send(user.request(Method::POST, "/v1/files?name=minutes.pdf").body(MINUTES)).await.ok(201);
    let to = json!({"object_kind": "grid_redivision", "object_id": redivision["id"], "version": 1});
    user.post(&format!("/v1/files/{}/attach", sent["id"].as_str().unwrap()), to).await.ok(200)
}

/// Takes a planned draft so many steps on, its minutes attached before they are asked for.
pub(crate) async fn advance(user: &User, draft: &Value, steps: usize) -> Value {
    let mut stands = draft.clone();
    for action in &STEPS[..steps] {
        if *action == "pass" {
            minutes(user, &stands).await;
        }
        stands = act(user, &stands, action, body(action)).await.ok(200);
    }
    stands
}

/// The notice by which all of them are published.
pub(crate) async fn notice(admin: &User) {
    let document = json!({"number": NOTICE, "title": "关于优化社区网格设置的通知", "issuer": "市委组织部", "issued_on": "2026-01-05"});
    admin.post("/v1/policy-documents", document).await.ok(201);
}

pub(crate) fn grid(code: u32) -> Value {
    json!({"code": format!("{AREA}{code:03}"), "name": format!("网格{code}"), "reason": "户数不均"})
}

pub(crate) fn building(number: u32, grid: u32) -> Value {
    json!({"building_code": format!("{AREA}{number:05}"), "grid_code": format!("{AREA}{grid:03}")})
}

/// A grid in which two compounds may lie.
pub(crate) fn shared(code: u32) -> Value {
    let mut grid = grid(code);
    for (name, value) in [("exception", "small_merge"), ("exception_reason", "两处老旧小区相连"), ("approved_by", "龙池桥街道办事处")] {
        grid[name] = value.into();
    }
    grid
}

/// All stays as it is, but for the second building, which comes to the first.
pub(crate) fn steady() -> Value {
    json!({"grids": [shared(1), grid(2)], "buildings": [building(1, 1), building(2, 1)]})
}

/// A planned draft for the community.
async fn planned(user: &User, title: &str) -> Value {
    let made = draft(user, title, AREA, today()).await;
    plan(user, &made, steady()).await.ok(200)
}

/// The checks that a plan breaks and must not, each with how often.
pub(crate) async fn broken(user: &User, redivision: &Value) -> Vec<(String, i64)> {
    let checks = user.get(&format!("{}/checks", path(redivision))).await.ok(200);
    let findings = checks["findings"].as_array().unwrap().clone();
    let broken: Vec<_> = findings.iter().filter(|one| one["forbids"] == true && one["count"] != 0).collect();
    assert_eq!(checks["passes"].as_bool(), Some(broken.is_empty()));
    broken.iter().map(|one| (one["check"].as_str().unwrap().to_owned(), one["count"].as_i64().unwrap())).collect()
}

fn state(redivision: &Value) -> (&str, Option<&str>, i64) {
    (redivision["state"].as_str().unwrap(), redivision["previous_state"].as_str(), redivision["version"].as_i64().unwrap())
}

#[tokio::test]
async fn org_12_a_plan_is_drafted_replaced_and_read_in_pages() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = draft(&admin, "柳岸社区网格调整", AREA, today()).await;
    assert_eq!((state(&made), made["planned_grids"].as_i64(), made["grids_before"].is_null()), (("draft", None, 1), Some(0), true));
    assert_eq!(admin.patch(&path(&made), json!({"title": "无版本"})).await.code(), "version.missing");
    let changed = admin.patch(&path(&made), json!({"reason": "户数不均", "version": 1})).await.ok(200);
    assert_eq!((changed["reason"].as_str(), changed["version"].as_i64()), (Some("户数不均"), Some(2)));
    assert_eq!(plan(&admin, &made, steady()).await.code(), "version.stale");
    let planned = plan(&admin, &changed, steady()).await.ok(200);
    assert_eq!((planned["planned_grids"].as_i64(), planned["planned_buildings"].as_i64(), planned["planned_households"].as_i64()), (Some(2), Some(2), Some(0)));
    let mut other = steady();
    other["households"] = json!([{"household_code": "42118100100100001010102", "grid_code": "421181001001002"}]);
    let again = plan(&admin, &planned, other).await.ok(200);
    assert_eq!((again["planned_grids"].as_i64(), again["planned_households"].as_i64(), again["version"].as_i64()), (Some(2), Some(1), Some(4)));
    let first = admin.get(&format!("{}/plan/grids?limit=1", path(&made))).await.ok(200);
    assert_eq!(
        first["items"],
        json!([{"code": "421181001001001", "name": "网格1", "kind": null, "exception": "small_merge", "exception_reason": "两处老旧小区相连", "approved_by": "龙池桥街道办事处", "reason": "户数不均", "boundary": null}])
    );
    let next = first["next"].as_str().unwrap();
    let second = admin.get(&format!("{}/plan/grids?limit=1&after={next}", path(&made))).await.ok(200);
    assert_eq!((second["items"][0]["code"].as_str(), second["has_more"].as_bool()), (Some("421181001001002"), Some(false)));
    assert_eq!(admin.get(&format!("{}/plan/buildings?after={next}", path(&made))).await.code(), "page.bad_cursor");
    assert_eq!(admin.get(&format!("{}/plan/buildings", path(&made))).await.ok(200)["items"], json!([building(1, 1), building(2, 1)]));
    assert_eq!(admin.get(&format!("{}/plan/households", path(&made))).await.ok(200)["items"][0]["household_code"], "42118100100100001010102");
    // What cannot be is told all at once, by its place.
    let bad = json!({
        "grids": [grid(1), grid(1), {"code": "421181001002001", "name": "外"}, {"code": "421181001001003", "name": "半", "exception": "large_split"}],
        "buildings": [building(1, 1), building(1, 1), building(9, 1), building(2, 8)],
        "households": [{"household_code": "42118100100100001010199", "grid_code": "421181001001001"}]
    });
    let refused = plan(&admin, &again, bad).await;
    assert_eq!((refused.status, refused.code()), (422, "grid_redivision.bad_plan"));
    assert_eq!(
        refused.errors(),
        [
            "/grids/1/code grid_redivision.twice",
            "/grids/2/code grid_redivision.outside",
            "/grids/3/exception compound_grid.half_an_exception",
            "/buildings/1/building_code grid_redivision.twice",
            "/buildings/3/grid_code grid_redivision.no_such_target",
            "/buildings/2/building_code building.does_not_exist",
            "/households/0/household_code grid_redivision.no_such_household"
        ]
    );
    assert_eq!(admin.get(&path(&made)).await.ok(200)["version"], 4, "nothing of it is kept");
    for area in ["421181001009", "421181001001001", "421182"] {
        let answer = admin.post(THINGS, json!({"title": "何处", "area_code": area, "effective_on": today()})).await;
        let said = if area == "421182" { (403, "access.out_of_scope".to_owned()) } else { (422, "grid_redivision.no_such_area".to_owned()) };
        assert_eq!((answer.status, answer.code().to_owned()), said, "{area}");
    }
    let late = admin.post(THINGS, json!({"title": "何时", "area_code": AREA, "effective_on": "9999-01-01"})).await;
    assert_eq!((late.status, late.errors()), (422, vec!["/effective_on period.out_of_years".to_owned()]));
}

#[tokio::test]
async fn org_03_each_check_names_what_breaks_it() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let mut stands = planned(&admin, "检查").await;
    assert!(broken(&admin, &stands).await.is_empty());
    let small = admin.get(&format!("{}/checks", path(&stands))).await.ok(200);
    let small = small["findings"].as_array().unwrap().iter().find(|one| one["check"] == "grids_too_small").unwrap().clone();
    assert_eq!((small["forbids"].as_bool(), small["count"].as_i64(), small["items"][0]["number"].as_i64()), (Some(false), Some(2), Some(3)));
    let found = |check: &str, count| (check.to_owned(), count);
    // A building is forgotten, and its household with it.
    stands = plan(&admin, &stands, json!({"grids": [grid(1), grid(2)], "buildings": [building(1, 1)]})).await.ok(200);
    assert_eq!(broken(&admin, &stands).await, [found("buildings_missing", 1), found("households_missing", 1)]);
    let refused = act(&admin, &stands, "submit", json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "grid_redivision.checks_fail"));
    assert!(refused.body["detail"].as_str().unwrap().contains("“楼栋未划入网格”(1 处)"), "{}", refused.body);
    // One grid, two compounds; and with a household that parts from its building, one compound, two grids: an exception each.
    let parted = json!([{"household_code": "42118100100100001010102", "grid_code": "421181001001002"}]);
    let both = json!({"grids": [grid(1), grid(2)], "buildings": [building(1, 1), building(2, 1)], "households": parted});
    stands = plan(&admin, &stands, both).await.ok(200);
    assert_eq!(broken(&admin, &stands).await, [found("exceptions_missing", 2)]);
    let allowed = json!({"grids": [shared(1), shared(2)], "buildings": [building(1, 1), building(2, 1)], "households": parted});
    stands = plan(&admin, &stands, allowed).await.ok(200);
    assert!(broken(&admin, &stands).await.is_empty());
    // A code that was used once is never used again.
    let old = admin.post("/v1/grids", json!({"code": "421181001001009", "name": "旧", "valid_from": "2023-02-01"})).await.ok(201);
    admin.post(&format!("/v1/grids/{}/end", old["id"].as_str().unwrap()), ending("2024-01-01", 1)).await.ok(200);
    let mut with = steady();
    with["grids"].as_array_mut().unwrap().push(grid(9));
    stands = plan(&admin, &stands, with).await.ok(200);
    assert_eq!(broken(&admin, &stands).await, [found("codes_used", 1)]);
    // A compound without buildings whose grid closes has nowhere to go.
    admin.post("/v1/grids", json!({"code": "421181001001007", "name": "空", "valid_from": "2023-02-01"})).await.ok(201);
    admin.post("/v1/compounds", json!({"code": "421181001001X004", "name": "在建", "kind": "commercial", "valid_from": "2023-02-01"})).await.ok(201);
    let link = json!({"compound_code": "421181001001X004", "grid_code": "421181001001007", "valid_from": "2023-02-01"});
    admin.post("/v1/compound-grids", link).await.ok(201);
    stands = plan(&admin, &stands, steady()).await.ok(200);
    assert_eq!(broken(&admin, &stands).await, [found("compounds_left", 1)]);
    let mut seven = steady();
    seven["grids"].as_array_mut().unwrap().push(grid(7));
    stands = plan(&admin, &stands, seven.clone()).await.ok(200);
    assert!(broken(&admin, &stands).await.is_empty());
    // What begins on the day or later is not there yet when the plan is made.
    admin.post("/v1/grids", json!({"code": "421181001001008", "name": "将来", "valid_from": tomorrow()})).await.ok(201);
    assert_eq!(broken(&admin, &stands).await, [found("grids_ahead", 1)]);
    let ahead = json!({"compound_code": "421181001001X004", "grid_code": "421181001001001", "exception": "large_split", "exception_reason": "二期",
        "approved_by": "街道", "valid_from": tomorrow()});
    admin.post("/v1/compound-grids", ahead).await.ok(201);
    assert_eq!(broken(&admin, &stands).await, [found("grids_ahead", 1), found("links_ahead", 1)]);
    // A grid of a community that is not there; for a subdistrict, all its communities are planned.
    let wide = draft(&admin, "街道", "421181001", today()).await;
    let mut of_all = seven;
    let nowhere = json!({"code": "421181001009001", "name": "无", "reason": "新设"});
    of_all["grids"].as_array_mut().unwrap().extend([json!({"code": "421181001002001", "name": "桥头网格"}), nowhere]);
    let wide = plan(&admin, &wide, of_all).await.ok(200);
    assert_eq!(broken(&admin, &wide).await, [found("communities_missing", 1), found("grids_ahead", 1), found("links_ahead", 1)]);
    // What has ended by the day is told, and forbids nothing.
    let home = admin.by_code("households", "42118100100100002010101").await;
    admin.post(&format!("/v1/households/{}/end", home["id"].as_str().unwrap()), ending(&today().to_string(), 1)).await.ok(200);
    let gone = admin.by_code("buildings", "42118100100100002").await;
    admin.post(&format!("/v1/buildings/{}/end", gone["id"].as_str().unwrap()), ending(&today().to_string(), 1)).await.ok(200);
    let checks = admin.get(&format!("{}/checks", path(&stands))).await.ok(200);
    let entries = checks["findings"].as_array().unwrap().iter().find(|one| one["check"] == "entries_gone").unwrap().clone();
    assert_eq!((entries["forbids"].as_bool(), entries["items"][0]["code"].as_str()), (Some(false), Some("42118100100100002")));
}

#[tokio::test]
async fn org_12_each_does_his_part_and_strangers_see_nothing() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    notice(&admin).await;
    let secretary = app.staff("secretary", Role::CommunitySecretary, AREA).await;
    let officer = app.staff("officer", Role::SubdistrictOfficer, "421181001").await;
    let city = app.staff("city", Role::OrgDept, "421181").await;
    let next = async |user: &User, of: &Value| -> Vec<(String, Option<String>)> {
        let answer = user.get(&format!("{}/next-actions", path(of))).await.ok(200);
        let actions = answer["actions"].as_array().unwrap().clone();
        actions.iter().map(|one| (one["action"].as_str().unwrap().to_owned(), one["forbidden_by"]["code"].as_str().map(ToOwned::to_owned))).collect()
    };
    let said = |action: &str, forbidden_by: Option<&str>| (action.to_owned(), forbidden_by.map(ToOwned::to_owned));
    assert_eq!(secretary.post(THINGS, json!({"title": "越界", "area_code": "421181001", "effective_on": today()})).await.code(), "access.out_of_scope");
    let made = draft(&secretary, "柳岸社区网格调整", AREA, today()).await;
    assert_eq!(next(&secretary, &made).await, [said("submit", Some("grid_redivision.no_plan")), said("withdraw", None)]);
    assert_eq!(act(&secretary, &made, "submit", json!({})).await.code(), "grid_redivision.no_plan");
    let ready = plan(&secretary, &made, steady()).await.ok(200);
    let submitted = act(&secretary, &ready, "submit", json!({"note": "已征求居民意见"})).await.ok(200);
    assert_eq!(state(&submitted), ("community_submitted", Some("draft"), 3));
    assert_eq!(plan(&secretary, &submitted, steady()).await.code(), "grid_redivision.not_a_draft");
    assert_eq!(secretary.patch(&path(&made), json!({"title": "迟", "version": 3})).await.code(), "grid_redivision.not_a_draft");
    assert_eq!(act(&secretary, &submitted, "accept", json!({})).await.code(), "access.forbidden");
    // The subdistrict gives it back to whoever drafted it, the city to the subdistrict.
    assert_eq!(act(&officer, &submitted, "return", json!({})).await.errors(), ["/reason member.missing"]);
    let back = act(&officer, &submitted, "return", body("return")).await.ok(200);
    assert_eq!(state(&back), ("draft", Some("community_submitted"), 4));
    let submitted = act(&secretary, &back, "submit", json!({})).await.ok(200);
    let reviewed = act(&officer, &submitted, "accept", json!({})).await.ok(200);
    assert_eq!(act(&officer, &reviewed, "approve", json!({})).await.code(), "access.forbidden");
    minutes(&officer, &reviewed).await;
    let passed = act(&officer, &reviewed, "pass", json!({})).await.ok(200);
    assert_eq!(next(&city, &passed).await, [said("approve", None), said("return", None), said("withdraw", None)]);
    let back = act(&city, &passed, "return", body("return")).await.ok(200);
    assert_eq!((back["state"].as_str(), back["previous_state"].as_str()), (Some("subdistrict_review"), Some("city_review")));
    let passed = act(&officer, &back, "pass", json!({})).await.ok(200);
    let approved = act(&city, &passed, "approve", json!({})).await.ok(200);
    assert_eq!(act(&secretary, &approved, "withdraw", body("withdraw")).await.code(), "workflow.wrong_state");
    assert_eq!(act(&city, &approved, "publish", json!({})).await.errors(), ["/notice_number grid_redivision.no_notice"]);
    assert_eq!(act(&city, &approved, "publish", json!({"notice_number": "无此文号"})).await.errors(), ["/notice_number grid_redivision.no_such_notice"]);
    let published = act(&city, &approved, "publish", body("publish")).await.ok(200);
    assert_eq!((published["state"].as_str(), published["notice_number"].as_str()), (Some("published"), Some(NOTICE)));
    let neighbour = app.user(&["*"], "421181001002").await;
    for part in ["", "/plan/grids", "/plan/buildings", "/plan/households", "/checks", "/simulation", "/next-actions", "/history"] {
        assert_eq!(neighbour.get(&format!("{}{part}", path(&made))).await.code(), "grid_redivision.unknown", "{part}");
    }
    assert_eq!(plan(&neighbour, &published, steady()).await.code(), "grid_redivision.unknown");
    for action in STEPS.iter().chain(&["take-effect", "return", "withdraw", "revoke"]) {
        let answer = act(&neighbour, &published, action, body(action)).await;
        assert_eq!((answer.status, answer.code()), (404, "grid_redivision.unknown"), "{action}");
    }
    assert_eq!(neighbour.get(THINGS).await.ok(200)["items"], json!([]));
    assert_eq!(act(&officer, &published, "take-effect", json!({})).await.code(), "access.forbidden");
    let revoked = act(&city, &published, "revoke", body("revoke")).await.ok(200);
    assert_eq!(state(&revoked).0, "revoked");
    for part in ["checks", "simulation"] {
        assert_eq!(admin.get(&format!("{}/{part}", path(&made))).await.code(), "grid_redivision.over", "{part}");
    }
    let history = admin.get(&format!("{}/history", path(&made))).await.ok(200)["items"].clone();
    let lines: Vec<_> =
        history.as_array().unwrap().iter().take(4).map(|line| (line["action"].as_str().unwrap(), line["acting_role"].as_str().unwrap())).collect();
    assert_eq!(
        lines,
        [
            ("grid_redivision.revoked", "org_dept"),
            ("grid_redivision.published", "org_dept"),
            ("grid_redivision.approved", "org_dept"),
            ("grid_redivision.passed", "subdistrict_officer")
        ]
    );
    assert_eq!(history[0]["reason"], "3栋划分不便于服务");
    let count = async |query: &str| admin.get(&format!("{THINGS}?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    for (query, found) in [("state=revoked", 1), ("state=draft", 0), ("area_code=421181001", 1), ("area_code=421181001002", 0), ("effective_on=2020-01-01", 0)]
    {
        assert_eq!(count(query).await, found, "{query}");
    }
}

#[tokio::test]
async fn org_12_a_day_that_is_past_or_not_come_is_told() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    notice(&admin).await;
    let late = planned(&admin, "迟").await;
    let late = admin.patch(&path(&late), json!({"effective_on": "2024-01-01", "version": 2})).await.ok(200);
    let refused = act(&admin, &late, "submit", json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "grid_redivision.past"));
    assert!(refused.body["detail"].as_str().unwrap().contains("2024-01-01"), "{}", refused.body);
    let early = admin.patch(&path(&late), json!({"effective_on": tomorrow(), "version": 3})).await.ok(200);
    let published = advance(&admin, &early, 5).await;
    let refused = act(&admin, &published, "take-effect", json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "grid_redivision.not_due"));
    assert!(refused.body["detail"].as_str().unwrap().contains(&tomorrow().to_string()), "{}", refused.body);
    // What is built meanwhile is seen when it is to take effect: of a new compound the plan says nothing.
    admin.post("/v1/compounds", json!({"code": "421181001001X003", "name": "新苑", "kind": "commercial", "valid_from": "2024-01-01"})).await.ok(201);
    let building = json!({"code": "42118100100100003", "compound_code": "421181001001X003", "name": "3栋", "valid_from": today()});
    admin.post("/v1/buildings", building).await.ok(201);
    let next = admin.get(&format!("{}/next-actions", path(&published))).await.ok(200);
    assert_eq!(
        (next["actions"][0]["action"].as_str(), next["actions"][0]["forbidden_by"]["code"].as_str()),
        (Some("take_effect"), Some("grid_redivision.not_due"))
    );
    assert_eq!(broken(&admin, &published).await, [("buildings_missing".to_owned(), 1)]);
}

#[tokio::test]
async fn org_12_two_that_divide_the_same_grids_do_not_go_side_by_side() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let drafts = [planned(&admin, "甲方案").await, planned(&admin, "乙方案").await];
    let both = drafts.clone().map(|one| {
        let admin = admin.clone();
        tokio::spawn(async move { act(&admin, &one, "submit", json!({})).await })
    });
    let mut answers = Vec::new();
    for one in both {
        answers.push(one.await.unwrap());
    }
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 409]);
    let (first, second) = (&answers[0].body, &answers[1]);
    assert_eq!(second.code(), "grid_redivision.touches_another");
    let detail = second.body["detail"].as_str().unwrap();
    assert!(detail.contains(first["title"].as_str().unwrap()), "{detail}");
    // Nor does one of the subdistrict beside that of its community; that of another community does.
    let wide = draft(&admin, "街道方案", "421181001", today()).await;
    let mut of_all = steady();
    of_all["grids"].as_array_mut().unwrap().push(json!({"code": "421181001002001", "name": "桥头网格"}));
    let wide = plan(&admin, &wide, of_all).await.ok(200);
    assert_eq!(act(&admin, &wide, "submit", json!({})).await.code(), "grid_redivision.touches_another");
    let beside = draft(&admin, "桥头方案", "421181001002", today()).await;
    let beside = plan(&admin, &beside, json!({"grids": [{"code": "421181001002001", "name": "桥头网格"}], "buildings": []})).await.ok(200);
    let beside = act(&admin, &beside, "submit", json!({})).await.ok(200);
    // Once the others are withdrawn, it may go.
    act(&admin, first, "withdraw", body("withdraw")).await.ok(200);
    assert_eq!(act(&admin, &wide, "submit", json!({})).await.code(), "grid_redivision.touches_another");
    act(&admin, &beside, "withdraw", body("withdraw")).await.ok(200);
    act(&admin, &wide, "submit", json!({})).await.ok(200);
}

#[tokio::test]
async fn org_12_nobody_approves_what_has_changed() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let in_city = advance(&admin, &planned(&admin, "柳岸").await, 3).await;
    // He looked at it; meanwhile it went back, was planned otherwise, and came again.
    let mut stands = act(&admin, &in_city, "return", body("return")).await.ok(200);
    stands = act(&admin, &stands, "return", body("return")).await.ok(200);
    let mut other = steady();
    other["grids"][0]["name"] = json!("第一网格(新)");
    stands = plan(&admin, &stands, other).await.ok(200);
    stands = advance(&admin, &stands, 3).await;
    let stale = act(&admin, &in_city, "approve", json!({})).await;
    assert_eq!((stale.status, stale.code()), (412, "version.stale"));
    // Two at once: whoever comes second has not seen what the first did.
    let both = ["approve", "return"].map(|action| {
        let (admin, stands) = (admin.clone(), stands.clone());
        tokio::spawn(async move { act(&admin, &stands, action, body(action)).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn org_12_it_is_known_by_the_callers_own_key_and_holds_its_minutes() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let by_ref = format!("{THINGS}/by-ref/grid-office/17");
    let new = json!({"title": "柳岸方案", "area_code": AREA, "effective_on": "2099-01-01"});
    let made = admin.put(&by_ref, new.clone()).await.ok(200);
    let mut newer = new.clone();
    newer["effective_on"] = json!("2099-03-01");
    let changed = admin.put(&by_ref, newer).await.ok(200);
    assert_eq!((changed["id"] == made["id"], changed["version"].as_i64(), changed["effective_on"].as_str()), (true, Some(2), Some("2099-03-01")));
    let mut elsewhere = new.clone();
    elsewhere["area_code"] = json!("421181001");
    assert_eq!(admin.put(&by_ref, elsewhere).await.code(), "reference.code_fixed");
    let mut taken = new;
    taken["source"] = json!("grid-office");
    taken["ref"] = json!("17");
    assert_eq!(admin.post(THINGS, taken).await.code(), "reference.taken");
    let sent = minutes(&admin, &made).await;
    let reader = app.staff("reader", Role::CommunitySecretary, AREA).await;
    assert_eq!(reader.get(&format!("/v1/files/{}/content", sent["id"].as_str().unwrap())).await.bytes, MINUTES);
}
