//! `crossdock replay`: stored traffic once more through the profiles, as they are or are to be.

mod show;

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use super::acks::{in_order, since};
use super::definitions::engine;
use super::exceptions::who;
use super::partner::{Changed, changed};
use super::report::count;
use super::serve::ConfigArgs;
use super::wait::waiting;
use super::{Context, Error, Format, Verdict, say};
use crate::folders::profile_sources;
use crate::gateway::{
    Against, Config, Item, Redeliver, Replay, Resubmitted, Selection, Step, open_records, resubmit,
};
use crate::profile::Profiles;
use crate::translate::Engine;

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(
    long_about = "Run stored traffic through the profiles once more: what would change.\n\n\
What came and what went is read from the store, judged, translated and answered on the paths of the gateway. With \
--with-profile the changed profiles are compared with those in force: what would be otherwise if they were published. \
Without it, those in force are compared with what was recorded. Nothing is kept, numbered or sent with --dry-run; \
without it, what comes to something else by now is given to the gateway again under the same idempotency keys. The \
gateway may run or stand still.",
    after_help = "Exit codes: 0 nothing changes (or what changed was given to the gateway again), 1 something changes, \
2 failure of ours.\n\n\
Examples:\n  crossdock replay --since 30d --with-profile drafts/harbor-and-pine --dry-run\n  \
crossdock replay --since 2026-11-01 --until 2026-11-08 --partner harbor-and-pine --dry-run\n  \
crossdock replay --since 24h --partner harbor-and-pine"
)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// What came or went since then: a day, a moment, or a span such as 24h or 7d
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Timestamp,
    /// … and before this; until now where it is not given
    #[arg(long, value_name = "WHEN", value_parser = since)]
    until: Option<Timestamp>,
    /// Only of this partner. May be repeated
    #[arg(long, value_name = "NAME")]
    partner: Vec<String>,
    /// The folder of a changed profile, or of several: they take the place of those in force, by name
    #[arg(long, value_name = "DIR", requires = "dry_run")]
    with_profile: Option<PathBuf>,
    /// Only tell what would change
    #[arg(long)]
    dry_run: bool,
    /// At most so many documents: first of what came, the oldest first, then of what went
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Hand over once more also what the endpoint has as it is, for one that has lost it: it knows what it has by the
    /// idempotency key
    #[arg(long, conflicts_with = "dry_run")]
    unchanged: bool,
    /// Who does it, for the record; the user's name where it is not given
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
}

/// Replays, and tells what it comes to.
///
/// # Errors
/// A configuration, profiles or a store that cannot be used; output that cannot be written; what could not be read.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    in_order(Some(args.since), args.until)?;
    let config = args.config.read()?;
    let engine = engine(context)?;
    let by = if args.dry_run { String::new() } else { who(args.who.as_deref())? };
    let (profiles, against) = profiles(args, &config, &engine)?;
    let records = open_records(&config)?;
    let selection = Selection {
        since: args.since,
        until: args.until.unwrap_or_else(Timestamp::now),
        partners: args.partner.clone(),
    };
    let replay = Replay::new(records.as_ref(), engine, profiles, against);
    let mut tally = show::Tally::default();
    waiting("documents", |progress| {
        replay.each::<Error>(&selection, &mut |step| {
            let item = match step {
                Step::Passed => {
                    tally.passed += 1;
                    return Ok(true);
                }
                Step::Unreadable(words) => {
                    tally.unreadable += 1;
                    say(context, &words);
                    return Ok(true);
                }
                Step::Item(item) => item,
            };
            let room = args.limit.map_or(u64::MAX, |limit| limit - tally.documents);
            let item = shortened(*item, room);
            tally.add(&item);
            let again = if args.dry_run {
                None
            } else {
                let all = if args.unchanged { Redeliver::All } else { Redeliver::Changed };
                Some(resubmit(records.as_ref(), &item, all, &by)?)
            };
            if let Some(Resubmitted::Documents(documents)) = again {
                tally.resubmitted += documents as u64;
            }
            if item.changes() {
                show::item(&item, again, context, out)?;
            }
            progress(tally.documents, 0);
            Ok(args.limit.is_none_or(|limit| tally.documents < limit))
        })
    })?;
    tally.show(args.dry_run, context, out)?;
    if tally.unreadable > 0 {
        return Err(Error::Inputs(usize::try_from(tally.unreadable).unwrap_or(usize::MAX)));
    }
    Ok(if args.dry_run && tally.changes() { Verdict::Findings } else { Verdict::Clean })
}

/// What it is read by, and what that is compared with.
fn profiles(args: &Args, config: &Config, engine: &Engine) -> Result<(Profiles, Against), Error> {
    let (profiles, against) = if let Some(with) = &args.with_profile {
        let called = match args.partner.as_slice() {
            [one] => Some(one.as_str()),
            _ => None,
        };
        let Changed { now, then } = changed(&config.profiles, with, called, engine)?;
        (then, Against::Profiles(now))
    } else {
        let mut sources = Profiles::shipped();
        sources.extend(profile_sources(&config.profiles).0);
        let (now, _) = Profiles::from_sources(&sources, engine.grammars(), engine.maps());
        (now, Against::Record)
    };
    for name in &args.partner {
        let is_known = |profiles: &Profiles| profiles.partner(name).is_some();
        let before = matches!(&against, Against::Profiles(before) if is_known(before));
        if !is_known(&profiles) && !before {
            let known: Vec<&str> = profiles.iter().map(|partner| partner.name.as_str()).collect();
            let words = format!("no profile {name} is in force; there are {}", known.join(", "));
            return Err(Error::Unknown(words));
        }
    }
    Ok((profiles, against))
}

/// An item with no more than so many documents.
fn shortened(mut item: Item, most: u64) -> Item {
    item.documents.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    item
}

impl show::Tally {
    fn changes(&self) -> bool {
        self.changed > 0 || self.answers_changed > 0
    }

    fn words(&self, dry_run: bool) -> String {
        let Self { documents, changed, failing, passing, answers, answers_changed, .. } = self;
        let all = count(*documents, "document", "documents");
        let verb = if *changed == 1 { "changes" } else { "change" };
        let mut text = format!("{} of {all} {verb}", super::report::grouped(*changed));
        if *failing > 0 {
            let verb = if *failing == 1 { "fails" } else { "fail" };
            text = format!("{text}; {failing} newly {verb}");
        }
        if *passing > 0 {
            let verb = if *passing == 1 { "passes" } else { "pass" };
            text = format!("{text}; {passing} newly {verb}");
        }
        if self.accepted > 0 {
            let verb = if self.accepted == 1 { "stands" } else { "stand" };
            let accepted = super::report::grouped(self.accepted);
            text = format!("{text}; {accepted} {verb} as accepted by a person");
        }
        if *answers > 0 {
            let all = count(*answers, "answer", "answers");
            let verb = if *answers_changed == 1 { "changes" } else { "change" };
            text = format!("{text}. {answers_changed} of {all} {verb}");
        }
        if self.passed > 0 {
            let passed = count(self.passed, "interchange", "interchanges");
            text = format!("{text}. {passed} passed over");
        }
        if !dry_run {
            let again = count(self.resubmitted, "document is", "documents are");
            text = format!("{text}. {again} given to the gateway again");
        }
        text
    }

    fn show(&self, dry_run: bool, context: &Context, out: &mut dyn Write) -> Result<(), Error> {
        if context.format == Format::Human {
            return Ok(writeln!(out, "{}.", self.words(dry_run))?);
        }
        let line = serde_json::json!({
            "type": "summary", "documents": self.documents, "changed": self.changed,
            "newly_failing": self.failing, "newly_passing": self.passing,
            "accepted": self.accepted,
            "answers": self.answers, "answers_changed": self.answers_changed,
            "passed_over": self.passed, "unreadable": self.unreadable,
            "resubmitted": (!dry_run).then_some(self.resubmitted),
        });
        Ok(writeln!(out, "{line}")?)
    }
}
