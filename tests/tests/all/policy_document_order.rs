//! Which policy document replaces which (ORG-13): in files that name one another's rows, and in the order of their issue.

use serde_json::json;
use testkit::TestApp;

#[tokio::test]
async fn org_13_objects_with_different_members_may_replace_one_another() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    // The one that is replaced has members that the other lacks, whichever stands first.
    let newer = json!({"number": "示例〔2024〕1号", "title": "修订", "issuer": "市", "issued_on": "2024-03-01", "replaces_number": "示例〔2022〕3号"});
    let older = json!({"number": "示例〔2022〕3号", "title": "通知", "issuer": "市", "issued_on": "2022-11-20", "source": "oa", "ref": "1"});
    for (first, last) in [(&newer, &older), (&older, &newer)] {
        let dry = admin.import("policy-documents", "mode=dry_run", format!("{first}\n{last}\n").into_bytes()).await;
        assert_eq!((dry.faults(), dry.body["run"]["created"].as_i64()), (Vec::new(), Some(2)));
    }
    let file = format!("{newer}\n{older}\n").into_bytes();
    assert_eq!(admin.import("policy-documents", "", file.clone()).await.ok(200)["run"]["created"], 2);
    assert_eq!(admin.import("policy-documents", "", file).await.ok(200)["run"]["unchanged"], 2);
    // A member that one object lacks and another has keeps what is stored; null empties.
    let bare = json!({"number": "示例〔2022〕3号", "title": "改", "issuer": "市", "issued_on": "2022-11-20"});
    let freed = json!({"number": "示例〔2024〕1号", "title": "修订", "issuer": "市", "issued_on": "2024-03-01", "replaces_number": null, "source": "oa", "ref": "2"});
    assert_eq!(admin.import("policy-documents", "", format!("{bare}\n{freed}\n").into_bytes()).await.ok(200)["run"]["changed"], 2);
    let of = async |number: &str| admin.get(&format!("/v1/policy-documents?number={number}")).await.ok(200)["items"][0].clone();
    let older = of("示例〔2022〕3号").await;
    assert_eq!((older["title"].as_str(), older["source"].as_str(), older["ref"].as_str()), (Some("改"), Some("oa"), Some("1")));
    let newer = of("示例〔2024〕1号").await;
    assert_eq!((newer["replaces_number"].is_null(), newer["ref"].as_str()), (true, Some("2")));
}

#[tokio::test]
async fn org_13_a_long_file_may_name_its_last_row_in_its_first() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let mut file = "number,title,issuer,issued_on,replaces_number\n示例〔2025〕1号,新,市,2025-01-01,示例〔2021〕1号\n".to_owned();
    for number in 0..5_000 {
        file.push_str(&format!("示例〔2022〕{number}号,通知,市,2022-01-01,\n"));
    }
    file.push_str("示例〔2021〕1号,旧,市,2021-01-01,\n");
    let answer = admin.import("policy-documents", "", file.into_bytes()).await;
    assert_eq!((answer.faults(), answer.body["run"]["created"].as_i64()), (Vec::new(), Some(5_002)));
}

#[tokio::test]
async fn org_13_a_row_does_not_count_on_what_another_row_would_have_changed() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let stored = "number,title,issuer,issued_on,source,ref\n示例〔2024〕1号,通知,市,2024-01-01,,\n示例〔2020〕1号,别的,市,2020-01-01,oa,1\n";
    admin.import("policy-documents", "", stored.into()).await.ok(200);
    // The first row is at fault, as its key is another's; so its day stays, and the second would replace a later document.
    let file = "number,title,issuer,issued_on,replaces_number,source,ref\n示例〔2024〕1号,通知,市,2022-01-01,,oa,1\n示例〔2023〕1号,修订,市,2023-01-01,示例〔2024〕1号,,\n";
    let answer = admin.import("policy-documents", "mode=best_effort", file.into()).await;
    assert_eq!(answer.faults(), ["2 ref import.reference_taken", "3 replaces_number import.refers_to_fault"]);
    assert_eq!(answer.ok(200)["run"]["created"], 0);
    let mended = file.replace(",oa,1", ",,");
    let answer = admin.import("policy-documents", "", mended.into_bytes()).await.ok(200);
    assert_eq!((answer["run"]["created"].as_i64(), answer["run"]["changed"].as_i64()), (Some(1), Some(1)));
}
