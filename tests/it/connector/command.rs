//! `crossdock connector`: what a person sees of connectors, and that nobody sees secrets.

use std::process::Command;

use serde_json::{Value, json};

use super::server::{Reply, Server};

/// What it prints, and its exit code.
fn run(arguments: &[&str]) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .arg("connector")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code().unwrap())
}

/// A folder with an order in it, and its path.
fn with_order() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.json");
    let order = json!({
        "document": "order", "number": "PO-1", "ship_to": {"street": "1 Depot Way", "city": "Duluth"},
        "ship_from": {"id": "88210"},
        "lines": [{"number": "1", "quantity": "2", "unit": "each", "price": "1.50",
            "items": [{"kind": "vendor", "value": "A-1"}]}]
    });
    std::fs::write(&path, order.to_string()).unwrap();
    (folder, path.display().to_string())
}

#[test]
fn those_that_ship_are_listed_and_well() {
    let (text, code) = run(&["list"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(text);
    assert_eq!(
        run(&["check"]),
        ("folder: all is well\nhttp-json: all is well\ntryton: all is well\n".to_owned(), 0)
    );
    let (text, code) = run(&["check", "tryto"]);
    assert_eq!((text.contains("did you mean `tryton`?"), code), (true, 2), "{text}");
}

#[test]
fn one_that_is_begun_is_well_and_shows_its_calls() {
    let (folder, order) = with_order();
    let own = folder.path().join("connectors").display().to_string();
    assert_eq!(run(&["new", "acme-wms", "--connectors", &own]).1, 0);
    assert_eq!(run(&["new", "acme-wms", "--connectors", &own]).1, 2);
    assert_eq!(run(&["new", "../acme", "--connectors", &own]).1, 2);
    let checked = run(&["check", "acme-wms", "--connectors", &own]);
    assert_eq!(checked, ("acme-wms: all is well\n".to_owned(), 0));
    let arguments =
        ["try", "acme-wms", &order, "--connectors", &own, "--set", "url=https://wms.example/api"];
    let (text, code) = run(&arguments);
    assert_eq!(code, 1);
    assert!(text.starts_with("check (held): no warehouse is known for ship-from 88210"), "{text}");
    let (text, code) =
        run(&[&arguments[..], &["--set", r#"warehouses={"88210": "WH1"}"#]].concat());
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_fault_has_its_place_and_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("http-json");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("any.jq"), "def push:\n  {path: folder};\n").unwrap();
    let texts = folder.path().display().to_string();
    let (text, code) = run(&["check", "http-json", "--connectors", &texts, "--format", "json"]);
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((code, &line["line"], &line["column"]), (1, &json!(2), &json!(10)), "{text}");
    let (text, code) = run(&["list", "--connectors", &texts]);
    assert_eq!((text.contains("cannot be used"), code), (true, 0), "{text}");
}

#[test]
fn calls_are_made_only_when_that_is_wanted() {
    let server = Server::start(|_| Reply::ok(&json!({"id": 7})));
    let (folder, order) = with_order();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "s3cret").unwrap();
    let (url, token) =
        (format!("url={}", server.url()), format!("token=file:{}", secret.display()));
    let arguments = ["try", "http-json", &order, "--set", &url, "--set", &token];
    let (text, code) = run(&arguments);
    assert_eq!((code, server.calls().len()), (0, 0));
    assert!(text.contains("authorization: Bearer (hidden)") && !text.contains("s3cret"), "{text}");
    assert!(text.contains("Idempotency-Key: try-order-PO-1-push"), "{text}");
    let (text, code) = run(&[&arguments[..], &["--live"]].concat());
    assert_eq!((text.as_str(), code), ("push (done): POST /orders: 200\n  {\"id\":7}\n", 0));
    assert_eq!(server.calls()[0].header("authorization"), Some("Bearer s3cret"));
    let (text, code) = run(&["try", "http-json", &order, "--live"]);
    assert_eq!(code, 2);
    assert!(text.contains("setting `token` is missing") && text.contains("`url`"), "{text}");
}
