//! Charter inclusions as files (ORG-07): what is long in force comes in without its steps, and keeps the rules of adoption.

use serde_json::json;
use testkit::{TestApp, app::ending};

use crate::charter_inclusions::{LAKE, MARKET, STREET, THINGS, act, advance, company, draft};

const HEADER: &str = "compound_code,document,company_code,clause,adopted_on,eligible,attending,agreeing,area_total,area_participating,area_agreeing,filed_on,valid_from,minutes_number,filed_with\n";

#[tokio::test]
async fn org_07_what_is_long_in_force_comes_as_a_file() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    company(&admin).await;
    let file = format!(
        "小区编码,文件,物业企业代码,条款内容,通过日期,应参加数,参加数,同意数,总面积,参加表决面积,同意面积,会议纪要编号,备案日期,备案机关,备案编号,公布日期\n\
         {LAKE},小区居民公约,,\"第一条 领导。\n第二条 自治。\",2020-01-01,300,151,76,,,,纪要1,2020-01-05,街道,备1,2020-01-10\n\
         {LAKE},业委会工作规则,,-领导,2020-01-01,300,200,101,30000,20000,10000.01,纪要2,2020-01-05,街道,,2020-01-10\n\
         {LAKE},物业公司章程,{MARKET},领导,2020-01-01,300,200,200,,,,纪要3,2020-01-05,市场监管局,,2020-01-10\n"
    );
    let trial = admin.import("charter-inclusions", "mode=dry_run", file.clone().into_bytes()).await.ok(200);
    assert_eq!((trial["run"]["created"].as_i64(), admin.get(THINGS).await.ok(200)["items"].as_array().unwrap().len()), (Some(3), 0));
    assert_eq!(admin.import("charter-inclusions", "", file.clone().into_bytes()).await.ok(200)["run"]["created"], 3);
    assert_eq!(admin.import("charter-inclusions", "", file.into_bytes()).await.ok(200)["run"]["unchanged"], 3, "the same again");
    let compound = admin.by_code("compounds", LAKE).await["id"].as_str().unwrap().to_owned();
    let charter = admin.get(&format!("/v1/compounds/{compound}/charter?as_of=2020-01-10")).await.ok(200);
    assert_eq!((charter["documents_in_force"].as_i64(), charter["complete"].as_bool()), (Some(2), Some(false)), "the company does not serve");
    let convention = charter["documents"][0]["in_force"].clone();
    assert_eq!((convention["state"].as_str(), convention["clause"].as_str()), (Some("published"), Some("第一条 领导。\n第二条 自治。")));
    for form in ["csv", "ndjson", "xlsx"] {
        for headers in ["names", "chinese"] {
            let out = admin.get(&format!("/v1/exports/charter-inclusions.{form}?headers={headers}")).await;
            assert_eq!(admin.import("charter-inclusions", "", out.bytes).await.ok(200)["run"]["unchanged"], 3, "{form} {headers}");
        }
    }
    // What is in force is not written anew past the reviews; its filing is put right.
    let columns = "compound_code,document,company_code,clause,adopted_on,eligible,attending,agreeing,minutes_number,filed_on,filed_with,valid_from\n";
    let articles = format!("{columns}{LAKE},company_articles,{MARKET},领导,2020-01-01,300,200,200,纪要3,2020-01-05,市场监管局,2020-01-10\n");
    admin.import("property-companies", "effective_on=2020-01-01", "code,name,kind\n91421199MA0000002Y,桥头物业,commercial\n".into()).await.ok(200);
    for (was, is, fault) in [
        (",领导,", ",改,", "2 clause"),
        (MARKET, "91421199MA0000002Y", "2 company_code"),
        (",2020-01-01,", ",2020-01-02,", "2 adopted_on"),
        (",300,200,200,", ",300,201,201,", "2 adopted_on"),
        ("纪要3", "纪要4", "2 adopted_on"),
        (",2020-01-10", ",2020-01-11", "2 valid_from"),
    ] {
        let change = articles.replace(was, is);
        assert_ne!(change, articles);
        let refused = admin.import("charter-inclusions", "", change.into_bytes()).await;
        assert_eq!(refused.faults(), [format!("{fault} charter_inclusion.in_force")]);
    }
    assert_eq!(admin.import("charter-inclusions", "", articles.clone().into_bytes()).await.ok(200)["run"]["unchanged"], 1);
    let filed = articles.replace("市场监管局", "麻城市市场监督管理局");
    assert_eq!(admin.import("charter-inclusions", "", filed.into_bytes()).await.ok(200)["run"]["changed"], 1);
    let of_company = charter["documents"][2]["in_force"]["id"].as_str().unwrap();
    let history = admin.get(&format!("{THINGS}/{of_company}/history")).await.ok(200)["items"].clone();
    let (change, made) = (&history[0]["change"], &history[1]["change"]);
    assert_eq!((&change["filed_with"], made["state"].as_str()), (&json!({"from": "市场监管局", "to": "麻城市市场监督管理局"}), Some("published")));
    // What will end is exported as in force until then.
    let stands = admin.get(&format!("{THINGS}/{}", convention["id"].as_str().unwrap())).await.ok(200);
    act(&admin, &stands, "revoke", json!({"on": "2099-01-01", "reason": "修订"})).await.ok(200);
    let out = admin.get("/v1/exports/charter-inclusions.csv").await.text();
    assert!(out.matches(",published,").count() == 3 && !out.contains("revoked"), "{out}");
}

#[tokio::test]
async fn org_07_rows_at_fault_are_named() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    company(&admin).await;
    draft(&admin, STREET, "committee_rules").await;
    let moved = advance(&admin, &draft(&admin, STREET, "residents_convention").await, 6).await;
    act(&admin, &moved, "revoke", json!({"on": "2025-01-01", "reason": "修订"})).await.ok(200);
    let imported = async |rows: String| admin.import("charter-inclusions", "mode=dry_run", format!("{HEADER}{rows}").into_bytes()).await;
    let faults = async |rows: String| imported(rows.replace('\n', ",纪要1,街道\n")).await.faults();
    for (row, said) in [
        ("421181001001X099,residents_convention,,领导,2020-01-01,3,3,3,,,,2020-01-05,2020-01-10".to_owned(), "compound_code compound.does_not_exist"),
        (format!("{LAKE},company_articles,91421199MA0000009L,领导,2020-01-01,3,3,3,,,,2020-01-05,2020-01-10"), "company_code property_company.does_not_exist"),
        (format!("{LAKE},company_articles,,领导,2020-01-01,3,3,3,,,,2020-01-05,2020-01-10"), "company_code charter_inclusion.no_company"),
        (format!("{LAKE},residents_convention,{MARKET},领导,2020-01-01,3,3,3,,,,2020-01-05,2020-01-10"), "company_code charter_inclusion.company_and_document"),
        (format!("{LAKE},residents_convention,,,2020-01-01,3,3,3,,,,2020-01-05,2020-01-10"), "clause import.required"),
        (format!("{LAKE},residents_convention,,领导,2020-01-01,0,0,0,,,,2020-01-05,2020-01-10"), "eligible import.not_an_integer"),
        (format!("{LAKE},residents_convention,,领导,2020-01-01,300,200,201,,,,2020-01-05,2020-01-10"), "agreeing charter_inclusion.numbers"),
        (format!("{LAKE},residents_convention,,领导,2020-01-01,300,150,150,,,,2020-01-05,2020-01-10"), "agreeing charter_inclusion.not_by_residents"),
        (format!("{LAKE},residents_convention,,领导,2020-01-01,300,200,100,,,,2020-01-05,2020-01-10"), "agreeing charter_inclusion.not_by_residents"),
        (format!("{LAKE},residents_convention,,领导,2020-01-01,3,3,3,1,1,1,2020-01-05,2020-01-10"), "area_total charter_inclusion.areas_and_document"),
        (format!("{LAKE},committee_rules,,领导,2020-01-01,3,3,3,,,,2020-01-05,2020-01-10"), "area_total charter_inclusion.areas_and_document"),
        (format!("{LAKE},committee_rules,,领导,2020-01-01,300,200,150,30000,20000,20000.01,2020-01-05,2020-01-10"), "area_agreeing charter_inclusion.areas"),
        (format!("{LAKE},committee_rules,,领导,2020-01-01,300,199,150,30000,20000,15000,2020-01-05,2020-01-10"), "agreeing charter_inclusion.not_by_owners"),
        (format!("{LAKE},committee_rules,,领导,2020-01-01,300,200,100,30000,20000,15000,2020-01-05,2020-01-10"), "agreeing charter_inclusion.not_by_owners"),
        (format!("{LAKE},committee_rules,,领导,2020-01-01,300,200,150,30000,19999.99,15000,2020-01-05,2020-01-10"), "agreeing charter_inclusion.not_by_owners"),
        (format!("{LAKE},committee_rules,,领导,2020-01-01,300,200,150,30000,20000,10000,2020-01-05,2020-01-10"), "agreeing charter_inclusion.not_by_owners"),
        (format!("{LAKE},company_articles,{MARKET},领导,2020-01-01,300,300,199,,,,2020-01-05,2020-01-10"), "agreeing charter_inclusion.not_by_shareholders"),
        (format!("{LAKE},residents_convention,,领导,2020-01-01,3,3,3,,,,2019-12-31,2020-01-10"), "valid_from charter_inclusion.days"),
        (format!("{LAKE},residents_convention,,领导,2020-01-11,3,3,3,,,,2020-01-05,2020-01-10"), "valid_from charter_inclusion.days"),
        (format!("{STREET},committee_rules,,领导,2020-01-01,300,200,150,30000,20000,15000,2020-01-05,2020-01-10"), "document charter_inclusion.on_its_way"),
        (format!("{STREET},residents_convention,,领导,2020-01-01,3,3,3,,,,2020-01-05,2024-12-31"), "valid_from charter_inclusion.already_in_force"),
    ] {
        assert_eq!(faults(format!("{row}\n")).await, [format!("2 {said}")], "{row}");
    }
    let twice = format!("{LAKE},residents_convention,,领导,2020-01-01,3,3,3,,,,2020-01-05,2020-01-10\n").repeat(2);
    assert_eq!(faults(twice).await, ["3 compound_code import.duplicate"]);
    // What the steps demand of minutes and filing, files bring along; nothing has been done on a day that has not come.
    let bare = imported(format!("{LAKE},residents_convention,,领导,2020-01-01,3,3,3,,,,,2020-01-10,,\n")).await;
    assert_eq!(bare.faults(), ["2 minutes_number import.required", "2 filed_on import.required", "2 filed_with import.required"]);
    let ahead = imported(format!("{LAKE},residents_convention,,领导,2199-01-01,3,3,3,,,,2199-01-02,2199-01-03,纪要1,街道\n")).await;
    assert_eq!(ahead.faults(), ["2 adopted_on charter_inclusion.not_yet", "2 filed_on charter_inclusion.not_yet"]);
    assert!(!ahead.text().contains("{today}"), "the day is told: {}", ahead.text());
    let filed = format!("{LAKE},residents_convention,,领导,2020-01-01,3,3,3,,,,2199-01-02,2199-01-03\n");
    assert_eq!(faults(filed).await, ["2 filed_on charter_inclusion.not_yet"]);
    // The day after is free.
    let next = format!("{HEADER}{STREET},residents_convention,,领导,2020-01-01,3,3,3,,,,2020-01-05,2025-01-01,纪要1,街道\n");
    assert_eq!(admin.import("charter-inclusions", "", next.into_bytes()).await.ok(200)["run"]["created"], 1);
    let state = format!(
        "compound_code,document,clause,adopted_on,eligible,attending,agreeing,minutes_number,filed_on,filed_with,state\n{LAKE},residents_convention,领导,2020-01-01,3,3,3,纪要1,2020-01-05,街道,drafting\n"
    );
    assert_eq!(admin.import("charter-inclusions", "", state.into_bytes()).await.faults(), ["2 state import.not_a_choice"]);
}

#[tokio::test]
async fn org_07_a_compound_and_a_company_do_not_end_under_their_charter() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    company(&admin).await;
    let bare = "421181001001X009";
    let new = json!({"code": bare, "name": "新苑", "kind": "old", "valid_from": "2020-01-01"});
    let compound = format!("/v1/compounds/{}/end", admin.post("/v1/compounds", new).await.ok(201)["id"].as_str().unwrap());
    let served = format!("/v1/property-companies/{}/end", admin.by_code("property-companies", MARKET).await["id"].as_str().unwrap());
    let refused = async |path: &str, on: &str| {
        let answer = admin.post(path, ending(on, 1)).await;
        (answer.status, answer.code().to_owned())
    };
    let of_compound = (409, "compound.has_charter_inclusions".to_owned());
    let of_company = (409, "property_company.has_charter_inclusions".to_owned());
    // What was vetoed keeps nothing; a draft does, and so does what is in force until the day on which it is revoked.
    let given_up = draft(&admin, bare, "company_articles").await;
    act(&admin, &given_up, "veto", json!({"reason": "不再办理"})).await.ok(200);
    let drafted = draft(&admin, bare, "company_articles").await;
    assert_eq!((refused(&compound, "2025-06-01").await, refused(&served, "2025-06-01").await), (of_compound.clone(), of_company.clone()));
    let published = advance(&admin, &drafted, 6).await;
    assert_eq!((refused(&compound, "2025-06-01").await, refused(&served, "2025-06-01").await), (of_compound.clone(), of_company.clone()));
    act(&admin, &published, "revoke", json!({"on": "2025-06-02", "reason": "修订"})).await.ok(200);
    assert_eq!((refused(&compound, "2025-06-01").await, refused(&served, "2025-06-01").await), (of_compound, of_company));
    admin.post(&served, ending("2025-06-02", 1)).await.ok(200);
    admin.post(&compound, ending("2025-06-02", 1)).await.ok(200);
}

#[tokio::test]
async fn org_07_what_is_published_is_of_a_compound_and_a_company_that_are_there_on_the_day() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    company(&admin).await;
    let going = "421181001001X009";
    let new = json!({"code": going, "name": "将拆小区", "kind": "old", "valid_from": "2020-01-01"});
    let compound = admin.post("/v1/compounds", new).await.ok(201);
    admin.post(&format!("/v1/compounds/{}/end", compound["id"].as_str().unwrap()), ending("2098-01-01", 1)).await.ok(200);
    let served = admin.by_code("property-companies", MARKET).await;
    admin.post(&format!("/v1/property-companies/{}/end", served["id"].as_str().unwrap()), ending("2097-01-01", 1)).await.ok(200);
    let of_compound = ("residents_convention", "2098-01-01", "compound.not_in_force");
    let of_company = ("company_articles", "2097-01-01", "property_company.not_in_force");
    for (document, on, code) in [of_compound, of_company] {
        let filed = advance(&admin, &draft(&admin, going, document).await, 5).await;
        let late = act(&admin, &filed, "publish", json!({"published_on": on})).await;
        assert_eq!((late.status, late.code()), (422, code), "{document}");
        act(&admin, &filed, "publish", json!({"published_on": "2096-12-31"})).await.ok(200);
    }
}

#[tokio::test]
async fn org_07_compounds_with_all_three_documents_in_force_are_counted() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    company(&admin).await;
    let file = format!(
        "{HEADER}{LAKE},residents_convention,,领导,2024-01-01,3,3,3,,,,2024-02-01,2024-07-01,纪要1,街道\n\
         {LAKE},committee_rules,,领导,2024-01-01,3,3,3,3,3,3,2024-02-01,2024-07-01,纪要2,街道\n\
         {LAKE},company_articles,{MARKET},领导,2024-01-01,3,3,3,,,,2024-02-01,2024-08-01,纪要3,登记机关\n\
         {STREET},residents_convention,,领导,2024-01-01,3,3,3,,,,2024-02-01,2024-07-01,纪要1,街道\n"
    );
    admin.import("charter-inclusions", "", file.into_bytes()).await.ok(200);
    let figure = async |key: &str, query: &str| admin.get(&format!("/v1/statistics/{key}?{query}")).await.ok(200)["display"].as_str().unwrap().to_owned();
    assert_eq!(figure("charter_complete_compounds", "as_of=2024-07-31").await, "0", "two of three are not all");
    assert_eq!((figure("charter_complete_compounds", "").await.as_str(), figure("charter_complete_share", "").await.as_str()), ("1", "50.0%"));
    assert_eq!(figure("charter_complete_share", "area_code=421181001001001").await, "100.0%");
    assert_eq!(figure("charter_complete_share", "area_code=421181001001002").await, "0.0%");
    let rows = admin.get("/v1/statistics/charter_complete_compounds/rows").await.ok(200)["items"].clone();
    assert_eq!((rows.as_array().unwrap().len(), rows[0]["kind"].as_str(), rows[0]["code"].as_str()), (1, Some("compound"), Some(LAKE)));
    // What is revoked moves what is from then on, and nothing before.
    let convention = admin.get(&format!("{THINGS}?compound_code={LAKE}&document=residents_convention")).await.ok(200)["items"][0].clone();
    act(&admin, &convention, "revoke", json!({"on": "2025-01-01", "reason": "修订"})).await.ok(200);
    assert_eq!(
        (figure("charter_complete_share", "").await, figure("charter_complete_share", "as_of=2024-12-31").await),
        ("0.0%".to_owned(), "50.0%".to_owned())
    );
}
