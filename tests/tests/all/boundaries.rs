//! Boundaries on the ground (ORG-03, ORG-12): of grids, of communities and in the plan of a re-division, whose grids lie side by side.

use kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, TestApp, User, app::ending};

use crate::grid_redivisions::{AREA, act, advance, broken, building, draft, grid, notice, path, plan, steady, today};

/// A rectangle near Macheng: its west, south, east and north in ten-thousandths of a degree from 115.03° E, 31.18° N; 10 by 10 are some
/// 95 m by 111 m.
fn ground([west, south, east, north]: [i32; 4]) -> Value {
    let corners = [(west, south), (east, south), (east, north), (west, north), (west, south)];
    json!({"type": "Polygon", "coordinates": [corners.map(|(x, y)| [f64::from(1_150_300 + x) / 10_000.0, f64::from(311_800 + y) / 10_000.0])]})
}

async fn place(user: &User, resource: &str, code: &str) -> String {
    format!("/v1/{resource}/{}/boundary", user.by_code(resource, code).await["id"].as_str().unwrap())
}

async fn remove(user: &User, path: &str, version: Option<&str>) -> Answer {
    let request = user.request(Method::DELETE, path);
    user.send(match version {
        Some(version) => request.header("If-Match", version),
        None => request,
    })
    .await
}

/// A planned grid with a boundary.
fn drawn(code: u32, sides: [i32; 4]) -> Value {
    let mut planned = grid(code);
    planned["boundary"] = ground(sides);
    planned
}

/// The items of a check.
async fn items(user: &User, redivision: &Value, check: &str) -> Vec<Value> {
    let checks = user.get(&format!("{}/checks", path(redivision))).await.ok(200);
    checks["findings"].as_array().unwrap().iter().find(|one| one["check"] == check).unwrap()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn org_03_a_grid_has_a_boundary_that_is_set_read_and_removed() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let at = place(&admin, "grids", "421181001001001").await;
    let none = admin.get(&at).await.ok(200);
    assert_eq!((none["code"].as_str(), none["boundary"].is_null(), none["version"].as_i64()), (Some("421181001001001"), true, Some(1)));
    let square = ground([0, 0, 10, 10]);
    assert_eq!(admin.put(&at, json!({"boundary": square})).await.code(), "version.missing");
    let set = admin.put(&at, json!({"boundary": square, "version": 1})).await.ok(200);
    assert_eq!((&set["boundary"], set["version"].as_i64()), (&square, Some(2)));
    assert_eq!(admin.get(&at).await.ok(200), set);
    let row = admin.by_code("grids", "421181001001001").await;
    assert_eq!((row["version"].as_i64(), row.get("boundary")), (Some(2), None), "lists stay small");
    assert_eq!(admin.put(&at, json!({"boundary": square, "version": 1})).await.code(), "version.stale");
    let pieces = json!({"type": "MultiPolygon", "coordinates": [square["coordinates"], ground([20, 0, 30, 10])["coordinates"]]});
    let changed = admin.put(&at, json!({"boundary": pieces, "version": 2})).await.ok(200);
    assert_eq!(changed["boundary"], pieces);
    assert_eq!(remove(&admin, &at, None).await.code(), "version.missing");
    let removed = remove(&admin, &at, Some("\"3\"")).await.ok(200);
    assert_eq!((removed["boundary"].is_null(), removed["version"].as_i64()), (true, Some(4)));
    let history = admin.get(&at.replace("/boundary", "/history")).await.ok(200)["items"].clone();
    let lines: Vec<_> = history.as_array().unwrap().iter().take(3).map(|line| (line["action"].as_str().unwrap(), &line["change"])).collect();
    assert_eq!(
        lines,
        [
            ("grid.changed", &json!({"boundary": {"from": pieces, "to": null}})),
            ("grid.changed", &json!({"boundary": {"from": square, "to": pieces}})),
            ("grid.changed", &json!({"boundary": {"from": null, "to": square}}))
        ]
    );
    // An import of grids knows nothing of boundaries and leaves them alone.
    let set = admin.put(&at, json!({"boundary": square, "version": 4})).await.ok(200);
    let file = admin.get("/v1/exports/grids.csv").await;
    let run = admin.import("grids", "", file.bytes).await.ok(200)["run"].clone();
    assert_eq!((&run["unchanged"], admin.get(&at).await.ok(200)), (&run["rows_read"], set));
    // What has ended keeps its boundary as it was.
    let empty = json!({"code": "421181001001009", "name": "旧", "valid_from": "2023-02-01"});
    let old = admin.post("/v1/grids", empty).await.ok(201)["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/grids/{old}/end"), ending("2024-01-01", 1)).await.ok(200);
    let late = admin.put(&format!("/v1/grids/{old}/boundary"), json!({"boundary": square, "version": 2})).await;
    assert_eq!((late.status, late.code()), (409, "period.ended"));
}

#[tokio::test]
async fn org_03_a_geometry_is_refused_where_it_is_at_fault() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let at = place(&admin, "communities", AREA).await;
    let polygon = |rings: Value| json!({"type": "Polygon", "coordinates": rings});
    let ring = |sides: [i32; 4]| ground(sides)["coordinates"][0].clone();
    let mut open = ring([0, 0, 10, 10]);
    open[4] = json!([115.0301, 31.18]);
    let bow_tie = json!([[115.03, 31.18], [115.031, 31.181], [115.031, 31.18], [115.03, 31.181], [115.03, 31.18]]);
    let swapped = json!([[31.18, 115.03], [31.18, 115.031], [31.181, 115.031], [31.18, 115.03]]);
    let sliver = json!([[115.03, 31.18], [115.031, 31.18], [115.032, 31.18], [115.03, 31.18]]);
    let long = Value::from(vec![json!([115.03, 31.18]); 1_001]);
    for (geometry, error) in [
        (polygon(json!([open])), "/boundary/coordinates/0 boundary.not_closed"),
        (polygon(json!([bow_tie])), "/boundary/coordinates/0 boundary.crosses_itself"),
        (polygon(json!([swapped])), "/boundary/coordinates/0/0 boundary.outside_china"),
        (polygon(json!([sliver])), "/boundary/coordinates/0 boundary.too_small"),
        (polygon(json!([ring([0, 0, 40, 40]), ring([30, 30, 50, 50])])), "/boundary/coordinates/1 boundary.hole_outside"),
        (polygon(json!([long, long])), "/boundary boundary.too_many_positions"),
        (json!({"type": "MultiPolygon", "coordinates": [[ring([0, 0, 10, 10])], [ring([5, 0, 15, 10])]]}), "/boundary/coordinates/1 boundary.parts_overlap"),
        (polygon(json!([[[115.03, 31.18], [115.031, 31.18], [115.03, 31.18]]])), "/boundary/coordinates/0 member.wrong_count"),
    ] {
        let refused = admin.put(&at, json!({"boundary": geometry, "version": 1})).await;
        assert_eq!((refused.status, refused.errors()), (422, vec![error.to_owned()]), "{}", refused.body);
    }
    assert_eq!(admin.get(&at).await.ok(200)["version"], 1, "nothing of it is kept");
    let holed = polygon(json!([ring([0, 0, 40, 40]), ring([10, 10, 20, 20])]));
    assert_eq!(admin.put(&at, json!({"boundary": holed, "version": 1})).await.ok(200)["boundary"], holed);
}

#[tokio::test]
async fn org_03_who_sees_a_grid_sees_its_boundary_and_who_writes_it_draws_it() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let (of_grid, of_community) = (place(&admin, "grids", "421181001001001").await, place(&admin, "communities", AREA).await);
    let change = json!({"boundary": ground([0, 0, 10, 10]), "version": 1});
    let neighbour = app.user(&["*"], "421181001002").await;
    for (at, code) in [(&of_grid, "grid.unknown"), (&of_community, "community.unknown")] {
        for answer in [neighbour.get(at).await, neighbour.put(at, change.clone()).await, remove(&neighbour, at, Some("*")).await] {
            assert_eq!((answer.status, answer.code()), (404, code), "{at}");
        }
    }
    let secretary = app.staff("secretary", Role::CommunitySecretary, AREA).await;
    let of_first = app.user(&["*"], "421181001001001").await;
    assert_eq!(of_first.get(&of_community).await.ok(200)["code"], AREA, "whoever sees a grid sees what it is in");
    assert_eq!(of_first.put(&of_community, change.clone()).await.code(), "access.out_of_scope");
    assert_eq!(secretary.get(&of_grid).await.ok(200)["version"], 1);
    // Two at once: the second has not seen what the first did.
    let both = [&admin, &of_first].map(|user| {
        let (user, at, change) = (user.clone(), of_grid.clone(), change.clone());
        tokio::spawn(async move { user.put(&at, change).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn org_12_the_grids_of_a_plan_lie_side_by_side_and_fill_the_community() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let whole = place(&admin, "communities", AREA).await;
    admin.put(&whole, json!({"boundary": ground([0, 0, 20, 20]), "version": 1})).await.ok(200);
    let mut stands = draft(&admin, "边界", AREA, today()).await;
    let with = |first: Value, second: Value| {
        let mut plan = steady();
        plan["grids"][0]["boundary"] = first;
        plan["grids"][1]["boundary"] = second;
        plan
    };
    let found = |check: &str| vec![(check.to_owned(), 1_i64)];
    // One without the other.
    stands = plan(&admin, &stands, with(ground([0, 0, 10, 20]), Value::Null)).await.ok(200);
    assert_eq!(broken(&admin, &stands).await, found("boundaries_missing"));
    assert_eq!(items(&admin, &stands, "boundaries_missing").await[0]["code"], "421181001001002");
    // A strip that both have, 19 m by 222 m, told as a pair.
    stands = plan(&admin, &stands, with(ground([0, 0, 12, 20]), ground([10, 0, 20, 20]))).await.ok(200);
    assert_eq!(broken(&admin, &stands).await, found("boundaries_overlap"));
    let pair = items(&admin, &stands, "boundaries_overlap").await[0].clone();
    assert_eq!((pair["code"].as_str(), pair["other_code"].as_str()), (Some("421181001001001"), Some("421181001001002")));
    assert_eq!((pair["name"].as_str(), pair["other_name"].as_str()), (Some("网格1"), Some("网格2")));
    assert!((4_200..4_250).contains(&pair["number"].as_i64().unwrap()), "{pair}");
    let refused = act(&admin, &stands, "submit", json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "grid_redivision.checks_fail"));
    assert!(refused.body["detail"].as_str().unwrap().contains("“网格边界重叠”(1 处)"), "{}", refused.body);
    // Ground of the community that is in no grid, and ground of a grid that is not the community's.
    stands = plan(&admin, &stands, with(ground([0, 0, 10, 20]), ground([10, 0, 20, 15]))).await.ok(200);
    assert_eq!(broken(&admin, &stands).await, found("boundaries_gap"));
    let gap = items(&admin, &stands, "boundaries_gap").await[0].clone();
    assert_eq!((gap["code"].as_str(), gap["other_code"].is_null()), (Some(AREA), true));
    stands = plan(&admin, &stands, with(ground([0, 0, 10, 20]), ground([10, 0, 25, 20]))).await.ok(200);
    assert_eq!(broken(&admin, &stands).await, found("boundaries_outside"));
    assert_eq!(items(&admin, &stands, "boundaries_outside").await[0]["code"], "421181001001002");
    // A polygon that is none is refused with the plan, and by its place.
    let mut open = ground([10, 0, 20, 20]);
    open["coordinates"][0][4] = json!([115.0311, 31.18]);
    let bad = plan(&admin, &stands, with(ground([0, 0, 10, 20]), open)).await;
    assert_eq!((bad.status, bad.code()), (422, "grid_redivision.bad_plan"));
    assert_eq!(bad.errors(), ["/grids/1/boundary/coordinates/0 boundary.not_closed"]);
    // Side by side, as one reads it back.
    let good = with(ground([0, 0, 10, 20]), ground([10, 0, 20, 20]));
    stands = plan(&admin, &stands, good.clone()).await.ok(200);
    assert!(broken(&admin, &stands).await.is_empty());
    let read = admin.get(&format!("{}/plan/grids", path(&stands))).await.ok(200)["items"].clone();
    assert_eq!((&read[0]["boundary"], &read[1]["boundary"]), (&good["grids"][0]["boundary"], &good["grids"][1]["boundary"]));
    act(&admin, &stands, "submit", json!({})).await.ok(200);
}

#[tokio::test]
async fn org_12_boundaries_take_effect_with_the_rest() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    notice(&admin).await;
    let first = place(&admin, "grids", "421181001001001").await;
    let kept = ground([0, 0, 10, 20]);
    admin.put(&first, json!({"boundary": kept, "version": 1})).await.ok(200);
    let made = draft(&admin, "边界生效", AREA, today()).await;
    // The first goes on and keeps what it has; the second closes, and a new one takes its ground.
    let entries = json!({"grids": [grid(1), drawn(12, [10, 0, 20, 20])], "buildings": [building(1, 1), building(2, 12)]});
    let ready = plan(&admin, &made, entries).await.ok(200);
    assert!(broken(&admin, &ready).await.is_empty());
    let published = advance(&admin, &ready, 5).await;
    act(&admin, &published, "take-effect", json!({})).await.ok(200);
    assert_eq!(admin.get(&first).await.ok(200)["boundary"], kept);
    let new = place(&admin, "grids", "421181001001012").await;
    assert_eq!(admin.get(&new).await.ok(200)["boundary"], ground([10, 0, 20, 20]));
    let told = admin.get(&new.replace("/boundary", "/history")).await.ok(200)["items"][0].clone();
    assert_eq!((told["action"].as_str(), &told["change"]["boundary"]), (Some("grid.created"), &ground([10, 0, 20, 20])));
    // A later one moves the line between them.
    let moved = draft(&admin, "边界移动", AREA, today() + chrono::TimeDelta::days(1)).await;
    let entries = json!({"grids": [drawn(1, [0, 0, 12, 20]), grid(12)], "buildings": [building(1, 1), building(2, 12)]});
    let moved = plan(&admin, &moved, entries).await.ok(200);
    assert_eq!(broken(&admin, &moved).await, [("boundaries_overlap".to_owned(), 1)], "the other one keeps what it has, which is no longer free");
    let entries = json!({"grids": [drawn(1, [0, 0, 12, 20]), drawn(12, [12, 0, 20, 20])], "buildings": [building(1, 1), building(2, 12)]});
    let moved = plan(&admin, &moved, entries).await.ok(200);
    assert!(broken(&admin, &moved).await.is_empty());
}

#[tokio::test]
async fn org_12_a_boundary_changes_in_the_history_of_a_grid_that_goes_on() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    notice(&admin).await;
    let first = place(&admin, "grids", "421181001001001").await;
    admin.put(&first, json!({"boundary": ground([0, 0, 8, 20]), "version": 1})).await.ok(200);
    let made = draft(&admin, "边界", AREA, today()).await;
    let entries = json!({"grids": [drawn(1, [0, 0, 10, 20]), drawn(2, [10, 0, 20, 20])], "buildings": [building(1, 1), building(2, 2)]});
    let ready = plan(&admin, &made, entries).await.ok(200);
    act(&admin, &advance(&admin, &ready, 5).await, "take-effect", json!({})).await.ok(200);
    let now = admin.get(&first).await.ok(200);
    assert_eq!((&now["boundary"], now["version"].as_i64()), (&ground([0, 0, 10, 20]), Some(3)));
    let told = admin.get(&first.replace("/boundary", "/history")).await.ok(200)["items"][0].clone();
    assert_eq!((told["action"].as_str(), told["reason"].as_str()), (Some("grid.changed"), Some("边界")));
    assert_eq!(told["change"]["boundary"], json!({"from": ground([0, 0, 8, 20]), "to": ground([0, 0, 10, 20])}));
}

#[tokio::test]
async fn org_03_the_report_on_grid_division_names_boundaries_that_overlap() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let report = async || admin.get(&format!("/v1/reports/grid-division?area_code={AREA}")).await.ok(200)["boundaries_overlap"].clone();
    assert_eq!(report().await, json!({"count": 0, "items": []}));
    for (code, sides) in [("421181001001001", [0, 0, 10, 20]), ("421181001001002", [5, 0, 20, 20])] {
        let at = place(&admin, "grids", code).await;
        admin.put(&at, json!({"boundary": ground(sides), "version": 1})).await.ok(200);
    }
    let overlap = report().await;
    assert_eq!((overlap["count"].as_i64(), overlap["items"][0]["code"].as_str()), (Some(2), Some("421181001001001")));
    assert!((10_500..10_640).contains(&overlap["items"][1]["number"].as_i64().unwrap()), "{overlap}");
}
