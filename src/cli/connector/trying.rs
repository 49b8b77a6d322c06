//! `crossdock connector try`: the calls for a document, shown or made.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::serve::ConfigArgs;
use super::super::{Context, Error, Format, Verdict};
use super::Texts;
use crate::canonical::Document;
use crate::connector::jq::Input;
use crate::connector::{Connector, Handling, Idempotency, Request, Scope, Settings, Step};
use crate::gateway::Connected;

#[derive(Debug, clap::Args)]
pub(super) struct Try {
    /// The connector
    name: String,
    /// A canonical document (JSON); `crossdock translate --to json` makes one of X12
    document: PathBuf,
    /// Make the calls, rather than show them
    #[arg(long)]
    live: bool,
    /// Take the settings of this endpoint of crossdock.toml
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    /// A setting, over those of the endpoint; its value may be JSON
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// What the steps gave, for those behind them: JSON by the names of steps
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Whose document it is
    #[arg(long, value_name = "NAME", default_value = "partner")]
    partner: String,
    #[command(flatten)]
    texts: Texts,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &Try, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let connected = connected(args)?;
    let json = std::fs::read(&args.document).map_err(Error::read(&args.document))?;
    let document = Document::from_json(&json)
        .map_err(|e| Error::Document(format!("{}: {e}", args.document.display())))?;
    let kind = document.kind();
    let Some(handling) = connected.connector.handling(kind) else {
        let kinds: Vec<&str> = connected.connector.kinds().collect();
        let words = format!("{} takes {}, and no {kind}", args.name, kinds.join(", "));
        return Err(Error::Unknown(words));
    };
    let id = format!("try-{kind}-{}", document.number());
    if args.live {
        return make(&connected, (&args.partner, kind, &id), &json, context, out);
    }
    let results = match &args.results {
        None => Value::Object(Map::new()),
        Some(file) => read_json(file)?,
    };
    let scope = Scope {
        settings: connected.settings.plain.clone(),
        partner: json!(args.partner),
        id: json!(id),
        document: Input::from_json(&json).map_err(Error::Document)?,
        results,
        ..Scope::default()
    };
    show(&connected, handling, &scope, context, out)
}

fn read_json(file: &PathBuf) -> Result<Value, Error> {
    let bytes = std::fs::read(file).map_err(Error::read(file))?;
    serde_json::from_slice(&bytes).map_err(|e| Error::Document(format!("{}: {e}", file.display())))
}

/// The connector with its settings.
fn connected(args: &Try) -> Result<Connected, Error> {
    let mut given = Map::new();
    let mut connector = None;
    let mut base = PathBuf::new();
    if let Some(endpoint) = &args.endpoint {
        let config = args.config.read()?;
        let Some(connected) = config.connected.get(endpoint) else {
            let words = format!("crossdock.toml has no endpoint {endpoint} with a connector");
            return Err(Error::Unknown(words));
        };
        if connected.connector.name != args.name {
            let own = &connected.connector.name;
            let words =
                format!("the endpoint {endpoint} has the connector {own}, not {}", args.name);
            return Err(Error::Unknown(words));
        }
        if let Value::Object(plain) = &connected.settings.plain {
            given.clone_from(plain);
        }
        let secrets = connected.settings.secrets.iter();
        given.extend(secrets.map(|(name, secret)| (name.clone(), json!(secret.to_string()))));
        connector = Some(Arc::clone(&connected.connector));
        base.clone_from(&connected.base);
    }
    let connector = match connector {
        Some(connector) => connector,
        None => Arc::new(read(args)?),
    };
    for pair in &args.set {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Error::Unknown(format!("--set {pair}: say KEY=VALUE")));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        given.insert(name.to_owned(), value);
    }
    if !args.live {
        // To look on, no secret is needed.
        for (name, _) in connector.settings.iter().filter(|(_, setting)| setting.secret) {
            given.entry(name).or_insert_with(|| json!("env:HIDDEN"));
        }
    }
    let settings = Settings::read(&connector.settings, &given).map_err(|problems| {
        let words = problems.iter().map(|(name, words)| format!("setting `{name}` {words}"));
        Error::Unknown(words.collect::<Vec<_>>().join("\n"))
    })?;
    Ok(Connected { connector, settings, base, shadow: None })
}

fn read(args: &Try) -> Result<Connector, Error> {
    Connector::read(&args.texts.find(&args.name)?).map_err(|problems| {
        let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Error::Definitions(words.join("\n"))
    })
}

/// Shows what would be called.
fn show(
    connected: &Connected,
    handling: &Handling,
    scope: &Scope,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    if let Err(stop) = handling.check(scope) {
        said(context, out, "check", "held", &stop.to_string())?;
        return Ok(Verdict::Findings);
    }
    let mut verdict = Verdict::Clean;
    for step in &handling.steps {
        let search = step.search.as_ref().map(|search| ("search", search.request(scope)));
        for (what, request) in search.into_iter().chain([("call", step.request(scope))]) {
            match request {
                Ok(Some(request)) => {
                    shown(connected, (step, what), &request, scope, context, out)?;
                }
                Ok(None) => said(context, out, &step.name, what, "nothing to call")?,
                Err(stop) => {
                    verdict = Verdict::Findings;
                    said(context, out, &step.name, what, &stop.to_string())?;
                }
            }
        }
    }
    Ok(verdict)
}

fn said(
    context: &Context,
    out: &mut dyn Write,
    step: &str,
    what: &str,
    words: &str,
) -> Result<(), Error> {
    if context.format == Format::Json {
        let line = json!({"type": "step", "step": step, "what": what, "words": words});
        return Ok(writeln!(out, "{line}")?);
    }
    Ok(writeln!(out, "{step} ({what}): {words}")?)
}

fn shown(
    connected: &Connected,
    (step, what): (&Step, &str),
    request: &Request,
    scope: &Scope,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let base = connected.connector.base_url.fill(&connected.settings);
    let url = format!("{}{}", base.trim_end_matches('/'), request.path);
    let mut headers = connected.connector.auth.shown();
    headers.extend(request.headers.iter().cloned());
    if what == "call" && step.idempotency == Idempotency::Header {
        let id = scope.id.as_str().unwrap_or_default();
        headers.push((step.header.clone(), format!("{id}-{}", step.name)));
    }
    if context.format == Format::Json {
        let line = json!({
            "type": "call", "step": step.name, "what": what, "method": request.method, "url": url,
            "query": request.query, "headers": headers, "body": request.body_value(),
        });
        return Ok(writeln!(out, "{line}")?);
    }
    let strong = context.paint.strong;
    writeln!(out, "{strong}{} ({what}): {} {url}{strong:#}", step.name, request.method)?;
    for (name, value) in &request.query {
        writeln!(out, "  ?{name}={value}")?;
    }
    for (name, value) in &headers {
        writeln!(out, "  {name}: {value}")?;
    }
    if request.body.is_some() {
        let body = format!("{:#}", request.body_value());
        writeln!(out, "  {}", body.replace('\n', "\n  "))?;
    }
    Ok(())
}

#[cfg(feature = "http")]
fn make(
    connected: &Connected,
    of: (&str, &str, &str),
    json: &[u8],
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let runtime = super::super::runtime(Some(1))?;
    let _within = runtime.enter();
    let mut done = Vec::new();
    let result = crate::gateway::hand_over(connected, of, json, &mut |step, note, result| {
        let result = String::from_utf8_lossy(result).into_owned();
        done.push((step.to_owned(), note.to_owned(), result));
    });
    for (step, note, result) in done {
        said(context, out, &step, "done", &format!("{note}\n  {result}"))?;
    }
    match result {
        Ok(()) => Ok(Verdict::Clean),
        Err(words) => {
            said(context, out, "ended", "not done", &words)?;
            Ok(Verdict::Findings)
        }
    }
}

#[cfg(not(feature = "http"))]
fn make(
    _: &Connected,
    _: (&str, &str, &str),
    _: &[u8],
    _: &Context,
    _: &mut dyn Write,
) -> Result<Verdict, Error> {
    Err(Error::Unknown("this program was built without the feature `http`".to_owned()))
}
