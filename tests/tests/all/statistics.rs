//! Statistics (STA-01 … STA-10): figures of a day and an area, each with the rows that it counts.

use kernel::Role;
use serde_json::json;
use testkit::{TestApp, User};

#[tokio::test]
async fn the_catalogue_says_in_both_languages_what_is_counted() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let items = admin.get("/v1/statistics").await.ok(200)["items"].clone();
    let mut keys = Vec::new();
    for item in items.as_array().unwrap() {
        let key = item["key"].as_str().unwrap();
        for member in ["title_zh", "title_en", "definition_zh", "definition_en", "unit_zh", "unit_en"] {
            assert!(!item[member].as_str().unwrap().is_empty(), "{key} {member}");
        }
        let figure = admin.get(&format!("/v1/statistics/{key}")).await.ok(200);
        assert_eq!((figure["key"].as_str(), &figure["formula_version"]), (Some(key), &item["formula_version"]));
        assert_eq!(figure["from"].is_null(), !item["window"].as_bool().unwrap(), "{key}");
        // Whatever a figure links to answers, and a number is the sum of what its rows count.
        let rows = admin.get(figure["rows"].as_str().unwrap()).await.ok(200)["items"].clone();
        let sum: i64 = rows.as_array().unwrap().iter().map(|row| row["counts"].as_i64().unwrap()).sum();
        assert_eq!(figure["numerator"].as_i64(), Some(sum), "{key}");
        if let Some(whole) = figure["rows_of_whole"].as_str() {
            let rows = admin.get(whole).await.ok(200)["items"].as_array().unwrap().len();
            assert_eq!(figure["denominator"].as_u64(), Some(rows as u64), "{key}");
            assert_eq!(admin.get(&format!("/v1/statistics/{key}/rows")).await.code(), "statistic.two_lists");
        }
        keys.push(key.to_owned());
    }
    let mut once = keys.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), keys.len(), "each key once");
}

#[tokio::test]
async fn sta_05_members_are_counted_by_day_area_and_person() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let mut people = Vec::new();
    for number in ["421199199003070010", "421199198501120127"] {
        let person = json!({"name": "甲", "id_number": number, "area_code": "421181001001001", "valid_from": "2020-01-01"});
        people.push(admin.post("/v1/people", person).await.ok(201)["id"].as_str().unwrap().to_owned());
    }
    let joined = json!({"person_id": people[0], "organization": "支部", "joined_on": "2024-07-01"});
    let membership = admin.post("/v1/party-memberships", joined).await.ok(201);
    for (kind, who) in [("owners_committee", &people[0..2]), ("party_mass_council", &people[0..1])] {
        let body = json!({"compound_code": "421181001001X001", "kind": kind, "name": "机构", "valid_from": "2024-01-01"});
        let body = admin.post("/v1/governance-bodies", body).await.ok(201);
        for person in who {
            let seat = json!({"governance_body_id": body["id"], "person_id": person, "role": "member", "valid_from": "2024-01-01"});
            admin.post("/v1/governance-body-members", seat).await.ok(201);
        }
    }
    let share = async |query: &str| {
        let figure = admin.get(&format!("/v1/statistics/body_party_share?{query}")).await.ok(200);
        (figure["display"].as_str().unwrap().to_owned(), figure["numerator"].as_i64().unwrap(), figure["denominator"].as_i64().unwrap())
    };
    let is = |display: &str, part, whole| (display.to_owned(), part, whole);
    assert_eq!(share("as_of=2023-12-31").await, is("—", 0, 0));
    assert_eq!(share("as_of=2024-06-30").await, is("0.0%", 0, 2), "whoever sits in both bodies of a compound counts once");
    assert_eq!(share("as_of=2024-07-01").await, is("50.0%", 1, 2));
    // The grid in which the compound lies, and the one beside it.
    assert_eq!(share("as_of=2024-07-01&area_code=421181001001001").await, is("50.0%", 1, 2));
    assert_eq!(share("as_of=2024-07-01&area_code=421181001001002").await, is("—", 0, 0));
    assert_eq!(share("as_of=2024-07-01&area_code=421181001002").await, is("—", 0, 0));
    // Who leaves today does not move what was yesterday.
    let end = json!({"on": "2025-01-01", "reason": "转出", "version": 1});
    admin.post(&format!("/v1/party-memberships/{}/end", membership["id"].as_str().unwrap()), end).await.ok(200);
    assert_eq!(share("as_of=2024-07-01").await, is("50.0%", 1, 2));
    assert_eq!(share("as_of=2025-01-01").await, is("0.0%", 0, 2));
}

#[tokio::test]
async fn sta_05_who_is_in_the_party_does_not_follow_from_figures_of_few() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let body = json!({"compound_code": "421181001001X001", "kind": "owners_committee", "name": "机构", "valid_from": "2024-01-01"});
    let body = admin.post("/v1/governance-bodies", body).await.ok(201);
    let seat = async |name: &str| {
        let person = admin.post("/v1/people", json!({"name": name, "area_code": "421181001001001"})).await.ok(201);
        let seat = json!({"governance_body_id": body["id"], "person_id": person["id"], "role": "member", "valid_from": "2024-01-01"});
        admin.post("/v1/governance-body-members", seat).await.ok(201);
    };
    for name in ["甲", "乙", "丙", "丁"] {
        seat(name).await;
    }
    let manager = app.staff("manager", Role::PropertyManager, "421181001001").await;
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let housing = app.staff("housing", Role::Housing, "421181").await;
    let figure = async |user: &User, key: &str, area: &str| {
        let answer = user.get(&format!("/v1/statistics/{key}?area_code={area}")).await;
        (answer.status, answer.body["value"].as_str().unwrap_or(answer.code()).to_owned())
    };
    let (few, is) = ((403, "statistic.too_small".to_owned()), |value: &str| (200, value.to_owned()));
    for (key, value) in [("body_members_in_party", "0"), ("body_party_share", "0.0")] {
        for area in ["421181001001", "421181001001001"] {
            assert_eq!(figure(&manager, key, area).await, few, "{key} of four people in {area}");
            assert_eq!(figure(&secretary, key, area).await, is(value), "{key} {area}: the roll is hers");
        }
        assert_eq!(figure(&housing, key, "421181").await, few, "{key} of four people in the city");
    }
    assert_eq!(figure(&manager, "body_members", "421181001001001").await, is("4"), "who sits where is for everybody");
    seat("戊").await;
    for (key, value) in [("body_members_in_party", "0"), ("body_party_share", "0.0")] {
        assert_eq!(figure(&manager, key, "421181001001").await, is(value), "{key} of five people");
        assert_eq!(figure(&manager, key, "421181001001001").await, few, "{key} of a grid");
        assert_eq!(figure(&housing, key, "421181").await, is(value), "{key} of the city");
    }
}

#[tokio::test]
async fn figures_are_for_whom_the_area_is_and_rows_for_whom_the_resource_is() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    assert_eq!(admin.get("/v1/statistics/happiness").await.code(), "statistic.unknown");
    assert_eq!(admin.get("/v1/statistics/grids_added?from=2025-01-02&as_of=2025-01-01").await.code(), "statistic.ends_before_it_begins");
    for from in ["-9999-01-01", "-4713-11-24", "1799-12-31", "2201-01-01"] {
        for path in ["", "/rows", "/rows.csv"] {
            let answer = admin.get(&format!("/v1/statistics/grids_added{path}?from={from}")).await;
            let said = [(422, vec!["from period.out_of_years".to_owned()]), (400, vec!["from query.bad_parameter".to_owned()])];
            assert!(said.contains(&(answer.status, answer.errors())), "{path} {from}: {}", answer.body);
        }
    }
    // The first of January of the default has the same room.
    assert_eq!(admin.get("/v1/statistics/grids_added?from=1800-01-01&as_of=1800-01-01").await.ok(200)["value"], "0");
    assert_eq!(admin.get("/v1/statistics/grids?area_code=42").await.status, 400);
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    assert_eq!(secretary.get("/v1/statistics/grids").await.code(), "statistic.unknown_area");
    assert_eq!(secretary.get("/v1/statistics/grids?area_code=421181001001").await.ok(200)["value"], "2");
    let manager = app.staff("manager", Role::PropertyManager, "421181001001").await;
    let (figure, rows) = ("/v1/statistics/body_members_in_party?area_code=421181001001", "/v1/statistics/body_members_in_party/rows?area_code=421181001001");
    assert_eq!(manager.get(figure).await.ok(200)["value"], "0");
    assert_eq!(manager.get(rows).await.code(), "access.forbidden", "who is in the Party is not for everybody");
    assert_eq!(secretary.get(rows).await.ok(200)["items"], json!([]));
    // A cursor is of one statistic, and of one area.
    let page = admin.get("/v1/statistics/grids/rows?limit=1").await.ok(200);
    let next = page["next"].as_str().unwrap();
    assert_eq!(admin.get(&format!("/v1/statistics/communities/rows?limit=1&after={next}")).await.code(), "page.bad_cursor");
    assert_eq!(admin.get(&format!("/v1/statistics/grids/rows?limit=1&after={next}")).await.ok(200)["items"][0]["code"], "421181001001002");
    let file = admin.get("/v1/statistics/grids/rows.csv").await;
    assert_eq!(file.text().lines().nth(1).unwrap().split(',').skip(1).collect::<Vec<_>>(), ["grid", "421181001001001", "第一网格", "421181001001001", "1"]);
}
