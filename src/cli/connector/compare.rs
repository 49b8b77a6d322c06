//! `crossdock connector compare`: the calls for what is in shadow, compared with what the other system has done.

use std::io::Write;

use super::super::definitions::engine;
use super::super::reconcile::Day;
use super::super::serve::ConfigArgs;
use super::super::{Context, Error, Format, Verdict};
use crate::gateway::{compare_shadow, open_records, partners_of};

#[derive(Debug, clap::Args)]
pub(super) struct Compare {
    /// The endpoint of crossdock.toml
    endpoint: String,
    #[command(flatten)]
    day: Day,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(
    args: &Compare,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    let name = &args.endpoint;
    let connected = config.connected.get(name);
    let Some((connected, shadow)) = connected.and_then(|one| Some((one, one.shadow.as_ref()?)))
    else {
        let words = format!(
            "crossdock.toml has no [endpoints.{name}.shadow]: it says where the export of the other system is (docs/connectors.md)"
        );
        return Err(Error::Unknown(words));
    };
    let its = partners_of(&config, &engine(context)?, name);
    if let Some(partner) = args.day.partner.as_ref().filter(|partner| !its.contains(*partner)) {
        let all: Vec<&str> = its.iter().map(String::as_str).collect();
        let words = format!("{name} is no endpoint of {partner}; it is of {}", all.join(", "));
        return Err(Error::Unknown(words));
    }
    let is_its = |partner: &str| match &args.day.partner {
        Some(only) => only == partner,
        None => its.contains(partner),
    };
    let records = open_records(&config)?;
    let date = args.day.date();
    let compared = compare_shadow(records.as_ref(), (name, connected, shadow), date, &is_its)
        .map_err(|e| Error::Gateway(e.to_string()))?;
    if context.format == Format::Json {
        let json = serde_json::to_string(&compared).map_err(|e| Error::Gateway(e.to_string()))?;
        writeln!(out, "{json}")?;
    } else {
        write!(out, "{compared}")?;
    }
    Ok(if compared.agrees { Verdict::Clean } else { Verdict::Findings })
}
