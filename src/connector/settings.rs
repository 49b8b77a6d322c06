//! What an endpoint has to say for a connector: declared by the connector, given in `crossdock.toml`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::NamedSecret;
use crate::grammar::suggest;
use crate::profile::Secret;

/// A setting that a connector declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// What it is, for whoever fills it in.
    pub about: String,
    /// Whether it is given as `env:NAME` or `file:PATH`; programs do not see it.
    pub secret: bool,
    /// What it is where the endpoint says nothing; nothing: it has to be said.
    pub default: Option<Value>,
}

/// The settings of one endpoint, checked against what its connector declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Those that programs see, as an object.
    pub plain: Value,
    /// Where the secrets are.
    pub secrets: Vec<NamedSecret>,
}

impl Settings {
    /// Takes what an endpoint says.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the name of the setting.
    pub fn read(
        declared: &BTreeMap<String, Declared>,
        given: &Map<String, Value>,
    ) -> Result<Self, Vec<(String, String)>> {
        let mut problems = Vec::new();
        for name in given.keys().filter(|name| !declared.contains_key(*name)) {
            let known: Vec<&str> = declared.keys().map(String::as_str).collect();
            let otherwise = format!("known are `{}`", known.join("`, `"));
            let mend = suggest::mend(name, known.iter().copied(), &otherwise);
            problems.push((name.clone(), format!("the connector has no such setting; {mend}")));
        }
        let (mut plain, mut secrets) = (Map::new(), Vec::new());
        for (name, setting) in declared {
            let value = given.get(name).or(setting.default.as_ref());
            match value {
                None => {
                    let words = format!("is missing: {}", setting.about);
                    problems.push((name.clone(), words));
                }
                Some(value) if setting.secret => match value.as_str().map(str::parse::<Secret>) {
                    Some(Ok(secret)) => secrets.push((name.clone(), secret)),
                    // Where nothing is given, there is none: an empty default.
                    Some(Err(_)) if given.get(name).is_none() => {}
                    Some(Err(words)) => problems.push((name.clone(), words)),
                    None => {
                        let words = "a secret is given as env:NAME or file:path, never itself";
                        problems.push((name.clone(), words.to_owned()));
                    }
                },
                Some(value) => match mismatch(setting, value) {
                    None => {
                        plain.insert(name.clone(), value.clone());
                    }
                    Some(words) => problems.push((name.clone(), words)),
                },
            }
        }
        if problems.is_empty() {
            Ok(Self { plain: Value::Object(plain), secrets })
        } else {
            Err(problems)
        }
    }

    /// Where a secret is; nothing where the endpoint gives none.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.iter().find(|(own, _)| own == name).map(|(_, secret)| secret)
    }

    /// The same with no secret in it, for those who only want to see calls.
    #[must_use]
    pub fn without_secrets(self) -> Self {
        Self { secrets: Vec::new(), ..self }
    }
}

/// Whether a value is of another kind than the default.
fn mismatch(setting: &Declared, value: &Value) -> Option<String> {
    let kind = |value: &Value| match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    };
    let wanted = kind(setting.default.as_ref()?);
    let is = kind(value);
    (wanted != is).then(|| format!("is {is}, and has to be {wanted}: {}", setting.about))
}
