//! People (ORG-14): entered once, numbers and phones sealed, masked wherever they are shown, seen in clear with a reason alone.

use kernel::Role;
use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

/// Right in every digit, and nobody's: no county has the region 421199, no mobile number begins with 120.
const NUMBER: &str = "421199199003070010";
const OTHER_NUMBER: &str = "421199198501120127";
const PHONE: &str = "12012345678";
const OTHER_PHONE: &str = "12087655678";
const NAME: &str = "欧阳晓明";
const GRID: &str = "421181001001001";
const OTHER_GRID: &str = "421181001001002";
const NEIGHBOURS: &str = "421181001002001";

fn person(name: &str, number: Option<&str>, phone: Option<&str>, area: &str) -> Value {
    json!({"name": name, "id_number": number, "phone": phone, "area_code": area})
}

async fn enter(user: &User, new: Value) -> Value {
    user.post("/v1/people", new).await.ok(201)
}

fn path(person: &Value) -> String {
    format!("/v1/people/{}", person["id"].as_str().unwrap())
}

/// Everything that the database holds, as text, the bytes of sealed values among it.
async fn everything(app: &TestApp) -> String {
    let db = app.db.connect().await;
    let tables = db
        .query("select relname from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition", &[])
        .await
        .unwrap();
    let mut text = String::new();
    for table in tables {
        let table: String = table.get(0);
        for row in db.query(&format!("select t::text from {table} t"), &[]).await.unwrap() {
            text += row.get::<_, &str>(0);
            text.push('\n');
        }
    }
    text
}

#[tokio::test]
async fn org_14_numbers_and_phones_are_masked_wherever_they_are_shown() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = admin.post("/v1/people", person(NAME, Some(NUMBER), Some(PHONE), GRID)).await;
    assert_eq!((made.status, made.headers["etag"].as_str()), (201, "\"1\""));
    let made = made.body;
    assert_eq!((made["id_number"].as_str(), made["phone"].as_str(), made["name"].as_str()), (Some("421199********0010"), Some("120****5678"), Some(NAME)));
    let changed = admin.patch(&path(&made), json!({"phone": OTHER_PHONE, "name": "欧阳明", "version": 1})).await.ok(200);
    assert_eq!(changed["phone"], "120****5678", "the mask is the same, the phone is another");
    admin.patch(&path(&made), json!({"id_number": null, "phone": null, "version": 2})).await.ok(200);
    admin.patch(&path(&made), json!({"id_number": NUMBER, "phone": PHONE, "version": 3})).await.ok(200);
    let key = admin.send(admin.request(reqwest::Method::POST, "/v1/people").header("Idempotency-Key", "p1").json(&person("张三", None, Some(PHONE), GRID)));
    assert_eq!(key.await.status, 201);
    // The same through every door that shows people.
    let mut shown = String::new();
    for door in [
        path(&made),
        "/v1/people".to_owned(),
        format!("{}/history", path(&made)),
        "/v1/exports/people.csv".to_owned(),
        "/v1/exports/people.ndjson".to_owned(),
        "/v1/audit".to_owned(),
        "/v1/events".to_owned(),
    ] {
        let answer = admin.get(&door).await;
        assert_eq!(answer.status, 200, "{door}: {}", answer.body);
        shown += &answer.text();
    }
    let found = admin.post("/v1/people/search", json!({"id_number": NUMBER})).await;
    shown += &found.text();
    shown += &everything(&app).await;
    for secret in [NUMBER, PHONE, OTHER_PHONE, "19900307"] {
        assert!(!shown.contains(secret), "{secret} came out");
    }
    // The journal tells that it changed, never from what or to what; not even whose name it was.
    let history = admin.get(&format!("{}/history", path(&made))).await.ok(200);
    let hidden = json!({"from": "***", "to": "***"});
    assert_eq!(history["items"][2]["change"], json!({"name": hidden, "phone": hidden}));
    assert_eq!(history["items"][1]["change"], json!({"id_number": {"from": "***", "to": null}, "phone": {"from": "***", "to": null}}));
    let journal = app.db.connect().await.query("select change::text from journal where object_kind = 'person'", &[]).await.unwrap();
    assert_eq!(journal.len(), 5);
    for row in journal {
        let change = row.get::<_, &str>(0);
        assert!(!change.contains("欧阳") && !change.contains("张三") && !change.contains("421199") && !change.contains("5678"), "{change}");
    }
}

#[tokio::test]
async fn numbers_and_phones_are_checked_and_never_quoted() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    for (member, value, code) in [
        ("id_number", json!("421199199003070011"), "person.bad_check_digit"),
        ("id_number", json!("421199199002300010"), "person.bad_birth_date"),
        ("id_number", json!("001199199003070010"), "person.bad_region"),
        ("id_number", json!("421199900307001"), "person.not_a_resident_id"),
        ("id_number", json!("421199********0010"), "personal.masked"),
        ("id_number", json!("' or 1=1 --"), "person.not_a_resident_id"),
        ("phone", json!("1201234567"), "person.not_a_phone"),
        ("phone", json!("120****5678"), "personal.masked"),
        ("name", json!("张三421199199003070010"), "person.name_has_number"),
        ("area_code", json!("421181001009001"), "person.home_does_not_exist"),
        ("area_code", json!("421181001009"), "person.home_does_not_exist"),
        ("area_code", json!("421181001"), "body.invalid"),
        ("id_kind", json!("passport"), "person.not_a_document"),
    ] {
        let mut new = person("张三", Some(if code == "person.not_a_document" { "护照" } else { NUMBER }), Some(PHONE), GRID);
        new[member] = value.clone();
        let answer = admin.post("/v1/people", new).await;
        assert_eq!((answer.status, answer.code()), (422, code), "{member}: {}", answer.body);
        if member == "id_number" || member == "phone" {
            assert!(!answer.text().contains(value.as_str().unwrap()), "quoted: {}", answer.text());
        }
    }
    let passport = json!({"name": "外宾", "id_kind": "passport", "id_number": "e12345678", "area_code": GRID});
    let made = enter(&admin, passport).await;
    assert_eq!((made["id_number"].as_str(), made["id_kind"].as_str()), (Some("E1*****78"), Some("passport")));
    let kind = admin.patch(&path(&made), json!({"id_kind": "resident_id", "version": 1})).await;
    assert_eq!((kind.status, kind.code()), (422, "person.kind_without_number"));
    // What is entered with blanks and a small x is the same number.
    let made = enter(&admin, person("李四", Some("11010519 491231 002x"), None, "421181001001")).await;
    assert_eq!(made["id_number"], "110105********002X");
}

#[tokio::test]
async fn one_person_once_and_named_to_those_alone_who_may_see_him() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let first = enter(&admin, person(NAME, Some(NUMBER), Some(PHONE), GRID)).await;
    let again = admin.post("/v1/people", person("张三", Some("421199 19900307 0010"), None, OTHER_GRID)).await;
    assert_eq!((again.status, again.code()), (409, "person.already"));
    assert!(again.text().contains(first["id"].as_str().unwrap()), "{}", again.text());
    let neighbour = app.user(&["person.read", "person.write"], "421181001002").await;
    let elsewhere = neighbour.post("/v1/people", person("张三", Some(NUMBER), None, NEIGHBOURS)).await;
    assert_eq!((elsewhere.status, elsewhere.code()), (409, "person.already_elsewhere"));
    assert!(!elsewhere.text().contains(first["id"].as_str().unwrap()) && !elsewhere.text().contains(NAME));
    // Who may write there without seeing is told no more.
    let blind = app.user(&["person.write"], "421181").await;
    assert_eq!(blind.post("/v1/people", person("张三", Some(NUMBER), None, GRID)).await.code(), "person.already_elsewhere");
    let other = enter(&admin, person("李四", Some(OTHER_NUMBER), Some(PHONE), GRID)).await;
    let taken = admin.patch(&path(&other), json!({"id_number": NUMBER, "version": 1})).await;
    assert_eq!(taken.code(), "person.already");
    admin.patch(&path(&other), json!({"id_number": OTHER_NUMBER, "version": 1})).await.ok(200);
    // A family shares a phone, and the same number of another kind of document is another one.
    assert_eq!(admin.post("/v1/people/search", json!({"phone": PHONE})).await.ok(200)["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn eight_who_enter_the_same_person_at_once_enter_him_once() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let admin = admin.clone();
            tokio::spawn(async move { admin.post("/v1/people", person(&format!("甲{number}"), Some(NUMBER), None, GRID)).await })
        })
        .collect();
    let mut statuses = Vec::new();
    for writer in writers {
        let answer = writer.await.unwrap();
        assert!(answer.status == 201 || answer.code() == "person.already", "{}", answer.body);
        statuses.push(answer.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [[201].as_slice(), &[409; 7]].concat());
    assert_eq!(admin.get("/v1/people?include_total=true").await.ok(200)["total"], 1);
}

#[tokio::test]
async fn people_are_found_by_name_number_and_phone_and_look_alikes_are_shown() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    assert_eq!(admin.post("/v1/people/search", json!({"phone": PHONE})).await.ok(200)["items"], json!([]), "before anybody was entered");
    let first = enter(&admin, person(NAME, Some(NUMBER), Some(PHONE), GRID)).await;
    let twice = enter(&admin, person(NAME, None, Some("+86 120-1234-5678"), OTHER_GRID)).await;
    let near = enter(&admin, person(NAME, None, None, GRID)).await;
    let another = enter(&admin, person(NAME, Some(OTHER_NUMBER), Some(PHONE), GRID)).await;
    let far = enter(&admin, person(NAME, None, Some(PHONE), NEIGHBOURS)).await;
    let search = async |user: &User, body: Value| user.post("/v1/people/search", body).await.ok(200)["items"].as_array().unwrap().clone();
    let by_number = search(&admin, json!({"id_number": NUMBER})).await;
    assert_eq!((by_number.len(), &by_number[0]["person"]), (1, &first));
    assert_eq!(
        by_number[0]["possible_duplicates"],
        json!([
            {"id": twice["id"], "likeness": "name_and_phone"},
            {"id": near["id"], "likeness": "name_and_area"},
            {"id": far["id"], "likeness": "name_and_phone"}
        ]),
        "not {another}, whose number is another"
    );
    assert_eq!(search(&admin, json!({"phone": PHONE})).await.len(), 4);
    assert_eq!(search(&admin, json!({"phone": PHONE, "area_code": NEIGHBOURS})).await[0]["person"], far);
    assert_eq!(search(&admin, json!({"name": "晓明", "id_number": OTHER_NUMBER})).await[0]["person"], another);
    assert_eq!(search(&admin, json!({"name": "张", "id_number": OTHER_NUMBER})).await, Vec::<Value>::new());
    assert_eq!(search(&admin, json!({"name": "%"})).await, Vec::<Value>::new());
    assert_eq!(search(&admin, json!({"id_number": "110105 19491231 002X"})).await, Vec::<Value>::new());
    assert_eq!(admin.post("/v1/people/search", json!({"area_code": GRID})).await.code(), "person.search_for_whom");
    assert_eq!(admin.post("/v1/people/search", json!({"id_number": "421199199003070011"})).await.code(), "person.bad_check_digit");
    // Pages go on where they ended.
    let page = admin.post("/v1/people/search?limit=3&include_total=true", json!({"name": NAME})).await.ok(200);
    assert_eq!((page["total"].as_i64(), page["has_more"].as_bool()), (Some(5), Some(true)));
    let next = admin.post(&format!("/v1/people/search?after={}", page["next"].as_str().unwrap()), json!({"name": NAME})).await.ok(200);
    assert_eq!((next["items"].as_array().unwrap().len(), next["items"][1]["person"]["id"].as_str()), (2, far["id"].as_str()));
    // The neighbour finds his own, and nobody else among those who look alike.
    let neighbour = app.user(&["person.read"], "421181001002").await;
    let own = search(&neighbour, json!({"name": NAME})).await;
    assert_eq!((own.len(), &own[0]["possible_duplicates"]), (1, &json!([])));
    assert_eq!(search(&neighbour, json!({"id_number": NUMBER})).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_number_is_seen_in_clear_with_a_permission_and_a_reason_and_the_journal_knows() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = enter(&admin, person(NAME, Some(NUMBER), Some(PHONE), GRID)).await;
    let unmask = format!("{}/unmask", path(&made));
    let look = json!({"fields": ["phone"], "reason": "核实身份"});
    let secretary = app.staff("sec.one", Role::CommunitySecretary, "421181001001").await;
    let answer = secretary.send(secretary.request(reqwest::Method::POST, &unmask).header("Idempotency-Key", "u1").json(&look)).await;
    assert_eq!((answer.status, &answer.body["phone"], &answer.body["id_number"]), (200, &json!(PHONE), &Value::Null));
    let both = secretary.post(&unmask, json!({"fields": ["id_number", "phone"], "reason": "核实身份"})).await.ok(200);
    assert_eq!((&both["phone"], &both["id_number"]), (&json!(PHONE), &json!(NUMBER)));
    assert!(!everything(&app).await.contains(PHONE), "an answer in clear is kept nowhere");
    for bad in [
        json!({"fields": ["phone"]}),
        json!({"fields": [], "reason": "x"}),
        json!({"fields": ["name"], "reason": "x"}),
        json!({"fields": ["phone"], "reason": " "}),
    ] {
        assert!([400, 422].contains(&secretary.post(&unmask, bad.clone()).await.status), "{bad}");
    }
    // A worker sees the mask alone, the neighbour not even that; both attempts are known.
    let worker = app.staff("work.one", Role::CommunityWorker, "421181001001").await;
    assert_eq!(worker.get(&path(&made)).await.ok(200)["phone"], "120****5678");
    let refused = worker.post(&unmask, look.clone()).await;
    assert_eq!((refused.status, refused.code()), (403, "access.forbidden"));
    let neighbour = app.staff("sec.two", Role::CommunitySecretary, "421181001002").await;
    assert_eq!(neighbour.post(&unmask, look.clone()).await.code(), "person.unknown");
    let nobody = format!("/v1/people/{}/unmask", "00000000-0000-7000-8000-000000000000");
    assert_eq!(secretary.post(&nobody, look).await.code(), "person.unknown");
    let history = admin.get(&format!("{}/history", path(&made))).await.ok(200);
    let told: Vec<(String, Value, Value, Value)> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["action"].as_str().unwrap().to_owned(), item["change"]["fields"].clone(), item["reason"].clone(), item["acting_role"].clone()))
        .collect();
    let reason = json!("核实身份");
    assert_eq!(
        told[..4],
        [
            ("person.unmask_refused".to_owned(), json!(["phone"]), reason.clone(), Value::Null),
            ("person.unmask_refused".to_owned(), json!(["phone"]), reason.clone(), Value::Null),
            ("person.unmasked".to_owned(), json!(["id_number", "phone"]), reason.clone(), json!("community_secretary")),
            ("person.unmasked".to_owned(), json!(["phone"]), reason, json!("community_secretary")),
        ]
    );
    let audit = admin.get("/v1/audit?limit=200").await.text();
    assert_eq!(audit.matches("person.unmask_refused").count(), 3);
}

#[tokio::test]
async fn people_are_seen_and_written_where_they_are() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = enter(&admin, person(NAME, Some(NUMBER), None, GRID)).await;
    let of_grid = app.user(&["person.read", "person.write"], GRID).await;
    let of_other = app.user(&["person.read", "person.write"], OTHER_GRID).await;
    assert_eq!(of_grid.get(&path(&made)).await.ok(200), made);
    assert_eq!(of_other.get(&path(&made)).await.code(), "person.unknown");
    assert_eq!(of_other.get(&format!("{}/history", path(&made))).await.code(), "person.unknown");
    assert_eq!(of_other.patch(&path(&made), json!({"name": "张", "version": 1})).await.code(), "person.unknown");
    assert_eq!(of_other.get("/v1/people").await.ok(200)["items"], json!([]));
    assert_eq!(of_other.get("/v1/exports/people.csv").await.text().lines().count(), 1);
    // To another grid he is moved by somebody who may write in both.
    let moved = of_grid.patch(&path(&made), json!({"area_code": OTHER_GRID, "version": 1})).await;
    assert_eq!((moved.status, moved.code()), (403, "access.out_of_scope"));
    let moved = admin.patch(&path(&made), json!({"area_code": OTHER_GRID, "version": 1})).await.ok(200);
    assert_eq!(of_other.get(&path(&made)).await.ok(200), moved);
    assert_eq!(of_grid.get(&path(&made)).await.code(), "person.unknown");
    // He dies or moves away, and may be back.
    admin.post(&format!("{}/end", path(&made)), ending("2199-01-01", 2)).await.ok(200);
    assert_eq!(admin.get("/v1/people?as_of=2199-01-01").await.ok(200)["items"], json!([]));
    assert_eq!(admin.patch(&path(&made), json!({"name": "张", "version": 3})).await.code(), "period.ended");
    admin.post(&format!("{}/reopen", path(&made)), json!({"reason": "迁回", "version": 3})).await.ok(200);
    assert_eq!(admin.post(&format!("{}/reopen", path(&made)), json!({"reason": "迁回", "version": 4})).await.code(), "person.not_ended");
    assert_eq!(admin.get("/v1/people?as_of=2199-01-01").await.ok(200)["items"].as_array().unwrap().len(), 1);
    // By the caller's own key.
    let put = |name: &str| json!({"name": name, "id_number": OTHER_NUMBER, "area_code": GRID});
    let put_first = admin.put("/v1/people/by-ref/hr/7", put("王五")).await.ok(200);
    let put_again = admin.put("/v1/people/by-ref/hr/7", put("王武")).await.ok(200);
    assert_eq!((put_first["id"] == put_again["id"], put_again["version"].as_i64(), put_again["ref"].as_str()), (true, Some(2), Some("7")));
}
