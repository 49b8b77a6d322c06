//! Which endpoint is described by which connector, and with which settings: read with `crossdock.toml`, at the start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::config::EndpointConfig;
use super::cutover::Shadow;
use crate::connector::{Connector, ConnectorSource, Settings, overlaid};
use crate::folders::connector_sources;
use crate::grammar::suggest;
use crate::profile::{Problem, Secret, Sections};

/// A connector with the settings of one endpoint.
#[derive(Debug, Clone)]
pub struct Connected {
    /// The connector.
    pub connector: Arc<Connector>,
    /// What the endpoint says for it.
    pub settings: Settings,
    /// The folder that relative paths are relative to.
    pub base: PathBuf,
    /// With what its calls are compared while partners are in shadow.
    pub shadow: Option<Shadow>,
}

/// The connectors of the program, with those of a folder over them; and what cannot be read.
#[must_use]
pub fn connector_texts(folder: Option<&Path>) -> (Vec<ConnectorSource>, Vec<Problem>) {
    let (own, problems) = folder.map_or_else(Default::default, connector_sources);
    (overlaid(ConnectorSource::embedded(), own), problems)
}

/// Reads the connectors that endpoints name, and checks what each says for its own.
pub(super) fn read_connectors(
    sections: &mut Sections<'_>,
    base: &Path,
    endpoints: &BTreeMap<String, EndpointConfig>,
) -> (BTreeMap<String, Connected>, Vec<Problem>) {
    let folder = sections.read::<PathBuf>("connectors").map(|folder| base.join(folder));
    let named: Vec<(&String, &EndpointConfig, &str)> = endpoints
        .iter()
        .filter_map(|(name, endpoint)| Some((name, endpoint, endpoint.connector.as_deref()?)))
        .collect();
    if named.is_empty() && folder.is_none() {
        return (BTreeMap::new(), Vec::new());
    }
    let (texts, mut problems) = connector_texts(folder.as_deref());
    let mut connected = BTreeMap::new();
    for (name, endpoint, connector) in named {
        let Some(source) = texts.iter().find(|source| source.name == connector) else {
            let known: Vec<&str> = texts.iter().map(|source| source.name.as_str()).collect();
            let otherwise = format!("known are `{}`", known.join("`, `"));
            let mend = suggest::mend(connector, known.iter().copied(), &otherwise);
            let place = sections.place(&["endpoints", name, "connector"]);
            let words = format!("endpoints.{name}: there is no connector `{connector}`; {mend}");
            sections.problem(place, words);
            continue;
        };
        match Connector::read(source) {
            Err(found) => problems.extend(found),
            Ok(connector) => {
                let settings = settings(sections, base, (name, endpoint), &connector);
                if let Some(settings) = settings {
                    let connector = Arc::new(connector);
                    let shadow = endpoint.shadow.as_ref().map(|shadow| Shadow::read(shadow, base));
                    let shadow = shadow.transpose().unwrap_or_else(|found| {
                        problems.extend(found);
                        None
                    });
                    let base = base.to_owned();
                    let one = Connected { connector, settings, base, shadow };
                    connected.insert(name.clone(), one);
                }
            }
        }
    }
    problems.sort();
    problems.dedup();
    (connected, problems)
}

fn settings(
    sections: &mut Sections<'_>,
    base: &Path,
    (name, endpoint): (&str, &EndpointConfig),
    connector: &Connector,
) -> Option<Settings> {
    let given = match serde_json::to_value(&endpoint.settings) {
        Ok(Value::Object(given)) => given,
        _ => serde_json::Map::new(),
    };
    match Settings::read(&connector.settings, &given) {
        Ok(mut settings) => {
            for (_, secret) in &mut settings.secrets {
                if let Secret::File(path) = secret {
                    *path = base.join(&*path);
                }
            }
            Some(settings)
        }
        Err(problems) => {
            for (setting, words) in problems {
                let place = sections.place(&["endpoints", name, "settings", &setting]);
                let words = format!("endpoints.{name}.settings: `{setting}` {words}");
                sections.problem(place, words);
            }
            None
        }
    }
}

/// Who is told of a step, how it came, and what it gave.
#[cfg(feature = "http")]
pub type Onlook<'a> = dyn FnMut(&str, &str, &[u8]) + Send + 'a;

/// Hands a document over through a connector, for someone who looks on: nothing is kept. `tell` is given each step that is
/// done, with how it came and what it gave. Call it within a tokio runtime.
///
/// # Errors
/// In words: the step that was not done, and why.
#[cfg(feature = "http")]
pub fn hand_over(
    connected: &Connected,
    (partner, kind, id): (&str, &str, &str),
    json: &[u8],
    tell: &mut Onlook<'_>,
) -> Result<(), String> {
    use crate::bridge::{Call, ConnectorEndpoint, Endpoint as _, Error, Steps};
    use crate::disk::Limits;
    use jiff::Timestamp;
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    struct Onlooker<'a, 'b>(Mutex<&'a mut Onlook<'b>>);
    impl Steps for Onlooker<'_, '_> {
        fn queued(&self) -> Timestamp {
            Timestamp::now()
        }

        fn result(&self, _: &str) -> Result<Option<(Vec<u8>, Timestamp)>, Error> {
            Ok(None)
        }

        fn keep(&self, step: &str, result: &[u8], note: &str, _: bool) -> Result<(), Error> {
            let mut tell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            (*tell)(step, note, result);
            Ok(())
        }
    }

    let (connector, settings) = (Arc::clone(&connected.connector), connected.settings.clone());
    let runtime = tokio::runtime::Handle::current();
    // Nothing is fetched.
    let limits = Limits { settle: Duration::ZERO, file_bytes: 0, files: 0 };
    let place = (connected.base.as_path(), limits);
    let endpoint = ConnectorEndpoint::new(connector, settings, place, None, runtime)?;
    let call = Call { partner, kind, idempotency_key: id, json };
    // A connector is done when it returns.
    let delivered = endpoint.deliver(&call, &Onlooker(Mutex::new(tell)));
    delivered.map(drop).map_err(|error| error.to_string())
}
