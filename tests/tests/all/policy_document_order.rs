//! Which policy document replaces which (ORG-13): in files that name one another's rows, and in the order of their issue.

use std::time::Duration;

use serde_json::json;
use testkit::{TestApp, User};
use tokio::time::sleep;

use crate::jobs::{release, stands_before};

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
    let freed =
        json!({"number": "示例〔2024〕1号", "title": "修订", "issuer": "市", "issued_on": "2024-03-01", "replaces_number": null, "source": "oa", "ref": "2"});
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

/// Enters documents issued on one day, each with the number of the one that it replaces; their paths in return.
async fn of_one_day(user: &User, documents: &[(&str, Option<&str>)]) -> Vec<String> {
    let mut paths = Vec::new();
    for (number, replaces) in documents {
        let new = json!({"number": number, "title": "通知", "issuer": "市", "issued_on": "2024-03-01", "replaces_number": replaces});
        let made = user.post("/v1/policy-documents", new).await.ok(201);
        paths.push(format!("/v1/policy-documents/{}", made["id"].as_str().unwrap()));
    }
    paths
}

#[tokio::test]
async fn org_13_a_day_of_issue_stays_between_those_before_and_after() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let document = |number: &str, day: &str, replaces: Option<&str>| json!({"number": number, "title": "通知", "issuer": "市", "issued_on": day, "replaces_number": replaces});
    let key = "/v1/policy-documents/by-ref/oa/1";
    let older = admin.put(key, document("示例〔2022〕3号", "2022-11-20", None)).await.ok(200);
    let newer = admin.post("/v1/policy-documents", document("示例〔2024〕1号", "2024-03-01", Some("示例〔2022〕3号"))).await.ok(201);
    let path = format!("/v1/policy-documents/{}", older["id"].as_str().unwrap());
    let late =
        [admin.patch(&path, json!({"issued_on": "2024-03-02", "version": 1})).await, admin.put(key, document("示例〔2022〕3号", "2024-03-02", None)).await];
    for refused in late {
        assert_eq!((refused.status, refused.errors()), (422, vec!["/issued_on policy_document.replaced_earlier".to_owned()]));
    }
    let file = "number,title,issuer,issued_on\n示例〔2022〕3号,通知,市,2024-03-02\n";
    assert_eq!(admin.import("policy-documents", "", file.into()).await.faults(), ["2 issued_on policy_document.replaced_earlier"]);
    // The day of the other is early enough; then that one may not go before it.
    admin.patch(&path, json!({"issued_on": "2024-03-01", "version": 1})).await.ok(200);
    let path = format!("/v1/policy-documents/{}", newer["id"].as_str().unwrap());
    assert_eq!(admin.patch(&path, json!({"issued_on": "2024-02-29", "version": 1})).await.code(), "policy_document.replaces_later");
    admin.patch(&path, json!({"issued_on": "2024-04-01", "version": 1})).await.ok(200);
}

#[tokio::test]
async fn org_13_no_document_replaces_itself_by_way_of_others() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let (one, two, three) = ("示例〔2024〕1号", "示例〔2024〕2号", "示例〔2024〕3号");
    let paths = of_one_day(&admin, &[(one, None), (two, Some(one)), (three, Some(two))]).await;
    for number in [one, two, three] {
        let ring = admin.patch(&paths[0], json!({"replaces_number": number, "version": 1})).await;
        assert_eq!((ring.status, ring.errors()), (422, vec!["/replaces_number policy_document.ring".to_owned()]), "{number}");
    }
    let head = "number,title,issuer,issued_on,replaces_number\n";
    let stored = format!("{head}{one},通知,市,2024-03-01,{three}\n");
    assert_eq!(admin.import("policy-documents", "", stored.into_bytes()).await.faults(), ["2 replaces_number policy_document.ring"]);
    // Through rows of the file alone, and through both.
    let new = format!("{head}示例〔2024〕8号,通知,市,2024-03-01,示例〔2024〕9号\n示例〔2024〕9号,通知,市,2024-03-01,示例〔2024〕8号\n");
    assert_eq!(
        admin.import("policy-documents", "mode=best_effort", new.into_bytes()).await.faults(),
        ["2 replaces_number policy_document.ring", "3 replaces_number policy_document.ring"]
    );
    let both = format!("{head}{one},通知,市,2024-03-01,示例〔2024〕7号\n示例〔2024〕7号,通知,市,2024-03-01,{three}\n");
    assert_eq!(
        admin.import("policy-documents", "", both.into_bytes()).await.faults(),
        ["2 replaces_number policy_document.ring", "3 replaces_number policy_document.ring"]
    );
    // What leads nowhere back is taken.
    let open = format!("{head}示例〔2024〕7号,通知,市,2024-03-01,{three}\n");
    assert_eq!(admin.import("policy-documents", "", open.into_bytes()).await.ok(200)["run"]["created"], 1);
}

#[tokio::test]
async fn org_13_two_who_close_a_ring_at_once_close_none() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let (one, two, three, four) = ("示例〔2024〕1号", "示例〔2024〕2号", "示例〔2024〕3号", "示例〔2024〕4号");
    let paths = of_one_day(&admin, &[(three, None), (two, Some(three)), (one, None), (four, Some(one))]).await;
    // Neither locks a row of the other: 2 replaces 3 and 4 replaces 1, and now 1 is to replace 2, and 3 is to replace 4.
    let both = [(paths[2].clone(), two), (paths[0].clone(), four)].map(|(path, replaces)| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.patch(&path, json!({"replaces_number": replaces, "version": 1})).await })
    });
    let mut codes = Vec::new();
    for one in both {
        let answer = one.await.unwrap();
        codes.push(if answer.status == 200 { "changed".to_owned() } else { answer.code().to_owned() });
    }
    codes.sort();
    assert_eq!(codes, ["changed", "policy_document.ring"]);
}

#[tokio::test]
async fn org_13_an_import_and_what_it_counts_on_keep_out_of_each_others_way() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let paths = of_one_day(&admin, &[("示例〔2024〕1号", None)]).await;
    let wall = app.db.connect().await;
    wall.batch_execute("begin; lock table policy_document in share row exclusive mode").await.unwrap();
    let importer = admin.clone();
    let file = "number,title,issuer,issued_on,replaces_number\n示例〔2024〕2号,修订,市,2024-03-01,示例〔2024〕1号\n";
    let import = tokio::spawn(async move { importer.import("policy-documents", "", file.into()).await });
    stands_before(&wall).await;
    // The import has found the first document early enough, and has not stored the second.
    let changer = admin.clone();
    let path = paths[0].clone();
    let change = tokio::spawn(async move { changer.patch(&path, json!({"issued_on": "2024-04-01", "version": 1})).await });
    sleep(Duration::from_millis(300)).await;
    release(wall).await;
    assert_eq!(import.await.unwrap().ok(200)["run"]["created"], 1);
    assert_eq!(change.await.unwrap().code(), "policy_document.replaced_earlier");
}
