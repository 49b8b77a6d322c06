//! Each way of signing in, against a server that looks at what it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crossdock::connector::{CONNECTOR_FILE, Connector, ConnectorSource, Settings};
use crossdock::gateway::{Connected, hand_over};
use crossdock::grammar::SourceFile;
use serde_json::{Value, json};

use super::server::{Reply, Server};
use crate::house::multi;

/// A connector of two calls, `GET /a` and `POST /b?x=1`.
pub fn connected(auth: &str, url: &str, more: &str) -> Connected {
    let secret = std::env::temp_dir().join("crossdock-test-secret");
    std::fs::write(&secret, "s3cret").unwrap();
    connected_with(auth, more, &json!({"url": url, "secret": format!("file:{}", secret.display())}))
}

/// The same with other settings.
pub fn connected_with(auth: &str, more: &str, given: &Value) -> Connected {
    let text = format!(
        r#"
title = "A test"
base_url = "{{url}}"
{more}
[settings.url]
about = "the address"
[settings.user]
about = "the user"
default = "dana"
[settings.secret]
about = "the secret"
secret = true
[auth]
{auth}
[[documents.order.step]]
name = "first"
call = '{{path: "/a"}}'
idempotency = "read"
[[documents.order.step]]
name = "second"
call = '{{path: "/b", query: {{x: 1}}, body: {{number: .number}}}}'
idempotency = "natural-key"
"#
    );
    let file = SourceFile { path: "test/connector.toml".into(), text };
    let files = vec![(CONNECTOR_FILE.to_owned(), file)];
    let source = ConnectorSource { name: "test".to_owned(), files };
    let connector = Connector::read(&source).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let settings = Settings::read(&connector.settings, given.as_object().unwrap()).unwrap();
    let base = std::path::PathBuf::new();
    Connected { connector: Arc::new(connector), settings, base, shadow: None }
}

/// Hands an order over: the steps that were done, and what came of it.
pub fn handed(connected: &Connected) -> (Vec<String>, Result<(), String>) {
    let runtime = multi();
    let _within = runtime.enter();
    let mut done = Vec::new();
    let json = br#"{"document":"order","number":"PO-1"}"#;
    let result = hand_over(connected, ("harbor", "order", "order-1"), json, &mut |step, _, _| {
        done.push(step.to_owned());
    });
    (done, result)
}

#[test]
fn every_kind_signs_its_calls_in() {
    let sent = |auth: &str| {
        let server = Server::start(|_| Reply::ok(&json!({})));
        let (_, result) = handed(&connected(auth, &server.url(), ""));
        result.unwrap();
        server.calls().remove(1)
    };
    let authorization = |auth: &str| sent(auth).header("authorization").map(str::to_owned);
    let basic = authorization("kind = \"basic\"\nuser = \"{user}\"\nsecret = \"secret\"");
    assert_eq!(basic.as_deref(), Some("Basic ZGFuYTpzM2NyZXQ="));
    assert_eq!(authorization("kind = \"none\""), None);
    let bearer = authorization("kind = \"bearer\"\nsecret = \"secret\"");
    assert_eq!(bearer.as_deref(), Some("Bearer s3cret"));
    let key = sent("kind = \"api-key\"\nheader = \"X-Key\"\nsecret = \"secret\"");
    assert_eq!(key.header("x-key"), Some("s3cret"));
    let key = sent("kind = \"api-key\"\nquery = \"key\"\nsecret = \"secret\"");
    assert_eq!(key.path, "/b?x=1&key=s3cret");
}

#[test]
fn a_signature_is_over_what_is_sent() {
    let server = Server::start(|_| Reply::ok(&json!({})));
    let auth = "kind = \"hmac\"\nsecret = \"secret\"\nheader = \"X-Signature\"\nprefix = \"sha256=\"\n\
        timestamp_header = \"X-Time\"\ncontent = \"{timestamp}\\n{method}\\n{path}\\n{body}\"";
    handed(&connected(auth, &server.url(), "")).1.unwrap();
    let call = server.calls().remove(1);
    let time = call.header("x-time").unwrap();
    let content = format!("{time}\nPOST\n/b?x=1\n{}", call.body);
    assert_eq!(call.header("x-signature"), Some(&*format!("sha256={}", openssl_hmac(&content))));
}

/// Computed by the OpenSSL of the machine.
fn openssl_hmac(content: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", "s3cret"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(content.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn a_token_is_fetched_once_and_anew_when_it_is_refused() {
    let given = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&given);
    let server = Server::start(move |call| match call.path.as_str() {
        "/token" => {
            let count = counted.fetch_add(1, Ordering::Relaxed) + 1;
            Reply::ok(&json!({"access_token": format!("T{count}"), "expires_in": 3600}))
        }
        // From the second call on the first token is out of force.
        "/b?x=1" if call.header("authorization") == Some("Bearer T1") => {
            Reply::status("401 Unauthorized")
        }
        _ => Reply::ok(&json!({})),
    });
    let auth = "kind = \"oauth2-client-credentials\"\ntoken_url = \"{url}/token\"\nclient_id = \"{user}\"\n\
        secret = \"secret\"\nscope = \"orders write\"";
    handed(&connected(auth, &server.url(), "")).1.unwrap();
    assert_eq!(
        server.lines(),
        ["POST /token", "GET /a", "POST /b?x=1", "POST /token", "POST /b?x=1"]
    );
    let asked = server.calls().remove(0);
    assert_eq!(asked.body, "grant_type=client_credentials&scope=orders+write");
    assert_eq!(asked.header("authorization"), Some("Basic ZGFuYTpzM2NyZXQ="));
    assert_eq!(given.load(Ordering::Relaxed), 2);
}

#[test]
fn a_token_that_is_refused_twice_is_told() {
    let server = Server::start(|call| match call.path.as_str() {
        "/token" => Reply::ok(&json!({"access_token": "T"})),
        _ => Reply::status("401 Unauthorized"),
    });
    let auth = "kind = \"oauth2-client-credentials\"\ntoken_url = \"{url}/token\"\nclient_id = \"{user}\"\nsecret = \"secret\"";
    let (done, result) = handed(&connected(auth, &server.url(), ""));
    assert!(done.is_empty());
    assert_eq!(result.unwrap_err(), "step first: GET /a: 401");
    assert_eq!(server.lines(), ["POST /token", "GET /a", "POST /token", "GET /a"]);
}
