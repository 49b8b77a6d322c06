//! `crossdock demo`: the main job from end to end, in a folder of its own, with nothing installed.
//!
//! A sample retailer drops an order; the gateway runs in this process and does the rest; the warehouse and the
//! retailer are played here, through the same folders that real ones would use.

mod retailer;
mod scene;
mod show;
mod warehouse;

use std::io::Write;
use std::path::PathBuf;

use super::definitions::engine;
use super::{Context, Error, Verdict, runtime};
use crate::canonical::Document;
use crate::gateway::{DocumentState, Event};
use scene::Scene;

/// The sample profile, below `partner-profiles/`.
const PARTNER: &str = "harbor-and-pine";

/// See the gateway at work: an order comes in, a shipment and an invoice go out
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Work in this folder, which must be empty or new, instead of a temporary one
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Remove the folder at the end instead of leaving it to be looked at
    #[arg(long, conflicts_with = "keep")]
    remove: bool,
    /// Leave the folder to be looked at (as is done unless --remove is given)
    #[arg(long)]
    keep: bool,
}

/// Plays the demonstration.
///
/// # Errors
/// Where a step does not come to its end.
pub(super) fn run(
    args: &DemoArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let runtime = runtime(None)?;
    let folder = scene::folder(args.folder.clone())?;
    let played = runtime.block_on(play(&folder, context, out));
    let end = played.and_then(|()| {
        if args.remove && !args.keep {
            std::fs::remove_dir_all(&folder).map_err(Error::read(&folder))?;
        } else {
            show::farewell(out, context.paint, &folder)?;
        }
        Ok(Verdict::Clean)
    });
    end.map_err(|e| match e {
        Error::Gateway(words) => {
            Error::Gateway(format!("{words}\nThe files are in {}", folder.display()))
        }
        other => other,
    })
}

async fn play(
    folder: &std::path::Path,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let paint = context.paint;
    let mut scene = Scene::open(folder, engine(context)?)?;
    show::opening(out, paint, folder)?;

    let order_file = retailer::order();
    show::step(out, paint, 1, "The retailer drops a purchase order into its mailbox")?;
    show::x12(out, paint, order_file)?;
    scene.drop_inbound("PO4500127731.edi", order_file.as_bytes())?;
    let order = scene.wait("the order", Event::DocumentDelivered, |_| true).await?;
    let Document::Order(order) = scene.document(&order.entry.subject)? else {
        return Err(Error::Gateway("what was delivered is no order".to_owned()));
    };

    show::step(out, paint, 2, "The warehouse receives the order, as JSON")?;
    show::order(out, paint, &order)?;
    show::path(out, paint, &scene.latest_order()?)?;

    show::step(out, paint, 3, "The retailer receives the acknowledgement: a 997")?;
    let answer =
        scene.wait("the 997", Event::InterchangeSent, |r| r.subject.contains("-997-")).await?;
    show::x12(out, paint, &scene.sent(&answer.entry)?)?;

    show::step(out, paint, 4, "The warehouse ships: its shipment leaves as an 856 ship notice")?;
    let shipment = Document::Shipment(Box::new(warehouse::shipment(&order)));
    let notice = send(&mut scene, "shipment", &shipment).await?;
    show::x12(out, paint, &notice)?;

    show::step(out, paint, 5, "The warehouse invoices: its invoice leaves as an 810")?;
    let invoice = Document::Invoice(Box::new(warehouse::invoice(&order)));
    let bill = send(&mut scene, "invoice", &invoice).await?;
    show::x12(out, paint, &bill)?;

    show::step(out, paint, 6, "The retailer acknowledges both, and their clocks are closed")?;
    for (number, sent) in (4712..).zip([&notice, &bill]) {
        let answer = retailer::acknowledge(sent, number)?;
        scene.drop_inbound(&format!("FA{number}.edi"), answer.as_bytes())?;
        let closed = scene.wait("the closing", Event::DocumentAcknowledged, |_| true).await?;
        let record = scene.record(&closed.entry.subject)?;
        let fate = match record.state {
            DocumentState::Accepted => "accepted",
            DocumentState::AcceptedWithErrors => "accepted with errors",
            _ => "not accepted",
        };
        show::fate(out, paint, &record.kind, &record.number, fate)?;
    }
    scene.close().await
}

/// The warehouse puts a document into its folder; the gateway numbers, writes and sends it.
async fn send(scene: &mut Scene, kind: &str, document: &Document) -> Result<String, Error> {
    scene.drop_from_warehouse(kind, document)?;
    let name = format!("-{kind}-");
    let sent = scene.wait(kind, Event::InterchangeSent, |r| r.subject.contains(&name)).await?;
    scene.sent(&sent.entry)
}
