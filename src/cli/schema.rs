//! `crossdock schema`: the JSON Schema of a canonical document.

use std::io::Write;

use super::{Error, Verdict};
use crate::canonical::{Document, schema};
use crate::grammar::suggest::nearest;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  crossdock schema order > order.schema.json\n  crossdock schema shipment"
)]
pub struct Args {
    /// Which document: order, shipment, invoice or acknowledgement
    #[arg(value_name = "KIND")]
    kind: String,
}

/// Prints it.
///
/// # Errors
/// A kind that there is not; output that cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Verdict, Error> {
    let schema = schema(&args.kind).ok_or_else(|| unknown(&args.kind))?;
    serde_json::to_writer_pretty(&mut *out, &schema).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(Verdict::Clean)
}

fn unknown(kind: &str) -> Error {
    let near = nearest(kind, Document::KINDS)
        .map_or(String::new(), |near| format!(" (did you mean {near}?)"));
    Error::Unknown(format!(
        "there is no document {kind}{near}; there are {}",
        Document::KINDS.join(", ")
    ))
}
