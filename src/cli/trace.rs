//! `crossdock trace`: an order from its arrival to the last acknowledgement, on one page.

use std::collections::BTreeSet;
use std::io::{self, Write};

use rust_decimal::Decimal;

use super::acks::{minute, words};
use super::exceptions::plain;
use super::report::grouped;
use super::serve::ConfigArgs;
use super::table::table;
use super::{Context, Error, Format, Verdict};
use crate::gateway::{
    Carton, Config, DocumentState, Lead, Leads, Records, Trace, TracedDocument, exceptions_about,
    leads, open_records, trace,
};

/// Cartons of a shipment that are listed; more are counted.
const CARTONS_SHOWN: usize = 20;

/// Arguments of `trace`.
#[derive(Debug, clap::Args)]
#[command(
    long_about = "Show an order with its shipments, cartons, invoices and acknowledgements on one page, and what of the \
ordered, shipped and invoiced quantities does not agree.\n\nWhere no order has the number, it is looked for among \
shipments, invoices and packages, and their orders are shown.\n\nWorks beside a gateway that runs, and without one.",
    after_help = "Exit codes: 0 all of it agrees, 1 something does not, 2 there is no such order."
)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// The number of the order, of a shipment or of an invoice, or the SSCC of a package (18 or 20 digits)
    #[arg(value_name = "NUMBER")]
    number: String,
    /// Of this partner only
    #[arg(long, value_name = "NAME")]
    partner: Option<String>,
}

/// Prints the page.
///
/// # Errors
/// Records that cannot be read; an order that nobody has sent; output that cannot be written.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    let records = open_records(&config)?;
    let records = records.as_ref();
    let mut traces: Vec<(Option<String>, Trace)> =
        trace(records, &args.number, args.partner.as_deref())?
            .into_iter()
            .map(|trace| (None, trace))
            .collect();
    if traces.is_empty() {
        let leads = leads(records, &args.number, args.partner.as_deref())?;
        traces = follow(records, &leads)?;
        if traces.is_empty() {
            return Err(unknown(args, &config, records, &leads));
        }
    }
    for (index, (how, one)) in traces.iter().enumerate() {
        if context.format == Format::Json {
            let wrong = |e: serde_json::Error| Error::Gateway(e.to_string());
            let mut json = serde_json::to_value(one).map_err(wrong)?;
            if let Some(words) = how {
                json["found"] = words.as_str().into();
            }
            writeln!(out, "{json}")?;
            continue;
        }
        if index > 0 {
            writeln!(out)?;
        }
        if let Some(words) = how {
            writeln!(out, "{}", plain(words))?;
        }
        page(one, context, out)?;
    }
    let agrees = traces.iter().all(|(_, one)| one.disagreements.is_empty());
    Ok(if agrees { Verdict::Clean } else { Verdict::Findings })
}

/// Orders that are shown of those that something leads to: each is looked for among all documents.
const SHOWN_MAX: usize = 20;

/// The orders that something leads to, each once; of very many, the first.
fn follow(records: &dyn Records, leads: &Leads) -> Result<Vec<(Option<String>, Trace)>, Error> {
    let mut seen = BTreeSet::new();
    let mut traces = Vec::new();
    for Lead { partner, orders, words } in &leads.found {
        for order in orders {
            if !seen.insert((partner, order.as_str())) || seen.len() > SHOWN_MAX {
                continue;
            }
            let found = trace(records, order, Some(partner))?;
            traces.extend(found.into_iter().map(|trace| (Some(words.clone()), trace)));
        }
    }
    let left = seen.len().saturating_sub(SHOWN_MAX);
    if left > 0 {
        let left =
            format!("shown are {SHOWN_MAX} of its orders; {left} more: trace them by number");
        for (how, _) in &mut traces {
            *how = how.take().map(|words| format!("{words} ({left})"));
        }
    }
    Ok(traces)
}

/// Why there is nothing to be shown.
fn unknown(args: &Args, config: &Config, records: &dyn Records, leads: &Leads) -> Error {
    let (number, partner) = (&args.number, args.partner.as_deref());
    if let Err(words) = config.is_partner(partner) {
        return Error::Unknown(words);
    }
    if let Some(Lead { orders, words, .. }) = leads.found.first() {
        let none = if orders.is_empty() { "" } else { ", which is not in the store" };
        return Error::Unknown(format!("{words}{none}"));
    }
    let of = partner.map(|name| format!(" of {name}")).unwrap_or_default();
    let about = match exceptions_about(records, number, partner) {
        Ok(about) => about,
        Err(e) => return e.into(),
    };
    if let Some((id, title)) = about.last() {
        return Error::Unknown(format!(
            "there is no order {number}{of} that went on, but an exception about it ({title}): `crossdock exceptions show {id}`"
        ));
    }
    let hint = config.retention.days.map_or(String::new(), |days| {
        format!(
            "; what was over {days} days ago is in the audit log alone: `crossdock audit export --po {number}`"
        )
    });
    let bound = leads.looked_through.map_or(String::new(), |count| {
        format!(
            "; for a package only the latest {} shipments were looked through",
            grouped(count as u64)
        )
    });
    Error::Unknown(format!("there is no order, shipment or invoice {number}{of}{bound}{hint}"))
}

fn page(trace: &Trace, context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let strong = context.paint.strong;
    let date = trace.date.map(|date| format!("  {date}")).unwrap_or_default();
    writeln!(out, "{strong}Purchase order {}{strong:#}  {}{date}", trace.number, trace.partner)?;
    writeln!(out, "{}", trace.stage.words())?;
    for document in &trace.documents {
        one_document(document, out)?;
    }
    if !trace.lines.is_empty() {
        writeln!(out)?;
        let plain = |value: Decimal| value.normalize().to_string();
        let rows: Vec<[String; 6]> = trace
            .lines
            .iter()
            .map(|line| {
                [
                    line.number.clone().unwrap_or_default(),
                    line.item.clone().unwrap_or_default(),
                    line.ordered.map(plain).unwrap_or_default(),
                    plain(line.shipped),
                    plain(line.invoiced),
                    line.unit.clone().unwrap_or_default(),
                ]
            })
            .collect();
        table(["line", "item", "ordered", "shipped", "invoiced", "unit"], &rows, context, out)?;
    }
    writeln!(out)?;
    if trace.disagreements.is_empty() {
        return writeln!(out, "All of it agrees.");
    }
    writeln!(out, "{strong}What does not agree{strong:#}")?;
    trace.disagreements.iter().try_for_each(|words| writeln!(out, "  {words}"))
}

fn one_document(document: &TracedDocument, out: &mut dyn Write) -> io::Result<()> {
    let record = &document.record;
    writeln!(out, "\n{} {}  {}", record.kind, record.number, state(record.state))?;
    writeln!(out, "  document      {}", record.id)?;
    if let Some(interchange) = &document.interchange {
        let key = interchange.key.as_ref().map(|key| format!(" number {}", key.number));
        let key = key.unwrap_or_default();
        writeln!(out, "  received      {}  interchange{key}", minute(interchange.at))?;
        match &interchange.answer {
            Some((_, name)) => writeln!(out, "  our answer    {name}")?,
            None => writeln!(out, "  our answer    none")?,
        }
    }
    if let Some(one) = &document.acknowledgement {
        let numbers = format!("{} group {} set {}", one.set_id, one.group, one.set_number());
        writeln!(out, "  sent          {}  {numbers}", minute(one.sent))?;
        if let Some(message) = &document.message {
            writeln!(out, "  receipt       {}", message.receipt_words())?;
        }
        writeln!(out, "  acknowledged  {}", words(one, jiff::Timestamp::now()))?;
    }
    for carton in document.cartons.iter().take(CARTONS_SHOWN) {
        one_carton(carton, out)?;
    }
    if document.cartons.len() > CARTONS_SHOWN {
        writeln!(out, "  and {} more packages", document.cartons.len() - CARTONS_SHOWN)?;
    }
    Ok(())
}

fn one_carton(carton: &Carton, out: &mut dyn Write) -> io::Result<()> {
    let kind = if carton.kind.as_deref() == Some("tare") { "pallet" } else { "carton" };
    let number =
        carton.sscc.as_deref().or(carton.tracking.as_deref()).unwrap_or("without a number");
    writeln!(out, "  {kind:12}  {number}  {}", carton.contents.join(", "))
}

fn state(state: DocumentState) -> &'static str {
    match state {
        DocumentState::Queued => "waits",
        DocumentState::Delivered => "delivered to the warehouse",
        DocumentState::Duplicate => "was received before",
        DocumentState::Rendered => "written, on its way to the mailbox",
        DocumentState::Sent => "sent",
        DocumentState::Accepted => "accepted",
        DocumentState::AcceptedWithErrors => "accepted with errors",
        DocumentState::Rejected => "rejected",
        DocumentState::Shadowed => "in shadow: nothing was sent",
        DocumentState::Quarantined => "set aside",
    }
}
