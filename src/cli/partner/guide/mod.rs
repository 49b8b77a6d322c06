//! `crossdock partner guide`: the companion guide for the partner, made from the agreement by which its documents are
//! checked, so that it cannot say anything else.

mod blocks;
mod chapter;
mod examples;
mod html;
mod markdown;
mod words;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use jiff::Zoned;

use super::Place;
use super::load::Loaded;
use crate::acks::{ErrorsAs, Ta1Policy};
use crate::cli::{Context, Error, Page, Verdict};
use crate::gateway::Rehearsal;
use crate::profile::{
    Agreement, Answer, Direction, Envelope, GroupDate, GroupTime, LineBreak, Moment, Pair, Partner,
    Repertoire, State, Usage,
};
use blocks::{Block, Line, heading};
use chapter::Chapter;

/// Arguments of `partner guide`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Says who both sides are, how interchanges look, what is acknowledged until when, and for each document \
which segments and elements are sent, with the rules that were agreed, their reasons and sources, and examples. \
Examples come from samples/ and fixtures/ of the profile, are written anew, and are shown only if the agreement finds \
nothing in them.\n\n\
--format html: one file that needs no other, for the screen and for printing; --format md (the usual): Markdown.\n\n\
Examples:\n  crossdock partner guide harbor-and-pine --format html > harbor-and-pine.html\n  \
crossdock partner guide harbor-and-pine --set 856"
)]
pub struct Args {
    /// The partner
    #[arg(value_name = "NAME")]
    name: String,
    /// Only these documents: 850
    #[arg(long = "set", value_name = "SET")]
    sets: Vec<String>,
}

/// Prints the guide.
///
/// # Errors
/// Profiles that cannot be read or used; a set that is not agreed; output that cannot be written.
pub fn run(
    args: &Args,
    place: &Place,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let (loaded, partner) = place.partner(&args.name, context)?;
    let folder = loaded.source(&args.name).map(|source| source.folder.clone()).ok();
    let Loaded { engine, .. } = loaded;
    let rehearsal = Rehearsal::new(engine);
    let chapters = chapters(&partner, &args.sets)?;
    let mut guide = general(&partner, &chapters);
    for (agreement, releases) in chapters {
        let folder = folder.as_deref().map(Path::new);
        let (examples, reason) = examples::examples(&rehearsal, &partner, agreement, folder);
        if examples.is_empty() {
            let set = agreement.set();
            let words = format!(
                "there is no example of the {set}: {reason} Put one that is as agreed into samples/ of the profile."
            );
            crate::cli::say(context, &words);
        }
        guide.extend(Chapter { agreement, releases, examples: &examples }.blocks());
    }
    let sources: BTreeSet<String> =
        partner.rows().into_iter().filter_map(|row| row.source.map(|s| s.to_string())).collect();
    if !sources.is_empty() {
        guide.push(heading(2, "Sources"));
        guide.push(Block::Text("All of this rests on:".to_owned()));
        guide.push(Block::List(sources.into_iter().collect()));
    }
    let text = match context.page {
        Some(Page::Html) => html::print(&guide),
        Some(Page::Markdown) | None => markdown::print(&guide),
    };
    out.write_all(text.as_bytes())?;
    Ok(Verdict::Clean)
}

/// The documents, each in the release of the envelope or else the first that is agreed, with the others beside it.
fn chapters<'a>(
    partner: &'a Partner,
    sets: &[String],
) -> Result<Vec<(&'a Agreement, Vec<&'a str>)>, Error> {
    let wanted = |agreement: &&Agreement| {
        agreement.flow.state != State::Off
            && (sets.is_empty() || sets.iter().any(|set| set == agreement.set()))
    };
    let mut chapters: Vec<(&Agreement, Vec<&str>)> = Vec::new();
    for agreement in partner.agreements().iter().filter(wanted) {
        let same = chapters.iter_mut().find(|(other, _)| {
            other.set() == agreement.set() && other.direction == agreement.direction
        });
        match same {
            Some((main, others)) => {
                let usual = &agreement.envelope.release;
                if agreement.release() == usual && main.release() != usual {
                    others.push(main.release());
                    *main = agreement;
                } else {
                    others.push(agreement.release());
                }
            }
            None => chapters.push((agreement, Vec::new())),
        }
    }
    if chapters.is_empty() {
        let known: Vec<&str> = partner.agreements().iter().map(Agreement::set).collect();
        let words = match known.as_slice() {
            [] => "no document flows, so there is nothing to tell of; say in [documents] of partner.toml which do, \
                   like `[documents.order]`"
                .to_owned(),
            all if sets.is_empty() => format!(
                "there is nothing to tell of: {} are `off`; write `state = \"live\"` or \"shadow\" where one is to flow",
                all.join(", ")
            ),
            all => format!("there is nothing to tell of: agreed are {}", all.join(", ")),
        };
        return Err(Error::Unknown(words));
    }
    chapters.sort_by_key(|(agreement, _)| (agreement.direction, agreement.set().to_owned()));
    Ok(chapters)
}

/// What holds for all documents.
fn general(partner: &Partner, chapters: &[(&Agreement, Vec<&str>)]) -> Vec<Block> {
    let mut guide = vec![
        Block::Heading {
            level: 1,
            text: format!("EDI companion guide for {}", partner.title),
            page: false,
        },
        Block::Text(format!(
            "What is agreed for the exchange of X12 documents between {} (“you”) and us. It is made from the rules by \
which our gateway checks every document, as they were in force on {}: what stands here is what is checked.",
            partner.title,
            Zoned::now().date()
        )),
    ];
    guide.push(heading(2, "Documents"));
    guide.push(documents(partner, chapters));
    guide.push(heading(2, "Identities"));
    guide.extend(identities(partner));
    guide.push(heading(2, "Envelope"));
    guide.extend(envelope(partner));
    guide.push(heading(2, "Acknowledgements"));
    guide.push(Block::List(acknowledgements(partner)));
    guide.push(heading(2, "What comes twice"));
    guide.push(Block::List(repeats(partner)));
    if !partner.deadlines.is_empty() {
        guide.push(heading(2, "Deadlines"));
        guide.push(deadlines(partner));
    }
    if !partner.contacts.is_empty() {
        guide.push(heading(2, "Contacts"));
        let rows = partner.contacts.iter().map(|c| {
            Line::plain([c.name.as_str(), c.role.as_str(), c.email.as_str(), c.phone.as_str()])
        });
        let head = vec!["Name", "For", "E-mail", "Telephone"];
        guide.push(Block::Table { head, rows: rows.collect() });
    }
    guide
}

fn documents(partner: &Partner, chapters: &[(&Agreement, Vec<&str>)]) -> Block {
    let rows = chapters.iter().map(|(agreement, _)| {
        let (from, version) = match agreement.direction {
            Direction::In => ("you", agreement.release().to_owned()),
            Direction::Out => ("us", agreement.version()),
        };
        let state = match agreement.flow.state.min(partner.state) {
            State::Live => "in use",
            State::Shadow => "on trial: we translate it, and act on nothing",
            State::Off => "not in use",
        };
        Line::plain([
            agreement.set().to_owned(),
            agreement.grammar.title.clone(),
            from.to_owned(),
            format!("`{version}`"),
            state.to_owned(),
        ])
    });
    Block::Table {
        head: vec!["Set", "Document", "Sent by", "Version", "State"],
        rows: rows.collect(),
    }
}

fn identities(partner: &Partner) -> Vec<Block> {
    let head = vec!["", "Qualifier", "Interchange identity", "Group code"];
    let table = |pair: &Pair| {
        let row = |who: &str, identity: &crate::profile::Identity| {
            Line::plain([
                who.to_owned(),
                format!("`{}`", identity.qualifier),
                format!("`{}`", identity.id),
                format!("`{}`", identity.group_code()),
            ])
        };
        let rows = vec![row("You", &pair.partner), row("We", &pair.own)];
        Block::Table { head: head.clone(), rows }
    };
    let mut blocks = vec![
        Block::Text(
            "Who sends stands in `ISA05`, `ISA06` and `GS02`, who receives in `ISA07`, `ISA08` and `GS03`.".to_owned(),
        ),
        heading(3, "Production"),
        table(&partner.identity.production.main),
    ];
    if let Some(test) = &partner.identity.test {
        blocks.push(heading(3, "Test"));
        blocks.push(table(&test.main));
        blocks.push(Block::Text(
            "What comes from the identities of test is a test, whatever `ISA15` says.".to_owned(),
        ));
    } else {
        let words = "Tests use the same identities, with `T` in `ISA15`.";
        blocks.push(Block::Text(words.to_owned()));
    }
    if partner.test_endpoint.is_none() {
        let words = "Tell us before you send a test: its documents are set aside until we have agreed on it.";
        blocks.push(Block::Text(words.to_owned()));
    }
    let sides = [Some(&partner.identity.production), partner.identity.test.as_ref()];
    let also: Vec<&Pair> = sides.into_iter().flatten().flat_map(|sides| &sides.also).collect();
    if !also.is_empty() {
        blocks.push(Block::Text("These we take too:".to_owned()));
        blocks.extend(also.into_iter().map(table));
    }
    blocks
}

fn envelope(partner: &Partner) -> Vec<Block> {
    let envelope = &partner.envelope;
    let mut blocks = vec![
        Block::Text(
            "Our interchanges look so. Yours may have any delimiters: we read them from your ISA."
                .to_owned(),
        ),
        Block::Table { head: vec!["", "What we send"], rows: envelope_rows(partner, envelope) },
    ];
    for (set, own) in &partner.envelopes {
        let usual = envelope_rows(partner, envelope);
        let rows: Vec<Line> = envelope_rows(partner, own)
            .into_iter()
            .filter(|row| usual.iter().all(|other| other.cells != row.cells))
            .collect();
        if !rows.is_empty() {
            blocks.push(Block::Text(format!("Interchanges with the {set} differ in this:")));
            blocks.push(Block::Table { head: vec!["", "What we send"], rows });
        }
    }
    blocks
}

fn envelope_rows(partner: &Partner, envelope: &Envelope) -> Vec<Line> {
    let style = envelope.style();
    let d = style.delimiters;
    let named = |byte: u8| format!("`{}`", crate::cli::snippet::byte_word(byte));
    let line_break = match envelope.line_break {
        LineBreak::None => "",
        LineBreak::Lf => ", and a line feed after it",
        LineBreak::Crlf => ", and CR LF after it",
    };
    let date = match envelope.group_date {
        GroupDate::Century => "CCYYMMDD",
        GroupDate::Year => "YYMMDD",
    };
    let time = match envelope.group_time {
        GroupTime::Minutes => "HHMM",
        GroupTime::Seconds => "HHMMSS",
        GroupTime::Hundredths => "HHMMSSDD",
    };
    let characters = match envelope.charset {
        Repertoire::Basic => "the basic character set of X12",
        Repertoire::Extended => "the extended character set of X12",
        Repertoire::Utf8 => "all, in UTF-8",
        Repertoire::Latin1 => "those of ISO 8859-1",
    };
    let isa11 =
        d.repetition.map_or("`U`".to_owned(), |b| format!("repetition separator {}", named(b)));
    let numbers = &partner.control_numbers;
    let range = |range: crate::profile::Range| format!("{} to {}", range.first, range.last);
    let usage = match partner.usage {
        Usage::Production => "`P`",
        Usage::Test => "`T`",
    };
    let rows = [
        (
            "Authorisation (`ISA01`), security (`ISA03`)",
            format!("`{}`, `{}`", envelope.authorisation.qualifier, envelope.security.qualifier),
        ),
        ("`ISA11`", isa11),
        ("Interchange version (`ISA12`)", format!("`{}`", envelope.interchange_version)),
        ("Interchange number (`ISA13`)", range(numbers.interchange)),
        (
            "TA1 asked for (`ISA14`)",
            if envelope.request_ta1 { "yes, `1`" } else { "no, `0`" }.to_owned(),
        ),
        ("Usage (`ISA15`)", usage.to_owned()),
        ("Element separator", named(d.element)),
        ("Component separator (`ISA16`)", named(d.component)),
        ("Segment terminator", format!("{}{line_break}", named(d.segment))),
        ("Group date and time (`GS04`, `GS05`)", format!("{date}, {time}")),
        ("Group number (`GS06`)", range(numbers.group)),
        ("Agency (`GS07`)", format!("`{}`", envelope.agency)),
        ("Version (`GS08`)", format!("`{}`", envelope.version(&envelope.release))),
        (
            "Set number (`ST02`)",
            format!(
                "`{}` to `{}`",
                numbers.set_form.text(numbers.set.first),
                numbers.set_form.text(numbers.set.last)
            ),
        ),
        ("Characters", characters.to_owned()),
    ];
    rows.into_iter().map(|(what, value)| Line::plain([what.to_owned(), value])).collect()
}

fn acknowledgements(partner: &Partner) -> Vec<String> {
    let acks = &partner.acknowledgements;
    let kind = acks.policy.kind.set();
    let mut points = Vec::new();
    if acks.answer == Answer::Always {
        let within =
            acks.within.map_or(String::new(), |within| format!(" within {}", span(within)));
        points.push(format!("We answer each of your functional groups with a `{kind}`{within}."));
        let accepted = if acks.policy.report_accepted { "lists" } else { "does not list" };
        points.push(format!("Our `{kind}` {accepted} the sets that were accepted."));
        points.push(match acks.policy.errors_as {
            ErrorsAs::Accepted => {
                "A set with errors that can still be understood is accepted with errors (`E`)."
                    .to_owned()
            }
            ErrorsAs::Rejected => {
                "A set with errors is rejected (`R`), even if it can still be understood."
                    .to_owned()
            }
        });
    } else {
        points.push("We send no functional acknowledgements.".to_owned());
    }
    points.push(match acks.policy.ta1 {
        Ta1Policy::Always => "We answer each interchange with a TA1.".to_owned(),
        Ta1Policy::AsRequested => {
            "We send a TA1 where `ISA14` is `1`, and where an interchange is rejected as a whole."
                .to_owned()
        }
        Ta1Policy::Never => "We send no TA1.".to_owned(),
    });
    points.push(if acks.expected {
        format!("We expect your acknowledgement of what we send within {}.", span(acks.due))
    } else {
        "We expect no acknowledgement of what we send.".to_owned()
    });
    points
}

fn repeats(partner: &Partner) -> Vec<String> {
    use crate::profile::{DuplicateDocument, DuplicateInterchange, DuplicateNumber};
    let duplicates = &partner.duplicates;
    let days = match duplicates.days {
        0 => "Numbers count as seen for ever".to_owned(),
        days => format!("Numbers count as seen for {days} days"),
    };
    let interchange = match duplicates.interchange {
        DuplicateInterchange::Ignore => "is noted, and not answered again",
        DuplicateInterchange::AcknowledgeAgain => "is answered once more, with the same answer",
        DuplicateInterchange::Quarantine => "is set aside for a person",
    };
    let mut points = vec![format!(
        "{days}. An interchange with a number (`ISA13`) that we have seen, byte for byte the same, {interchange}; one with other contents is set aside."
    )];
    for (what, action) in [("group (`GS06`)", duplicates.group), ("set (`ST02`)", duplicates.set)] {
        match action {
            DuplicateNumber::Ignore => {}
            DuplicateNumber::Finding => {
                points.push(format!("A number of a {what} that we have seen is noted."));
            }
            DuplicateNumber::Reject => {
                points.push(format!("A {what} with a number that we have seen is rejected."));
            }
        }
    }
    points.push(match duplicates.documents {
        DuplicateDocument::Record => {
            "A purchase order with a number that we have seen makes no second order.".to_owned()
        }
        DuplicateDocument::Deliver => {
            "A purchase order with a number that we have seen is taken for a new one.".to_owned()
        }
    });
    points
}

fn deadlines(partner: &Partner) -> Block {
    let name = |moment: Moment| match moment {
        Moment::Order => "the purchase order",
        Moment::Shipment => "the goods have left",
        Moment::ShipNotice => "the ship notice",
        Moment::Invoice => "the invoice",
        Moment::Delivery => "the goods have arrived",
    };
    let rows = partner.deadlines.iter().map(|deadline| {
        let of = match deadline.of {
            Moment::ShipNotice => "Ship notice",
            _ => "Invoice",
        };
        Line::plain([
            of.to_owned(),
            format!("within {} after {}", span(deadline.within), name(deadline.after)),
        ])
    });
    Block::Table { head: vec!["Document", "Sent"], rows: rows.collect() }
}

/// A span of time for people: `24 hours`, `15 minutes`.
fn span(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    let count =
        |number: u64, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
    match minutes {
        m if m >= 2880 && m % 1440 == 0 => count(m / 1440, "day"),
        m if m >= 60 && m % 60 == 0 => count(m / 60, "hour"),
        m => count(m, "minute"),
    }
}
