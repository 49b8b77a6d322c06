//! What is wrong with a connector is told at once, with its place and how to mend it.

use std::fs;

use crossdock::connector::{CONNECTOR_FILE, Connector, ConnectorSource};
use crossdock::gateway::Config;
use crossdock::grammar::SourceFile;
use crossdock::profile::Problem;
use proptest::prelude::*;

pub fn source(files: &[(&str, &str)]) -> ConnectorSource {
    let files = files.iter().map(|(name, text)| {
        let path = format!("acme/{name}").into();
        ((*name).to_owned(), SourceFile { path, text: (*text).to_owned() })
    });
    ConnectorSource { name: "acme".to_owned(), files: files.collect() }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

pub fn told(files: &[(&str, &str)]) -> String {
    let problems = Connector::read(&source(files)).map(|_| ()).unwrap_err();
    lines(&problems)
}

#[test]
fn mistakes_of_a_connector_are_told_at_once() {
    let toml = r#"
base_url = "{ulr}/api"
timout_seconds = 5

[settings.url]
about = "the address"
secrt = true

[settings.key]
about = "the key"
secret = true
default = "abc"

[auth]
kind = "api-key"
secret = "kye"
scheme = "Bearer"

[tls]
identity = "url"

[rate]
per_second = 0

[breaker]
failures = 0

[documents.order]
check = "chekc"

[[documents.order.step]]
name = "create order"
call = "create"

[[documents.order.step]]
name = "confirm"
call = "{path: "
idempotency = "search"
ok = [200, 2000]

[[documents.order.step]]
name = "confirm"
idempotency = "natural-key"
header = "X"

[documents.shipmet]

[documents.invoice]
program = "invocie.jq"

[[poll]]
kind = "shipment"
call = "request"
document = "."
"#;
    let order = "def create: {path: \"/orders\", body: {number: .nubmer, warehouse: whouse}};\ndef confirm: $settigns;\n";
    insta::assert_snapshot!(told(&[
        (CONNECTOR_FILE, toml),
        ("order.jq", order),
        ("invoice.jq", "."),
    ]));
}

#[test]
fn mistakes_of_its_programs_have_the_place_in_their_file() {
    let toml = "title = \"A\"\nbase_url = \"https://a.example\"\n\n[[documents.order.step]]\nname = \"create\"\nidempotency = \"header\"\n";
    for (program, place) in [
        ("def create: {path: \"/o\"}", "acme/order.jq:1:25: "),
        ("def create:\n  foo;\n", "acme/order.jq:2:3: there is no filter `foo`"),
        ("def crate: 1;\n", "acme/connector.toml:4:1: `create`: there is no filter `create`"),
        ("def create: \"\\(1\";", "acme/order.jq:1:"),
    ] {
        let told = told(&[(CONNECTOR_FILE, toml), ("order.jq", program)]);
        assert!(told.starts_with(place), "{program}: {told}");
    }
    assert!(told(&[("order.jq", "")]).contains("has no connector.toml"));
}

#[test]
fn what_an_endpoint_says_is_held_against_what_the_connector_declares() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crossdock.toml");
    let text = r#"
data = "data"
profiles = "partners"

[endpoints.a]
connector = "http-jsn"

[endpoints.b]
connector = "http-json"
folder = "b"
[endpoints.b.settings]
url = "https://b.example"
token = "abc"
tokne = "env:TOKEN"

[endpoints.c]
connector = "tryton"
[endpoints.c.settings]
key = "env:KEY"
units = "u"

[endpoints.d]
folder = "d"
[endpoints.d.settings]
url = "x"
"#;
    fs::write(&file, text).unwrap();
    let problems = Config::read(&file).unwrap_err();
    insta::assert_snapshot!(
        lines(&problems).replace(&file.display().to_string(), "crossdock.toml")
    );
}

#[test]
fn a_folder_lies_over_what_ships_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("http-json");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("any.jq"), "def push: {path: \"/mine\"};").unwrap();
    fs::write(own.join("notes.md"), "not read").unwrap();
    let (texts, problems) = crossdock::gateway::connector_texts(Some(folder.path()));
    assert_eq!(problems, []);
    let source = texts.iter().find(|source| source.name == "http-json").unwrap();
    let names: Vec<&str> = source.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["connector.toml", "any.jq"]);
    let connector = Connector::read(source).unwrap();
    let scope = crossdock::connector::Scope::default();
    let request = connector.handling("order").unwrap().steps[0].request(&scope).unwrap().unwrap();
    assert_eq!(request.path, "/mine");
}

#[test]
fn those_that_ship_are_well() {
    for source in ConnectorSource::embedded() {
        let connector = Connector::read(&source);
        assert!(connector.is_ok(), "{connector:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Lines of a connector in any order, cut anywhere: problems or a connector, never a panic.
    #[test]
    fn any_text_is_read_or_told(cuts in prop::collection::vec((0_usize..60, 0_usize..40), 0..30), noise in "\\PC{0,40}") {
        let whole = include_str!("../../../connectors/tryton/connector.toml");
        let lines: Vec<&str> = whole.lines().collect();
        let mut text: Vec<String> = cuts
            .iter()
            .map(|(line, length)| lines[line % lines.len()].chars().take(*length).collect())
            .collect();
        text.push(noise.clone());
        let text = text.join("\n");
        let _ = Connector::read(&source(&[(CONNECTOR_FILE, &text), ("order.jq", &noise)]));
    }
}
