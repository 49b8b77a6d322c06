//! The API, over HTTP.

use std::time::Duration;

use crossdock::api;
use crossdock::store::Event;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::connector::server::{Reply, Server};
use super::gateway::acknowledgement;
use super::house::{CONFIG, House, PROFILE, multi, order};
use super::inventory::{FLOW, INVENTORY};
use super::trace::INVOICE;

const SUBMIT: &str = "/v1/partners/harbor-and-pine/documents";
const ALL: [&str; 4] = ["documents:read", "documents:write", "exceptions:read", "exceptions:write"];

/// A gateway with its API, and a caller.
struct Site {
    house: House,
    client: reqwest::Client,
    address: std::net::SocketAddr,
    stopper: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
    token: String,
}

/// A request (method, path, token, key, body), the status it is refused with, and a word of why.
type Case<'a> = (reqwest::Method, &'a str, &'a str, Option<&'a str>, &'a str, u16, &'a str);
/// An answer: its status and its JSON.
type Answer = (u16, Value);

impl Site {
    async fn open(more: &str) -> Self {
        Self::with(more, PROFILE).await
    }

    async fn with(more: &str, profile: &str) -> Self {
        let config = format!("{CONFIG}\n[api]\nlisten = \"127.0.0.1:0\"\n{more}\n");
        let house = House::with(&config, profile);
        let token = token(&house, "wms", &ALL, &[]);
        let server = api::open(&house.gateway).await.unwrap().unwrap();
        let address = server.address().unwrap();
        let (stopper, stop) = watch::channel(false);
        let serving = tokio::spawn(server.serve(stop));
        let client = crossdock::http::client(Duration::from_secs(30)).unwrap();
        Self { house, client, address, stopper, serving, token }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(reqwest::Method::GET, path, &self.token, None, "").await
    }

    async fn submit(&self, key: &str, body: &str) -> Answer {
        self.ask(reqwest::Method::POST, SUBMIT, &self.token, Some(key), body).await
    }

    /// Asks; whatever is refused is told as a problem that says its status.
    async fn ask(
        &self,
        method: reqwest::Method,
        path: &str,
        token: &str,
        key: Option<&str>,
        body: &str,
    ) -> Answer {
        let mut request = self.client.request(method, format!("http://{}{path}", self.address));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let request = request.header("Content-Type", "application/json").body(body.to_owned());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let json: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        if status >= 400 {
            assert_eq!(kind, "application/problem+json");
            assert_eq!(json["status"], status);
            assert!(json["type"].as_str().unwrap().starts_with("urn:crossdock:problem:"));
            assert!(json["detail"].as_str().is_some_and(|words| words.len() > 10), "{json}");
        } else {
            assert_eq!(kind, "application/json");
        }
        (status, json)
    }

    async fn close(self) {
        self.stopper.send(true).unwrap();
        self.serving.await.unwrap();
        self.house.close().await;
    }
}

/// Makes a token by the command.
fn token(house: &House, name: &str, scopes: &[&str], partners: &[&str]) -> String {
    let mut arguments = vec!["--format", "json", "api", "token", "new", name];
    arguments.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    arguments.extend(partners.iter().flat_map(|partner| ["--partner", partner]));
    let (printed, code) = house.command(&arguments);
    assert_eq!(code, 0, "{printed}");
    let json: Value = serde_json::from_str(&printed).unwrap();
    json["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_document_is_sent_once_however_often_it_is_handed_in() {
    multi().block_on(async {
        let mut site = Site::open("").await;
        let (status, first) = site.submit("key-1", INVOICE).await;
        assert_eq!((status, &first["again"]), (202, &json!(false)), "{first}");
        assert_eq!(
            (&first["kind"], &first["partner"]),
            (&json!("invoice"), &json!("harbor-and-pine"))
        );
        site.house.wait(Event::InterchangeSent).await;
        // The same answer, to the letter; and of the same document under another key that it was there.
        assert_eq!(site.submit("key-1", INVOICE).await, (202, first.clone()));
        let (status, again) = site.submit("key-2", INVOICE).await;
        assert_eq!((status, &again["again"], &again["id"]), (202, &json!(true), &first["id"]));

        let other = INVOICE.replace("417.00", "418.00");
        assert_ne!(other, INVOICE);
        let (status, reused) = site.submit("key-1", &other).await;
        assert_eq!(
            (status, &reused["type"]),
            (409, &json!("urn:crossdock:problem:idempotency-key-reused"))
        );
        let (status, taken) = site.submit("key-3", &other).await;
        assert_eq!((status, &taken["type"]), (409, &json!("urn:crossdock:problem:number-taken")));

        let id = first["id"].as_str().unwrap();
        let (status, detail) = site.get(&format!("/v1/documents/{id}")).await;
        assert_eq!((status, &detail["state"]), (200, &json!("sent")), "{detail}");
        assert_eq!(detail["acknowledgement"]["state"], "open");
        let (_, content) = site.get(&format!("/v1/documents/{id}/content")).await;
        assert_eq!(content, serde_json::from_str::<Value>(INVOICE).unwrap());
        let (_, waiting) = site.get("/v1/acknowledgements?waiting=true").await;
        assert_eq!(waiting["items"][0]["document"], id);
        assert_eq!(site.house.names("mailboxes/harbor-and-pine/outbound").len(), 1);
        site.close().await;
    });
}

#[test]
fn the_same_key_at_the_same_time_is_one_document() {
    multi().block_on(async {
        let site = std::sync::Arc::new(Site::open("").await);
        let mut asked = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let site = std::sync::Arc::clone(&site);
            asked.spawn(async move { site.submit("key-1", INVOICE).await });
        }
        let answers = asked.join_all().await;
        assert_eq!(answers.len(), 8);
        for answer in &answers {
            assert_eq!(answer, &answers[0]);
        }
        let (_, page) = site.get("/v1/documents?kind=invoice").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        std::sync::Arc::into_inner(site).unwrap().close().await;
    });
}

#[test]
fn what_is_for_no_order_is_sent_and_its_end_is_told() {
    let server = Server::start(|_| Reply::status("200 OK"));
    let webhook = format!("[webhooks.shop]\nurl = \"{}\"\nsecret = \"file:key\"", server.url());
    multi().block_on(async {
        let mut site = Site::with(&webhook, &format!("{PROFILE}{FLOW}")).await;
        site.house.put(".", "key", "whsec_c2VjcmV0IG9mIHRoZSBzaG9w");
        let (status, first) = site.submit("stock-1", INVENTORY).await;
        assert_eq!((status, &first["kind"]), (202, &json!("inventory")), "{first}");
        assert_eq!(site.submit("stock-1", INVENTORY).await, (202, first.clone()));
        site.house.wait(Event::InterchangeSent).await;
        let answer = acknowledgement(1, 1000, "A").replace("AK1*IN", "AK1*IB");
        site.house.drop_inbound("997.edi", &answer);
        site.house.wait(Event::WebhookDelivered).await;
        let (_, shown) =
            site.get(&format!("/v1/documents/{}", first["id"].as_str().unwrap())).await;
        assert_eq!(shown["state"], "accepted", "{shown}");
        let told: Value = serde_json::from_str(&server.calls()[0].body).unwrap();
        assert_eq!(
            (&told["type"], &told["number"], &told["orders"]),
            (&json!("document.acknowledged"), &json!("INV-20261120"), &json!([]))
        );
        site.close().await;
    });
}

/// A shipment of ours to them; and where we are the ones who buy, an order.
#[test]
fn shipments_and_orders_are_handed_in_like_invoices() {
    multi().block_on(async {
        for (kind, set, profile, sample) in [
            (
                "shipment",
                "ST*856*",
                PROFILE.to_owned(),
                "fixtures/004010/856/shipment-order-pack-item.edi",
            ),
            (
                "order",
                "ST*850*",
                PROFILE.replacen("direction = \"in\"", "direction = \"out\"", 1),
                "partner-profiles/harbor-and-pine/samples/order.edi",
            ),
        ] {
            let mut site = Site::with("", &profile).await;
            let sample = format!("{}/{sample}", env!("CARGO_MANIFEST_DIR"));
            let (json, _) = site.house.command(&["translate", "--to", "json", &sample]);
            let json = json.lines().next().unwrap();
            let (status, first) = site.submit("key-1", json).await;
            assert_eq!((status, &first["kind"]), (202, &json!(kind)), "{first}");
            assert_eq!(site.submit("key-1", json).await, (202, first.clone()));
            site.house.wait(Event::InterchangeSent).await;
            let outbound = "mailboxes/harbor-and-pine/outbound";
            let sent = site.house.names(outbound);
            assert_eq!(sent.len(), 1, "{sent:?}");
            let text = std::fs::read_to_string(site.house.path(outbound).join(&sent[0])).unwrap();
            assert_eq!(text.matches(set).count(), 1, "{text}");
            let path = format!("/v1/documents/{}", first["id"].as_str().unwrap());
            assert_eq!(site.get(&path).await.1["state"], "sent");
            site.close().await;
        }
    });
}

#[test]
fn what_is_refused_says_why() {
    multi().block_on(async {
        let site = Site::open("document_mebibytes = 1").await;
        let reader = token(&site.house, "reader", &["documents:read"], &["harbor-and-pine"]);
        let stranger = token(&site.house, "stranger", &ALL, &["quayside"]);
        let (get, post) = (reqwest::Method::GET, reqwest::Method::POST);
        let large = format!("\"{}\"", "x".repeat(1 << 20));
        let own = site.token.as_str();
        let key = Some("k");
        let long = "k".repeat(201);
        let bad = INVOICE.replacen("\"number\"", "\"nubmer\"", 1);
        let order = "{\"document\":\"order\",\"number\":\"1\"}";
        #[rustfmt::skip]
        let cases: [Case; 22] = [
            (get.clone(), "/v1/documents", "", None, "", 401, "Bearer"),
            (get.clone(), "/v1/documents", "crossdock_no", None, "", 401, "not known"),
            (post.clone(), SUBMIT, &reader, key, INVOICE, 403, "documents:write"),
            (get.clone(), "/v1/exceptions", &reader, None, "", 403, "exceptions:read"),
            (post.clone(), SUBMIT, &stranger, key, INVOICE, 404, "harbor-and-pine"),
            (post.clone(), "/v1/partners/nobody/documents", own, key, INVOICE, 404, "nobody"),
            (post.clone(), SUBMIT, own, None, INVOICE, 400, "Idempotency-Key"),
            (post.clone(), SUBMIT, own, Some(&long), INVOICE, 400, "200"),
            (post.clone(), SUBMIT, own, key, "", 422, "EOF"),
            (post.clone(), SUBMIT, own, key, "{", 422, "EOF"),
            (post.clone(), SUBMIT, own, key, &bad, 422, "nubmer"),
            (post.clone(), SUBMIT, own, key, order, 422, "order"),
            (post.clone(), SUBMIT, own, key, &large, 413, "1048576"),
            (get.clone(), "/v1/documents/none", own, None, "", 404, "none"),
            (get.clone(), "/v1/documents?limit=0", own, None, "", 400, "limit"),
            (get.clone(), "/v1/documents?limit=x", own, None, "", 400, "limit"),
            (get.clone(), "/v1/acknowledgements?after=x", own, None, "", 400, "after"),
            (get.clone(), "/v1/exceptions/x", own, None, "", 400, "x"),
            (post.clone(), "/v1/exceptions/7/actions", own, None, "{\"action\":\"retry\"}", 404, "7"),
            (post.clone(), "/v1/exceptions/7/actions", own, None, "{\"action\":\"sing\"}", 422, "sing"),
            (post.clone(), "/v1/documents", own, None, "", 405, "openapi"),
            (get.clone(), "/v1/orders/none/trace", own, None, "", 404, "none"),
        ];
        for (method, path, token, key, body, status, words) in cases {
            let (found, problem) = site.ask(method, path, token, key, body).await;
            let shown = body.get(..40).unwrap_or(body);
            assert_eq!(found, status, "{path} {shown} {problem}");
            assert!(problem["detail"].as_str().unwrap().contains(words), "{path} {problem}");
        }
        assert_eq!(site.ask(get, "/v2", own, None, "").await.0, 404);
        // What was refused has used up no key.
        assert_eq!(site.submit("k", INVOICE).await.0, 202);
        site.close().await;
    });
}

#[test]
fn documents_and_orders_are_read_page_by_page() {
    multi().block_on(async {
        let mut site = Site::open("").await;
        for number in 1..=5 {
            site.house
                .drop_inbound(&format!("{number}.edi"), &order(number, &format!("PO-{number}")));
            site.house.wait(Event::DocumentDelivered).await;
        }
        let (mut after, mut numbers, mut pages) = (String::new(), Vec::new(), 0);
        loop {
            let (_, page) = site.get(&format!("/v1/documents?limit=2{after}")).await;
            pages += 1;
            for item in page["items"].as_array().unwrap() {
                assert_eq!((&item["kind"], &item["state"]), (&json!("order"), &json!("delivered")));
                numbers.push(item["number"].as_str().unwrap().to_owned());
            }
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        numbers.sort();
        assert_eq!((pages, numbers), (3, (1..=5).map(|n| format!("PO-{n}")).collect()));
        let (_, one) = site.get("/v1/documents?number=PO-3").await;
        assert_eq!(one["items"].as_array().unwrap().len(), 1);
        let (_, none) = site.get("/v1/documents?state=rejected").await;
        assert_eq!(none, json!({ "items": [] }));
        let (_, traces) = site.get("/v1/orders/PO-3/trace").await;
        assert_eq!(
            (&traces[0]["number"], &traces[0]["documents"][0]["state"]),
            (&json!("PO-3"), &json!("delivered"))
        );
        assert!(!traces[0]["lines"].as_array().unwrap().is_empty());
        site.close().await;
    });
}

#[test]
fn exceptions_are_read_and_settled() {
    multi().block_on(async {
        let mut site = Site::open("").await;
        // A number that is too long for BIG02: the document is set aside.
        let bad = INVOICE.replacen("INV-1", "INV-1-WITH-MORE-THAN-22-CHARACTERS", 1);
        let (_, receipt) = site.submit("key-1", &bad).await;
        site.house.wait(Event::DocumentQuarantined).await;
        let (_, page) = site.get("/v1/exceptions").await;
        let exception = &page["items"][0];
        assert_eq!(
            (&exception["kind"], &exception["state"]),
            (&json!("document-refused"), &json!("open"))
        );
        let id = exception["id"].as_u64().unwrap();
        let (_, detail) = site.get(&format!("/v1/exceptions/{id}")).await;
        assert_eq!(detail["items"][0]["document"], receipt["id"]);
        assert!(!detail["items"][0]["findings"].as_array().unwrap().is_empty(), "{detail}");
        let (_, document) =
            site.get(&format!("/v1/documents/{}", receipt["id"].as_str().unwrap())).await;
        assert_eq!(
            (&document["exception"], &document["state"]),
            (&json!(id), &json!("quarantined"))
        );
        assert_eq!(document["findings"], detail["items"][0]["findings"]);

        let path = format!("/v1/exceptions/{id}/actions");
        let act = async |body: Value| {
            let (post, body) = (reqwest::Method::POST, body.to_string());
            site.ask(post, &path, &site.token, None, &body).await
        };
        let (status, problem) = act(json!({ "action": "dismiss" })).await;
        assert_eq!(status, 409, "{problem}");
        let deed = json!({ "action": "dismiss", "reason": "It is sent by post." });
        let (status, done) = act(deed.clone()).await;
        assert_eq!(
            (status, &done["count"], &done["exception"]["state"]),
            (200, &json!(1), &json!("dismissed"))
        );
        let (status, done) = act(deed).await;
        assert_eq!((status, &done["count"]), (200, &json!(0)));
        let (_, page) = site.get("/v1/exceptions").await;
        assert_eq!(page["items"], json!([]));
        let (_, page) = site.get("/v1/exceptions?all=true").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        let deed = json!({ "action": "reopen", "reason": "It came back." });
        let (status, done) = act(deed).await;
        assert_eq!((status, &done["exception"]["state"]), (200, &json!("open")));
        let deed = json!({ "action": "dismiss", "reason": "It is sent by courier." });
        assert_eq!(act(deed).await.0, 200);
        // Those who listen to the gateway have heard of it; who did it stands in the record.
        site.house.wait(Event::ExceptionDismissed).await;
        let (shown, _) = site.house.command(&["exceptions", "show", &id.to_string()]);
        assert!(shown.contains("api wms"), "{shown}");
        site.close().await;
    });
}

#[test]
fn a_token_has_so_many_requests_and_is_revoked_at_once() {
    multi().block_on(async {
        let site = Site::open("requests_per_minute = 20").await;
        assert_eq!(site.get("/v1/documents").await.0, 200);
        assert_eq!(site.get("/v1/documents").await.0, 200);
        let (status, problem) = site.get("/v1/documents").await;
        assert_eq!(status, 429);
        assert!((1..=3).contains(&problem["retry_after"].as_u64().unwrap()), "{problem}");
        // Another has its own.
        let other = token(&site.house, "other", &ALL, &[]);
        let list = async |token: &str| {
            site.ask(reqwest::Method::GET, "/v1/documents", token, None, "").await.0
        };
        assert_eq!(list(&other).await, 200);
        let (listed, _) = site.house.command(&["api", "token", "list"]);
        assert!(listed.contains("other") && !listed.contains(&other), "{listed}");
        let (printed, code) = site.house.command(&["api", "token", "revoke", "other"]);
        assert_eq!((printed.as_str(), code), ("other is not taken any more.\n", 0));
        assert_eq!(list(&other).await, 401);
        site.close().await;
    });
}

#[test]
fn events_of_a_webhook_are_sent_once_more_by_a_token_that_may() {
    let server = Server::start(|_| Reply::status("200 OK"));
    let webhook = format!("[webhooks.shop]\nurl = \"{}\"\nsecret = \"file:key\"", server.url());
    multi().block_on(async {
        let mut site = Site::open(&webhook).await;
        std::fs::write(site.house.path("key"), "hush").unwrap();
        site.house.drop_inbound("order.edi", &order(1, "PO-1"));
        site.house.wait(Event::WebhookDelivered).await;
        let may = token(&site.house, "shop", &["webhooks:write"], &[]);
        let of_one = token(&site.house, "one", &["webhooks:write"], &["harbor-and-pine"]);
        let ask = async |name: &str, token: &str, body: &str| {
            let path = format!("/v1/webhooks/{name}/replay");
            site.ask(reqwest::Method::POST, &path, token, None, body).await
        };
        let all = r#"{"since": "2026-01-01T00:00:00Z"}"#;
        let none = r#"{"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}"#;
        assert_eq!(ask("shop", &may, none).await, (202, json!({"events": 0})));
        for (name, token, body, status) in [
            ("shop", &site.token, all, 403),
            ("shop", &of_one, all, 403),
            ("shops", &may, all, 404),
            ("shop", &may, r#"{"since": "lately"}"#, 422),
            (
                "shop",
                &may,
                r#"{"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}"#,
                400,
            ),
            ("shop", &may, "{}", 422),
        ] {
            assert_eq!(ask(name, token, body).await.0, status, "{name} {body}");
        }
        assert_eq!(ask("shop", &may, all).await, (202, json!({"events": 1})));
        site.house.wait(Event::WebhookDelivered).await;
        let calls = server.calls();
        assert_eq!((calls.len(), &calls[0].body), (2, &calls[1].body));
        // What comes is what the OpenAPI document says.
        let schema = &api::openapi()["components"]["schemas"]["WebhookEvent"];
        let described = schema["properties"].as_object().unwrap();
        let body = calls[0].json();
        assert!(body.as_object().unwrap().keys().all(|name| described.contains_key(name)));
        let required = schema["required"].as_array().unwrap();
        assert!(required.iter().all(|name| !body[name.as_str().unwrap()].is_null()), "{schema}");
        site.close().await;
    });
}

#[test]
fn the_openapi_document_names_every_route() {
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(["api", "openapi"])
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let mut lines = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let answers: Vec<&String> =
                operation["responses"].as_object().unwrap().keys().collect();
            let summary = operation["summary"].as_str().unwrap_or_default();
            lines.push(format!("{method} {path}: {summary} {answers:?}"));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

/// A program of the Python environment `target/openapi`, which `tests/run` makes; `CROSSDOCK_OPENAPI` names another one.
/// Nothing where there is none, which is said.
fn tool(name: &str) -> Option<std::process::Command> {
    let folder = std::env::var_os("CROSSDOCK_OPENAPI").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/openapi"),
        std::path::PathBuf::from,
    );
    let program = folder.join("bin").join(name);
    if !program.exists() {
        println!("skipped: there is no {} (tests/run makes it)", program.display());
        return None;
    }
    let mut command = std::process::Command::new(program);
    command.env("PATH", folder.join("bin")).env("NO_COLOR", "1");
    Some(command)
}

fn run(command: &mut std::process::Command) -> String {
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{wrong}");
    told
}

#[test]
fn a_client_that_is_generated_from_our_document_works() {
    let (Some(mut generator), Some(mut python)) = (tool("openapi-python-client"), tool("python"))
    else {
        return;
    };
    multi().block_on(async {
        let site = Site::open("").await;
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::write(place("openapi.json"), api::openapi().to_string()).unwrap();
        std::fs::write(place("invoice.json"), INVOICE).unwrap();
        let told = run(generator
            .args(["generate", "--meta", "none", "--path"])
            .arg(place("openapi.json"))
            .arg("--output-path")
            .arg(place("generated")));
        // What it cannot understand it says, and leaves out.
        assert!(!told.contains("Unable") && !told.contains("removal"), "{told}");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/openapi/client.py");
        let url = format!("http://{}", site.address);
        let told = run(python
            .arg(script)
            .arg(folder.path())
            .args([&url, &site.token])
            .arg(place("invoice.json")));
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(
            (&told["first"], &told["again"], &told["same"]),
            (&json!(202), &json!(202), &json!(true))
        );
        assert_eq!(told["other"], 409, "{told}");
        assert_eq!((&told["listed"][0], &told["shown"]), (&told["id"], &told["id"]));
        site.close().await;
    });
}

/// No 5xx, and no answer that the document does not describe. With `CROSSDOCK_SCHEMATHESIS` so many cases of each route are
/// tried, after all that its schema covers; 10 at random unless set.
#[test]
fn schemathesis_finds_no_failure_and_nothing_undocumented() {
    let Some(mut schemathesis) = tool("schemathesis") else { return };
    let (cases, phases) = match std::env::var("CROSSDOCK_SCHEMATHESIS") {
        Ok(cases) => (cases, "examples,coverage,fuzzing"),
        Err(_) => ("10".to_owned(), "fuzzing"),
    };
    multi().block_on(async {
        let site = Site::open("requests_per_minute = 1000000").await;
        let folder = tempfile::tempdir().unwrap();
        let document = folder.path().join("openapi.json");
        std::fs::write(&document, api::openapi().to_string()).unwrap();
        let token = format!("Authorization: Bearer {}", site.token);
        let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
        run(schemathesis
            .current_dir(folder.path())
            .arg("run")
            .arg(&document)
            .args(["--url", &format!("http://{}", site.address), "--header", &token])
            .args(["--checks", checks, "--phases", phases, "--max-examples", &cases, "--generation-database", "none"]));
        site.close().await;
    });
}
