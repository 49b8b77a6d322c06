//! A test message, sent at once and by nobody but the command that wants it.

use jiff::Timestamp;

use crate::gateway::Config;
use crate::notify::{self, Message, MessageKind};
use crate::store::PayloadId;

/// What became of a message, by destination: why it was not taken, where it was not.
pub type Sent = Vec<(String, Result<(), String>)>;

/// Sends a test message to a destination, or to those of a rule, and tells of each whether it was taken, or why not.
/// Call it where blocking is allowed, within a tokio runtime.
///
/// # Errors
/// Where there is neither a destination nor a rule of this name: which there are.
pub fn send_test(config: &Config, name: &str) -> Result<Sent, String> {
    let of_rule = config.alerts.iter().find(|rule| rule.name == name).map(|rule| &rule.to);
    let own = vec![name.to_owned()];
    let to = if config.notify.contains_key(name) { Some(&own) } else { of_rule };
    let Some(to) = to else {
        let rules = config.alerts.iter().map(|rule| rule.name.as_str());
        let names: Vec<&str> = config.notify.keys().map(String::as_str).chain(rules).collect();
        let known = names.join("`, `");
        return Err(format!("there is no destination or alert `{name}`; there are `{known}`"));
    };
    let now = Timestamp::now();
    let id = PayloadId::of(format!("test\n{name}\n{now}").as_bytes()).to_string();
    let message = Message {
        id: format!("test-{}", id.get(..24).unwrap_or_default()),
        kind: MessageKind::Test,
        at: now,
        title: format!("[Crossdock] Test of {name}"),
        text: "This is a test, sent by `crossdock alerts test`. Nothing has happened.\n".to_owned(),
        details: serde_json::Map::new(),
    };
    let send = |name: &String| {
        let settings = config.notify.get(name).ok_or_else(|| "it is not configured".to_owned())?;
        let opened = notify::open(settings).map_err(|e| e.to_string())?;
        opened.send(&message).map_err(|e| e.to_string())
    };
    Ok(to.iter().map(|name| (name.clone(), send(name))).collect())
}
