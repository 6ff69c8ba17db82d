//! Charter inclusions (ORG-07): the clause goes step by step to its publication, each document has a law-maker of its own,
//! and a compound is complete with three of three.

use kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, TestApp, User, app::ending};

pub(crate) const LAKE: &str = "421181001001X001";
pub(crate) const STREET: &str = "421181001001X002";
pub(crate) const MARKET: &str = "91421199MA0000001U";
pub(crate) const THINGS: &str = "/v1/charter-inclusions";

pub(crate) async fn company(admin: &User) {
    admin.import("property-companies", "effective_on=2020-01-01", format!("code,name,kind\n{MARKET},安馨物业,commercial\n").into_bytes()).await.ok(200);
}

pub(crate) async fn draft(user: &User, compound: &str, document: &str) -> Value {
    let mut new = json!({"compound_code": compound, "document": document, "clause": "第一条 坚持党的领导。\n第二条 依法自治。"});
    if document == "company_articles" {
        new["company_code"] = json!(MARKET);
    }
    user.post(THINGS, new).await.ok(201)
}

/// Does an action on what stood so, with the version that it had.
pub(crate) async fn act(user: &User, was: &Value, action: &str, body: Value) -> Answer {
    let mut body = body;
    body["version"] = was["version"].clone();
    user.post(&format!("{THINGS}/{}/{action}", was["id"].as_str().unwrap()), body).await
}

fn votes(document: &str) -> Value {
    let mut body = json!({"adopted_on": "2024-03-01", "eligible": 300, "attending": 200, "agreeing": 200, "minutes_number": "纪要2024-3"});
    if document == "committee_rules" {
        body["area_total"] = json!("30000.00");
        body["area_participating"] = json!("20000.00");
        body["area_agreeing"] = json!("10000.01");
    }
    body
}

const STEPS: [&str; 6] = ["submit-for-party-review", "pass-party-review", "pass-legality-review", "adopt", "file", "publish"];

fn body(document: &str, action: &str) -> Value {
    match action {
        "adopt" => votes(document),
        "file" => json!({"filed_on": "2024-03-10", "filed_with": "龙池桥街道办事处", "filing_number": "备2024-12"}),
        "publish" => json!({"published_on": "2024-03-20"}),
        "return" | "veto" => json!({"reason": "条款与上位法不一致"}),
        "revoke" => json!({"on": "2025-01-01", "reason": "修订"}),
        _ => json!({}),
    }
}

/// Takes a draft so many steps on.
pub(crate) async fn advance(user: &User, draft: &Value, steps: usize) -> Value {
    let mut stands = draft.clone();
    for action in &STEPS[..steps] {
        let document = stands["document"].as_str().unwrap().to_owned();
        stands = act(user, &stands, action, body(&document, action)).await.ok(200);
    }
    stands
}

fn state(inclusion: &Value) -> (&str, Option<&str>, i64) {
    (inclusion["state"].as_str().unwrap(), inclusion["previous_state"].as_str(), inclusion["version"].as_i64().unwrap())
}

#[tokio::test]
async fn org_07_a_clause_goes_step_by_step_to_its_publication_and_its_end() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = draft(&admin, LAKE, "residents_convention").await;
    let path = format!("{THINGS}/{}", made["id"].as_str().unwrap());
    assert_eq!((state(&made), made["area_code"].as_str(), made["valid_from"].is_null()), (("drafting", None, 1), Some("421181001001"), true));
    assert_eq!(admin.patch(&path, json!({"clause": "无版本"})).await.code(), "version.missing");
    let changed = admin.patch(&path, json!({"clause": "第一条\r\n第二条", "version": 1})).await.ok(200);
    assert_eq!(changed["clause"], "第一条\n第二条", "lines stay");
    let noted = act(&admin, &changed, "submit-for-party-review", json!({"note": "已征求意见"})).await.ok(200);
    assert_eq!(state(&noted), ("party_review", Some("drafting"), 3));
    assert_eq!(admin.patch(&path, json!({"clause": "迟", "version": 3})).await.code(), "charter_inclusion.not_a_draft");
    let mut stands = noted;
    for (action, to) in STEPS[1..].iter().zip(["legality_review", "adopting", "adopted", "filed", "published"]) {
        let from = stands["state"].clone();
        stands = act(&admin, &stands, action, body("residents_convention", action)).await.ok(200);
        assert_eq!((stands["state"].as_str(), &stands["previous_state"]), (Some(to), &from), "{action}");
    }
    for (name, value) in votes("residents_convention").as_object().unwrap() {
        assert_eq!(&stands[name], value, "{name}");
    }
    assert_eq!((stands["filed_with"].as_str(), stands["valid_from"].as_str()), (Some("龙池桥街道办事处"), Some("2024-03-20")));
    assert_eq!(admin.get(&path).await.ok(200), stands);
    // What is over is not published again; the sentence says where it is and what it takes.
    let refused = act(&admin, &stands, "publish", json!({"published_on": "2024-04-01"})).await;
    assert_eq!((refused.status, refused.code()), (409, "workflow.wrong_state"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("“已公布”(published)") && detail.contains("“撤销”(revoke)"), "{detail}");
    let early = act(&admin, &stands, "revoke", json!({"on": "2024-03-20", "reason": "早"})).await;
    assert_eq!((early.status, early.code()), (422, "period.ends_before_it_begins"));
    let over = act(&admin, &stands, "revoke", body("", "revoke")).await.ok(200);
    assert_eq!((over["state"].as_str(), over["valid_to"].as_str()), (Some("revoked"), Some("2025-01-01")));
    assert_eq!(act(&admin, &over, "revoke", body("", "revoke")).await.code(), "workflow.wrong_state");
    let history = admin.get(&format!("{path}/history")).await.ok(200)["items"].clone();
    let actions: Vec<_> =
        history.as_array().unwrap().iter().rev().map(|line| line["action"].as_str().unwrap().trim_start_matches("charter_inclusion.")).collect();
    assert_eq!(actions, ["created", "changed", "submitted", "party_review_passed", "legality_review_passed", "adopted", "filed", "published", "revoked"]);
    assert_eq!((history[6]["reason"].as_str(), history[0]["reason"].as_str()), (Some("已征求意见"), Some("修订")));
    let count = async |query: &str| admin.get(&format!("{THINGS}?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    for (query, found) in [
        ("as_of=2024-03-19", 0),
        ("as_of=2024-03-20", 1),
        ("as_of=2024-12-31&document=residents_convention", 1),
        ("as_of=2024-12-31&document=committee_rules", 0),
        ("as_of=2025-01-01", 0),
        ("ever=true&state=revoked", 1),
        ("ever=true&state=published", 0),
        ("as_of=2024-06-01&area_code=421181001001001", 1),
        ("as_of=2024-06-01&area_code=421181001001002", 0),
        ("as_of=2024-06-01&area_code=421181001&compound_code=421181001001X001", 1),
    ] {
        assert_eq!(count(query).await, found, "{query}");
    }
}

#[tokio::test]
async fn org_07_each_step_keeps_its_rules() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    company(&admin).await;
    let refused = async |body: Value| {
        let answer = admin.post(THINGS, body).await;
        (answer.status, answer.errors().first().cloned().unwrap_or_else(|| answer.code().to_owned()))
    };
    let named = |status, text: &str| (status, text.to_owned());
    let articles = json!({"compound_code": LAKE, "document": "company_articles"});
    let made = admin.post(THINGS, articles.clone()).await.ok(201);
    assert_eq!(refused(articles).await, named(409, "/document charter_inclusion.already"));
    let other = json!({"compound_code": LAKE, "document": "committee_rules", "company_code": MARKET});
    assert_eq!(refused(other).await, named(422, "/company_code charter_inclusion.company_and_document"));
    let nobody = json!({"compound_code": "421181001001X099", "document": "committee_rules"});
    assert_eq!(refused(nobody).await, named(422, "/compound_code compound.does_not_exist"));
    let unknown = json!({"compound_code": STREET, "document": "company_articles", "company_code": "91421199MA0000009L"});
    assert_eq!(refused(unknown).await, named(422, "/company_code property_company.does_not_exist"));
    // A draft is submitted with its clause, articles with their company as well.
    assert_eq!(act(&admin, &made, "submit-for-party-review", json!({})).await.code(), "charter_inclusion.no_clause");
    let path = format!("{THINGS}/{}", made["id"].as_str().unwrap());
    let written = admin.patch(&path, json!({"clause": "公司支持党组织开展工作。", "version": 1})).await.ok(200);
    assert_eq!(act(&admin, &written, "submit-for-party-review", json!({})).await.code(), "charter_inclusion.no_company");
    let ready = admin.patch(&path, json!({"company_code": MARKET, "version": 2})).await.ok(200);
    for action in &STEPS[1..] {
        assert_eq!(act(&admin, &ready, action, body("company_articles", action)).await.code(), "workflow.wrong_state", "{action} of a draft");
    }
    let at_vote = advance(&admin, &ready, 3).await;
    // Days come in their order, and not before they have come.
    let mut ahead = votes("company_articles");
    ahead["adopted_on"] = json!("2199-01-01");
    let answer = act(&admin, &at_vote, "adopt", ahead).await;
    assert_eq!((answer.status, answer.errors()), (422, vec!["/adopted_on charter_inclusion.not_yet".to_owned()]));
    let adopted = act(&admin, &at_vote, "adopt", votes("company_articles")).await.ok(200);
    let filing = |day: &str| json!({"filed_on": day, "filed_with": "市场监管局", "filing_number": "1"});
    assert_eq!(act(&admin, &adopted, "file", filing("2024-02-29")).await.errors(), ["/filed_on charter_inclusion.days"]);
    assert_eq!(act(&admin, &adopted, "file", filing("2199-01-01")).await.errors(), ["/filed_on charter_inclusion.not_yet"]);
    let filed = act(&admin, &adopted, "file", filing("2024-03-01")).await.ok(200);
    assert_eq!(act(&admin, &filed, "publish", json!({"published_on": "2024-02-29"})).await.errors(), ["/published_on charter_inclusion.days"]);
    assert_eq!(act(&admin, &filed, "publish", json!({"published_on": "9999-01-01"})).await.errors(), ["/published_on period.out_of_years"]);
    assert_eq!(admin.post(&format!("{path}/publish"), json!({"published_on": "2024-03-02"})).await.code(), "version.missing");
    let stale = admin.post(&format!("{path}/publish"), json!({"published_on": "2024-03-02", "version": 1})).await;
    assert_eq!((stale.status, stale.code()), (412, "version.stale"));
    act(&admin, &filed, "publish", json!({"published_on": "2024-03-02"})).await.ok(200);
}

#[tokio::test]
async fn org_07_three_documents_have_three_law_makers() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    company(&admin).await;
    let with = |document: &str, members: Value| {
        let mut body = votes(document);
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    for (document, misses, pointer, code, numbers) in [
        ("residents_convention", json!({"attending": 150, "agreeing": 150}), "/agreeing", "charter_inclusion.not_by_residents", "出席 150、同意 150"),
        ("residents_convention", json!({"agreeing": 100}), "/agreeing", "charter_inclusion.not_by_residents", "出席 200、同意 100"),
        ("residents_convention", json!({"agreeing": 201}), "/agreeing", "charter_inclusion.numbers", "参加 200、同意 201"),
        ("residents_convention", json!({"area_total": "1.00"}), "/area_total", "charter_inclusion.areas_and_document", "三项"),
        ("committee_rules", json!({"eligible": 301}), "/agreeing", "charter_inclusion.not_by_owners", "人数 301、参与 200"),
        ("committee_rules", json!({"area_agreeing": "10000.00"}), "/agreeing", "charter_inclusion.not_by_owners", "同意 10000.00"),
        ("committee_rules", json!({"area_agreeing": "20000.01"}), "/area_agreeing", "charter_inclusion.areas", "同意 20000.01"),
        ("committee_rules", json!({"area_agreeing": null}), "/area_total", "charter_inclusion.areas_and_document", "三项"),
        ("company_articles", json!({"agreeing": 199}), "/agreeing", "charter_inclusion.not_by_shareholders", "表决权 300、同意 199"),
    ] {
        let found = admin.get(&format!("{THINGS}?compound_code={LAKE}&document={document}")).await.ok(200)["items"][0].clone();
        let at_vote = if found.is_null() { advance(&admin, &draft(&admin, LAKE, document).await, 3).await } else { found };
        let answer = act(&admin, &at_vote, "adopt", with(document, misses.clone())).await;
        assert_eq!((answer.status, answer.errors()), (422, vec![format!("{pointer} {code}")]), "{document} {misses}");
        let said = answer.body["detail"].as_str().unwrap();
        assert!(said.contains(numbers), "{said}");
    }
    let bounds = admin.get(&format!("{THINGS}?document=company_articles")).await.ok(200)["items"][0].clone();
    assert_eq!(act(&admin, &bounds, "adopt", with("company_articles", json!({"eligible": 0}))).await.errors(), ["/eligible member.out_of_bounds"]);
    // Two thirds of the voting rights are enough, one owner's head or one hundredth of a square metre is not too little.
    for document in ["residents_convention", "committee_rules", "company_articles"] {
        let at_vote = admin.get(&format!("{THINGS}?document={document}")).await.ok(200)["items"][0].clone();
        let heads = if document == "committee_rules" { json!({"agreeing": 101}) } else { json!({}) };
        assert_eq!(act(&admin, &at_vote, "adopt", with(document, heads)).await.ok(200)["state"], "adopted", "{document}");
    }
}

#[tokio::test]
async fn org_07_a_return_gives_it_back_and_a_veto_ends_it() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let mut stands = draft(&admin, LAKE, "committee_rules").await;
    assert_eq!(act(&admin, &stands, "return", body("", "return")).await.code(), "workflow.wrong_state", "a draft is with its writer");
    for steps in 1..=4 {
        let was = advance(&admin, &stands, steps).await;
        assert_eq!(act(&admin, &was, "return", json!({})).await.errors(), ["/reason member.missing"]);
        stands = act(&admin, &was, "return", body("", "return")).await.ok(200);
        assert_eq!((stands["state"].as_str(), &stands["previous_state"]), (Some("drafting"), &was["state"]));
        assert!(stands["adopted_on"].is_null() && stands["area_total"].is_null() && stands["minutes_number"].is_null(), "it is adopted again: {stands}");
    }
    let filed = advance(&admin, &stands, 5).await;
    for action in ["return", "veto"] {
        assert_eq!(act(&admin, &filed, action, body("", action)).await.code(), "workflow.wrong_state", "{action} of what is filed");
    }
    // A veto is final, but another may be drafted.
    let first = draft(&admin, STREET, "committee_rules").await;
    let vetoed = act(&admin, &first, "veto", body("", "veto")).await.ok(200);
    assert_eq!((vetoed["state"].as_str(), vetoed["valid_from"].is_null(), vetoed["valid_to"].is_null()), (Some("vetoed"), true, false));
    for action in STEPS.iter().chain(&["return", "veto", "revoke"]) {
        assert_eq!(act(&admin, &vetoed, action, body("committee_rules", action)).await.code(), "workflow.wrong_state", "{action} after a veto");
    }
    assert_eq!(admin.get(&format!("{THINGS}/{}/next-actions", vetoed["id"].as_str().unwrap())).await.ok(200)["actions"], json!([]));
    assert_eq!(admin.get(&format!("{THINGS}?compound_code={STREET}")).await.ok(200)["items"], json!([]), "it is over");
    for steps in 1..=4 {
        let next = draft(&admin, STREET, "committee_rules").await;
        let was = advance(&admin, &next, steps).await;
        assert_eq!(act(&admin, &was, "veto", body("", "veto")).await.ok(200)["previous_state"], was["state"]);
    }
    let history = admin.get(&format!("{THINGS}/{}/history", vetoed["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(history["items"][0]["reason"], "条款与上位法不一致");
}

#[tokio::test]
async fn org_07_of_two_at_once_one_is_done() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let drafts = [LAKE; 2].map(|compound| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.post(THINGS, json!({"compound_code": compound, "document": "committee_rules"})).await.status })
    });
    let mut statuses = Vec::new();
    for one in drafts {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let at_vote = advance(&admin, &draft(&admin, LAKE, "residents_convention").await, 3).await;
    let both = ["adopt", "veto"].map(|action| {
        let (admin, at_vote) = (admin.clone(), at_vote.clone());
        tokio::spawn(async move { act(&admin, &at_vote, action, body("residents_convention", action)).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "whoever came second had not seen what the first did");
    let path = format!("{THINGS}/{}", at_vote["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.ok(200)["version"], 5);
    // By whatever version it has, the state is against the second.
    let body = json!({"reason": "又一次"});
    let again = admin.send(admin.request(Method::POST, &format!("{path}/return")).header("If-Match", "*").json(&body)).await;
    assert!(again.status == 200 || again.code() == "workflow.wrong_state", "{again:?}");
}

#[tokio::test]
async fn org_07_each_does_his_part_and_strangers_see_nothing() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let writer = app.staff("writer", Role::CompoundSecretary, "421181001001001").await;
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let officer = app.staff("officer", Role::SubdistrictOfficer, "421181001").await;
    let neighbour = app.user(&["*"], "421181001002").await;
    // The secretary of a compound writes what lies in his grid, and no more.
    let other = json!({"compound_code": STREET, "document": "committee_rules"});
    assert_eq!(writer.post(THINGS, other.clone()).await.code(), "access.out_of_scope");
    assert_eq!(neighbour.post(THINGS, other).await.code(), "access.out_of_scope");
    let made = draft(&writer, LAKE, "committee_rules").await;
    let path = format!("{THINGS}/{}", made["id"].as_str().unwrap());
    for part in ["", "/history", "/next-actions"] {
        assert_eq!(neighbour.get(&format!("{path}{part}")).await.code(), "charter_inclusion.unknown", "{part}");
    }
    assert_eq!(neighbour.patch(&path, json!({"clause": "我", "version": 1})).await.code(), "charter_inclusion.unknown");
    for action in STEPS.iter().chain(&["return", "veto", "revoke"]) {
        let answer = act(&neighbour, &made, action, body("committee_rules", action)).await;
        assert_eq!((answer.status, answer.code()), (404, "charter_inclusion.unknown"), "{action}");
    }
    assert_eq!(neighbour.get(THINGS).await.ok(200)["items"], json!([]));
    let next = async |user: &User| -> Vec<(String, bool, Option<String>)> {
        let answer = user.get(&format!("{path}/next-actions")).await.ok(200);
        let actions = answer["actions"].as_array().unwrap().clone();
        actions
            .iter()
            .map(|one| {
                (one["action"].as_str().unwrap().to_owned(), one["allowed"].as_bool().unwrap(), one["forbidden_by"]["code"].as_str().map(ToOwned::to_owned))
            })
            .collect()
    };
    let said = |action: &str, forbidden_by: Option<&str>| (action.to_owned(), forbidden_by.is_none(), forbidden_by.map(ToOwned::to_owned));
    assert_eq!(next(&writer).await, [said("submit_for_party_review", None), said("veto", None)]);
    let auditor = app.staff("auditor", Role::Auditor, "421181").await;
    assert_eq!(next(&auditor).await, [said("submit_for_party_review", Some("access.forbidden")), said("veto", Some("access.forbidden"))]);
    assert_eq!(act(&auditor, &made, "submit-for-party-review", json!({})).await.code(), "access.forbidden");
    // Without its clause the rule is told, in both languages.
    let bare = writer.patch(&path, json!({"clause": null, "version": 1})).await.ok(200);
    let answer = writer.get(&format!("{path}/next-actions")).await.ok(200);
    assert_eq!((answer["state"].as_str(), answer["state_zh"].as_str(), answer["version"].as_i64()), (Some("drafting"), Some("起草"), Some(2)));
    let first = &answer["actions"][0];
    assert_eq!((first["zh"].as_str(), first["en"].as_str()), (Some("提交党组织审查"), Some("submit for party review")));
    assert_eq!((first["permission"].as_str(), first["forbidden_by"]["code"].as_str()), (Some("charter_inclusion.write"), Some("charter_inclusion.no_clause")));
    assert!(first["forbidden_by"]["zh"].as_str().unwrap().contains("条款") && first["forbidden_by"]["en"].as_str().unwrap().contains("clause"));
    let ready = writer.patch(&path, json!({"clause": "坚持党的领导。", "version": bare["version"]})).await.ok(200);
    // Each review has a reviewer of its own: he who brings it does not pass it.
    let in_party = act(&writer, &ready, "submit-for-party-review", json!({})).await.ok(200);
    assert_eq!(
        next(&writer).await,
        [said("pass_party_review", Some("access.forbidden")), said("return", Some("access.forbidden")), said("veto", Some("access.forbidden"))]
    );
    for user in [&writer, &officer] {
        assert_eq!(act(user, &in_party, "pass-party-review", json!({})).await.code(), "access.forbidden");
        assert_eq!(act(user, &in_party, "return", body("", "return")).await.code(), "access.forbidden");
    }
    let in_law = act(&secretary, &in_party, "pass-party-review", json!({})).await.ok(200);
    assert_eq!(act(&secretary, &in_law, "pass-legality-review", json!({})).await.code(), "access.forbidden");
    assert_eq!(act(&secretary, &in_law, "veto", body("", "veto")).await.code(), "access.forbidden");
    let at_vote = act(&officer, &in_law, "pass-legality-review", json!({})).await.ok(200);
    let mut numbers = votes("committee_rules");
    numbers["area_agreeing"] = json!("15000.00");
    let adopted = act(&writer, &at_vote, "adopt", numbers).await.ok(200);
    let filed = act(&secretary, &adopted, "file", body("", "file")).await.ok(200);
    let published = act(&writer, &filed, "publish", body("", "publish")).await.ok(200);
    assert_eq!(act(&writer, &published, "revoke", body("", "revoke")).await.code(), "access.forbidden");
    act(&officer, &published, "revoke", body("", "revoke")).await.ok(200);
    // The journal keeps the role that granted each act.
    let history = admin.get(&format!("{path}/history")).await.ok(200)["items"].clone();
    let roles: Vec<_> = history.as_array().unwrap().iter().take(4).map(|line| line["acting_role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["subdistrict_officer", "compound_secretary", "community_secretary", "compound_secretary"]);
    // Past the reviews goes only he who may register.
    let file = format!(
        "compound_code,document,clause,adopted_on,eligible,attending,agreeing,minutes_number,filed_on,filed_with\n\
         {STREET},residents_convention,领导,2024-01-01,3,3,3,纪要1,2024-01-05,街道\n"
    );
    assert_eq!(secretary.import("charter-inclusions", "", file.clone().into_bytes()).await.code(), "access.forbidden");
    assert_eq!(officer.import("charter-inclusions", "", file.into_bytes()).await.ok(200)["run"]["created"], 1);
}

#[tokio::test]
async fn org_07_a_compound_is_complete_with_three_of_three() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    company(&admin).await;
    let project = json!({"compound_code": LAKE, "company_code": MARKET, "kind": "full_service", "valid_from": "2024-01-01"});
    admin.post("/v1/property-projects", project).await.ok(201);
    let compound = admin.by_code("compounds", LAKE).await["id"].as_str().unwrap().to_owned();
    let charter = async |query: &str| admin.get(&format!("/v1/compounds/{compound}/charter{query}")).await.ok(200);
    let none = charter("").await;
    assert_eq!((none["complete"].as_bool(), none["documents_in_force"].as_i64(), none["documents"].as_array().map(Vec::len)), (Some(false), Some(0), Some(3)));
    for (count, document) in (1..).zip(["residents_convention", "committee_rules", "company_articles"]) {
        let filed = advance(&admin, &draft(&admin, LAKE, document).await, 5).await;
        let before = charter("").await;
        assert_eq!(before["documents_in_force"].as_i64(), Some(count - 1), "what is filed is not in force");
        let standing = before["documents"].as_array().unwrap().iter().find(|one| one["document"] == document).unwrap();
        assert_eq!((standing["in_force"].is_null(), &standing["coming"]["id"]), (true, &filed["id"]));
        act(&admin, &filed, "publish", body(document, "publish")).await.ok(200);
        let after = charter("").await;
        assert_eq!((after["documents_in_force"].as_i64(), after["complete"].as_bool()), (Some(count), Some(count == 3)), "{document}");
    }
    assert_eq!(charter("?as_of=2024-03-19").await["documents_in_force"], 0);
    assert_eq!(charter("?as_of=2024-03-20").await["complete"], true);
    // One is superseded without a day between: it is revoked ahead, and the next one drafted at once.
    let rules = charter("").await["documents"][1]["in_force"].clone();
    assert_eq!(admin.post(THINGS, json!({"compound_code": LAKE, "document": "committee_rules"})).await.code(), "charter_inclusion.already");
    act(&admin, &rules, "revoke", json!({"on": "2099-01-01", "reason": "修订"})).await.ok(200);
    let filed = advance(&admin, &draft(&admin, LAKE, "committee_rules").await, 5).await;
    let overlap = act(&admin, &filed, "publish", json!({"published_on": "2098-12-31"})).await;
    assert_eq!((overlap.status, overlap.errors()), (409, vec!["/published_on charter_inclusion.already_in_force".to_owned()]));
    act(&admin, &filed, "publish", json!({"published_on": "2099-01-01"})).await.ok(200);
    for (day, id) in [("2098-12-31", &rules["id"]), ("2099-01-01", &filed["id"])] {
        let then = charter(&format!("?as_of={day}")).await;
        assert_eq!((then["complete"].as_bool(), &then["documents"][1]["in_force"]["id"]), (Some(true), id), "{day}");
    }
    let neighbour = app.user(&["*"], "421181001002").await;
    assert_eq!(neighbour.get(&format!("/v1/compounds/{compound}/charter")).await.code(), "compound.unknown");
    let blind = app.user(&["compound.read"], "421181").await;
    assert_eq!(blind.get(&format!("/v1/compounds/{compound}/charter")).await.code(), "access.forbidden");
}

#[tokio::test]
async fn org_07_it_is_known_by_the_callers_own_key_comes_in_batches_and_holds_its_minutes() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let path = format!("{THINGS}/by-ref/erp/17");
    let new = json!({"compound_code": LAKE, "document": "residents_convention"});
    let made = admin.put(&path, new.clone()).await.ok(200);
    let mut newer = new.clone();
    newer["clause"] = json!("坚持党的领导。");
    let changed = admin.put(&path, newer.clone()).await.ok(200);
    assert_eq!((changed["id"] == made["id"], changed["version"].as_i64(), changed["clause"].as_str()), (true, Some(2), Some("坚持党的领导。")));
    let other = json!({"compound_code": LAKE, "document": "committee_rules"});
    assert_eq!(admin.put(&path, other.clone()).await.code(), "reference.code_fixed");
    let published = advance(&admin, &changed, 6).await;
    assert_eq!(admin.put(&path, newer).await.code(), "charter_inclusion.not_a_draft");
    let batch = json!({"items": [
        {"end": {"id": made["id"], "on": "2099-01-01", "reason": "修订", "version": published["version"]}},
        {"create": new},
        {"create": other}
    ]});
    let done = admin.post(&format!("{THINGS}:batch"), batch).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 3, "succeeded": 3, "failed": 0}));
    let again = json!({"items": [{"end": {"id": done["items"][1]["id"], "on": "2099-01-01", "reason": "草案", "version": 1}}]});
    assert_eq!(admin.post(&format!("{THINGS}:batch"), again).await.errors(), ["/items/0 workflow.wrong_state"]);
    // The scan of the minutes is a file of it.
    let text = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n";
    let sent = admin.send(admin.request(Method::POST, "/v1/files?name=minutes.pdf").body(text.to_vec())).await.ok(201);
    let to = json!({"object_kind": "charter_inclusion", "object_id": made["id"], "version": 1});
    admin.post(&format!("/v1/files/{}/attach", sent["id"].as_str().unwrap()), to).await.ok(200);
    let reader = app.staff("reader", Role::CompoundSecretary, "421181001001001").await;
    assert_eq!(reader.get(&format!("/v1/files/{}/content", sent["id"].as_str().unwrap())).await.bytes, text);
    let neighbour = app.staff("neighbour", Role::CompoundSecretary, "421181001002001").await;
    assert_eq!(neighbour.get(&format!("/v1/files/{}", sent["id"].as_str().unwrap())).await.code(), "file.unknown");
    assert_eq!(act(&admin, &published, "revoke", ending("2099-01-01", 1)).await.code(), "version.stale");
}
