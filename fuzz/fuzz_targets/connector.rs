//! A connector.toml with a program beside it (behind a line `===`) is read, or its faults are told; what was read runs
//! within its bounds.
#![no_main]

use crossdock::connector::{CONNECTOR_FILE, Connector, ConnectorSource, Scope};
use crossdock::grammar::SourceFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (toml, program) = text.split_once("\n===\n").unwrap_or((text, ""));
    let file = |name: &str, text: &str| {
        (name.to_owned(), SourceFile { path: name.into(), text: text.to_owned() })
    };
    let files = vec![file(CONNECTOR_FILE, toml), file("order.jq", program)];
    let source = ConnectorSource { name: "fuzzed".to_owned(), files };
    let Ok(connector) = Connector::read(&source) else { return };
    let Some(handling) = connector.handling("order") else { return };
    let scope = Scope::default();
    let _ = handling.check(&scope);
    for step in &handling.steps {
        let _ = step.request(&scope);
    }
});
