//! Cross-holdings (ORG-10): computed from posts and seats, in a list and in statistics that count the same.

use serde_json::{Value, json};
use testkit::{TestApp, app::ending};

use crate::five_basics::{LAKE, STREET, body, id, person, post, seat, town};

#[tokio::test]
async fn org_10_cross_holders_are_found_by_post_and_seat_of_one_compound() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let (li, wang, zhao) = (person(&admin, "李华", true).await, person(&admin, "王强", true).await, person(&admin, "赵敏", true).await);
    let lake = body(&admin, LAKE, "owners_committee", "2024-03-01").await;
    let council = body(&admin, LAKE, "party_mass_council", "2024-03-01").await;
    let street = body(&admin, STREET, "property_management_committee", "2024-03-01").await;
    // Li: secretary, deputy seat in one body and director of another. Wang: a committee member of both compounds, in a body of one.
    post(&admin, "Z1", &li, "secretary", "2024-04-01").await;
    post(&admin, "Z1", &li, "publicity_officer", "2024-04-01").await;
    seat(&admin, &lake, &li, "deputy_director", "2024-03-01").await;
    let directs = seat(&admin, &council, &li, "director", "2024-05-01").await;
    post(&admin, "Z1", &wang, "committee_member", "2024-04-01").await;
    post(&admin, "Z2", &wang, "secretary", "2024-04-01").await;
    seat(&admin, &lake, &wang, "member", "2024-06-01").await;
    // Zhao: sits in with one, leads a group of the other, and has a seat in both: no post of a committee.
    post(&admin, "Z1", &zhao, "observer", "2024-04-01").await;
    post(&admin, "G1", &zhao, "leader", "2024-04-01").await;
    seat(&admin, &lake, &zhao, "director", "2024-03-01").await;
    seat(&admin, &street, &zhao, "director", "2024-03-01").await;
    let report = async |query: &str| admin.get(&format!("/v1/reports/cross-holdings?{query}")).await.ok(200)["items"].clone();
    let row = |person: &Value, name: &str, party_role: &str, body_kind: &str, body_role: &str, since: &str| json!({"compound_code": LAKE, "person_id": person["id"], "name": name, "party_role": party_role, "body_kind": body_kind, "body_role": body_role, "since": since});
    let one = row(&li, "李华", "secretary", "party_mass_council", "director", "2024-05-01");
    let other = row(&wang, "王强", "committee_member", "owners_committee", "member", "2024-06-01");
    let all = report("").await;
    assert_eq!(all, json!([one, other]), "by compound, then in the order of entry");
    assert_eq!(report("concurrent=true").await, json!([one]));
    assert_eq!(report("concurrent=false").await, json!([other]));
    // On a day before, his best seat was another.
    let then = row(&li, "李华", "secretary", "owners_committee", "deputy_director", "2024-04-01");
    assert_eq!(report("as_of=2024-04-30").await, json!([then]));
    assert_eq!(report("as_of=2024-03-31").await, json!([]));
    assert_eq!(report("area_code=421181001001001").await, all);
    assert_eq!(report("area_code=421181001001002").await, json!([]));
    let first = admin.get("/v1/reports/cross-holdings?limit=1&include_total=true").await.ok(200);
    assert_eq!((first["total"].as_i64(), &first["items"]), (Some(2), &json!([one])));
    assert_eq!(report(&format!("limit=1&after={}", first["next"].as_str().unwrap())).await, json!([other]));

    let figure = async |key: &str, query: &str| admin.get(&format!("/v1/statistics/{key}?{query}")).await.ok(200)["display"].as_str().unwrap().to_owned();
    assert_eq!(figure("compounds", "").await, "2");
    assert_eq!(figure("compounds", "as_of=2022-12-31").await, "0");
    assert_eq!(figure("compounds_with_cross_holding", "").await, "1", "whoever holds both, a compound counts once");
    assert_eq!(figure("cross_holding_share", "").await, "50.0%");
    assert_eq!(figure("cross_holding_share", "area_code=421181001001001").await, "100.0%");
    assert_eq!((figure("concurrent_secretaries", "").await.as_str(), figure("concurrent_secretary_share", "").await.as_str()), ("1", "50.0%"));
    assert_eq!(figure("concurrent_secretaries", "as_of=2024-04-30").await, "0");
    let rows = admin.get("/v1/statistics/concurrent_secretaries/rows").await.ok(200)["items"].clone();
    assert_eq!((rows[0]["kind"].as_str(), rows[0]["code"].as_str(), rows[0]["name"].as_str()), (Some("party_post"), Some(LAKE), Some("李华")));
    let rows = admin.get("/v1/statistics/compounds_with_cross_holding/rows").await.ok(200)["items"].clone();
    assert_eq!((rows[0]["kind"].as_str(), rows[0]["code"].as_str(), rows[0]["area_code"].as_str()), (Some("compound"), Some(LAKE), Some("421181001001")));
    // A seat that ends takes the holding with it, and what was then stays.
    admin.post(&format!("/v1/governance-body-members/{}/end", id(&directs)), ending("2025-01-01", 1)).await.ok(200);
    assert_eq!(report("concurrent=true").await, json!([]));
    assert_eq!(report("as_of=2024-12-31").await, all);
}

#[tokio::test]
async fn org_10_the_register_is_for_those_who_work_with_the_roll() {
    let app = TestApp::start().await;
    town(&app).await;
    let blind = app.user(&["governance_body.read", "five_basics.read"], "421181").await;
    assert_eq!(blind.get("/v1/reports/cross-holdings").await.code(), "access.forbidden");
    let neighbour = app.user(&["*"], "421181001002").await;
    for query in ["", "?area_code=421181001001"] {
        let answer = neighbour.get(&format!("/v1/reports/cross-holdings{query}")).await;
        assert_eq!((answer.status, answer.code()), (404, "report.unknown_area"), "{query}");
    }
    assert_eq!(neighbour.get("/v1/reports/cross-holdings?area_code=421181001002").await.ok(200)["items"], json!([]));
}
