//! Lists: filters, order, pages.

use std::collections::BTreeSet;

use serde_json::json;
use testkit::TestApp;

#[tokio::test]
async fn pages_walk_a_list_without_gap_or_repeat() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let rows: String = (10..60).map(|number| format!("421181001001{number:03},网格{}\n", number % 7)).collect();
    admin.import("grids", "", format!("code,name\n{rows}").into_bytes()).await.ok(200);
    for sort in ["code", "-code", "name", "-name"] {
        let mut seen = Vec::new();
        let mut path = format!("/v1/grids?limit=7&sort={sort}&area_code=421181001001&include_total=true");
        loop {
            let answer = admin.get(&path).await;
            let page = &answer.body;
            assert_eq!((page["total"].as_i64(), page["as_of"].is_string()), (Some(52), true));
            let key = sort.trim_start_matches('-');
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| (item[key].as_str().unwrap().to_owned(), item["id"].as_str().unwrap().to_owned())));
            let Some(next) = page["next"].as_str() else { break };
            assert_eq!(page["has_more"], true);
            assert!(answer.headers["link"].contains(next) && answer.headers["link"].ends_with("rel=\"next\""));
            path = format!("/v1/grids?limit=7&sort={sort}&area_code=421181001001&include_total=true&after={next}");
        }
        assert_eq!(seen.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len(), 52, "{sort}");
        if sort == "code" {
            assert!(seen.is_sorted());
        }
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let next = admin.get("/v1/grids?limit=1&as_of=2024-01-01").await.ok(200)["next"].as_str().unwrap().to_owned();
    let page = admin.get(&format!("/v1/grids?limit=1&after={next}")).await.ok(200);
    assert_eq!(page["as_of"], "2024-01-01", "the cursor pins the day");
    for other in ["/v1/grids?kind=urban", "/v1/grids?sort=name", "/v1/buildings?limit=1", "/v1/grids?as_of=2025-01-01"] {
        let sign = if other.contains('?') { '&' } else { '?' };
        let answer = admin.get(&format!("{other}{sign}after={next}")).await;
        assert_eq!((answer.status, answer.code()), (400, "page.bad_cursor"), "{other}");
    }
    for broken in ["x", "AAAA", &next[1..]] {
        assert_eq!(admin.get(&format!("/v1/grids?after={broken}")).await.code(), "page.bad_cursor");
    }
}

#[tokio::test]
async fn filters_choose_and_names_sort_by_pinyin() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let names = ["重庆里", "安居苑", "中山", "北门", "100%_里"];
    for (number, name) in names.iter().enumerate() {
        admin.post("/v1/compounds", json!({"code": format!("421181001002X{number:03}"), "name": name, "kind": "old"})).await.ok(201);
    }
    let list = async |query: &str| -> Vec<String> {
        let page = admin.get(&format!("/v1/compounds?{query}")).await.ok(200);
        page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let sorted = list("area_code=421181001002&sort=name").await;
    assert_eq!(sorted, ["100%_里", "安居苑", "北门", "重庆里", "中山"].map(ToOwned::to_owned));
    assert_eq!(list("name=%25_&area_code=421181001002").await, ["100%_里"], "signs of LIKE are plain characters");
    assert_eq!(list("name=里&area_code=421181001002").await.len(), 2);
    assert_eq!(list("kind=commercial").await, ["翠湖花园"]);
    assert_eq!(list("area_code=421181002").await.len(), 0);
    assert_eq!(admin.get("/v1/compounds?limit=999").await.ok(200)["items"].as_array().unwrap().len(), 7, "a limit too large is cut, not refused");
    let null = admin.get("/v1/compounds?name=%00").await;
    assert_eq!((null.status, null.errors()), (400, vec!["name query.bad_parameter".to_owned()]));
    let buildings = admin.get("/v1/buildings?compound_code=421181001001X001").await.ok(200);
    assert_eq!(buildings["items"].as_array().unwrap().len(), 1);
    let homeless = admin.get("/v1/households?in_grid=false").await.ok(200);
    assert_eq!(homeless["items"], json!([]));
}
