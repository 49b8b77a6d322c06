//! `crossdock partner learn`: a draft of a profile from sample files.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde_json::json;

use super::Place;
use super::drafted::{self, Drafted, Proof};
use super::load::USUAL_FOLDER;
use crate::acks::{self, SetOutcome};
use crate::cli::definitions::engine;
use crate::cli::input::{Files, Source, open_file};
use crate::cli::report::count;
use crate::cli::scene::{self, Depth, Met};
use crate::cli::{Context, Error, Format, Verdict};
use crate::findings::{Finding, Severity};
use crate::learn::{Counted, Draft, Learner, Sample, is_answer, is_rejected};
use crate::overlay::Direction;
use crate::translate::{Engine, Options};
use crate::x12::{Event, Identity, Interchange, Limits, Reader};

/// Arguments of `partner learn`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The samples may be in any state: several interchanges in a file, both directions, test and \
production, documents with faults. What a grammar rejects proves nothing and is left out; so is a document that comes \
twice.\n\nExamples:\n  crossdock partner learn harbor-and-pine samples/*.edi\n  crossdock partner learn \
harbor-and-pine samples --as 08:6125550100"
)]
pub struct Args {
    /// The partner's name, which its folder gets: small letters, digits and `-`
    name: String,
    #[command(flatten)]
    files: Files,
    /// Which of the identities in the samples is the partner: its ISA06 or ISA08, or QUALIFIER:ID
    #[arg(long = "as", value_name = "SENDER")]
    partner: Option<String>,
}

/// Rejected documents that are named.
const REJECTED_MAX: usize = 5;

/// Sender and receiver, with the number of interchanges.
type Pairs = BTreeMap<(String, String), u64>;

/// Learns, writes the draft, and holds the samples against it.
///
/// # Errors
/// A profile of the name that is there already; samples that cannot be read, or of which it is not clear which side is
/// the partner.
pub fn run(
    args: &Args,
    place: &Place,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let profiles = place.folder(place.config()?.as_ref());
    let folder = profiles.join(&args.name);
    check_name(&args.name)?;
    if folder.exists() {
        let message = format!(
            "{}: is there already, and is never written over; choose another name, or move it away",
            folder.display()
        );
        return Err(Error::Unknown(message));
    }
    let engine = engine(context)?;
    let sources = args.files.sources()?;
    if sources.contains(&Source::Stdin) {
        let hint = "samples are read more than once: name files, folders or patterns";
        return Err(Error::NoInput(hint.into()));
    }
    let pairs = pairs_in(&sources)?;
    let partner = partner(&pairs, args.partner.as_deref())?;
    let direction = |header: &Interchange| direction(header, &partner);
    let mut learner = Learner::new();
    let mut rejected = Vec::new();
    for source in &sources {
        learn(&mut learner, &engine, source, &direction, &mut rejected)?;
    }
    if !learner.counted().values().any(Counted::is_read) {
        return Err(Error::NoInput(nothing(&learner)));
    }
    let draft = learner.draft(&args.name);
    let drafted = Drafted::read(&draft, &engine)?;
    write(&draft, &profiles, &folder)?;
    let mut proof = drafted::prove(&drafted, &engine, &sources, &direction)?;
    proof.problems = drafted::problems(&draft, &args.name, &folder, &engine);
    let told = Told {
        args,
        profiles: &profiles,
        pairs: &pairs,
        partner: &partner,
        folder: &folder,
        rejected: &rejected,
        files: sources.len(),
    };
    match context.format {
        Format::Json => told.json(&learner, &draft, &proof, out)?,
        Format::Human => told.people(&learner, &draft, &proof, context, out)?,
    }
    Ok(if proof.is_clean() { Verdict::Clean } else { Verdict::Findings })
}

fn check_name(name: &str) -> Result<(), Error> {
    let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=64).contains(&name.len()) && name.chars().all(usable) {
        return Ok(());
    }
    Err(Error::Unknown(format!("the name {name:?} is not one of small letters, digits and `-`")))
}

/// Who sends to whom in the samples.
fn pairs_in(sources: &[Source]) -> Result<Pairs, Error> {
    let mut pairs = Pairs::new();
    for source in sources {
        let mut reader = Reader::with_limits(source.open()?, Limits::default());
        let name = source.to_string();
        while let Some(event) = reader.next().map_err(Error::read(&name))? {
            if let Event::Interchange(header) = event {
                let pair = (header.sender().to_string(), header.receiver().to_string());
                *pairs.entry(pair).or_default() += 1;
            }
        }
    }
    if pairs.is_empty() {
        return Err(Error::NoInput("the samples hold no interchange".into()));
    }
    Ok(pairs)
}

/// Which identity is the partner: what was named, or else the only one that sends.
fn partner(pairs: &Pairs, named: Option<&str>) -> Result<String, Error> {
    let mut all: Vec<&str> = pairs.keys().flat_map(|(s, r)| [s.as_str(), r.as_str()]).collect();
    all.sort_unstable();
    all.dedup();
    let mut senders: Vec<&str> = pairs.keys().map(|(sender, _)| sender.as_str()).collect();
    senders.sort_unstable();
    senders.dedup();
    let listed = || {
        let lines = pairs.iter().map(|((sender, receiver), interchanges)| {
            format!(
                "  {sender} → {receiver}  {}",
                count(*interchanges, "interchange", "interchanges")
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let found: Vec<&str> = match named {
        Some(named) => {
            let id =
                |who: &&str| *who == named || who.split_once(':').is_some_and(|(_, i)| i == named);
            all.into_iter().filter(id).collect()
        }
        None => senders,
    };
    match (found.as_slice(), named) {
        ([only], _) => Ok((*only).to_owned()),
        ([], Some(named)) => Err(Error::Unknown(format!(
            "{named} neither sends nor receives in the samples; they hold\n{}",
            listed()
        ))),
        (_, Some(named)) => Err(Error::Unknown(format!(
            "{named} is several identities: name one with its qualifier, like `--as ZZ:{named}`; the samples hold\n{}",
            listed()
        ))),
        (_, None) => Err(Error::Unknown(format!(
            "it is not clear which of them is the partner: name it with `--as`; the samples hold\n{}",
            listed()
        ))),
    }
}

/// Which way an interchange goes; `None`: it is none of the partner.
fn direction(header: &Interchange, partner: &str) -> Option<Direction> {
    let is = |who: Identity| who.to_string() == partner;
    if is(header.sender()) {
        Some(Direction::In)
    } else {
        is(header.receiver()).then_some(Direction::Out)
    }
}

fn learn(
    learner: &mut Learner,
    engine: &Engine,
    source: &Source,
    direction: &dyn Fn(&Interchange) -> Option<Direction>,
    rejected: &mut Vec<String>,
) -> Result<(), Error> {
    let mut around: Option<(Interchange, Direction)> = None;
    let (input, options) = (source.open()?, Options::default());
    scene::read(engine, input, source, options, Depth::Form, |met, findings, scene| {
        match met {
            Met::Interchange(header) => {
                around = direction(header).map(|direction| (header.clone(), direction));
                if let Some((header, direction)) = &around {
                    learner.interchange(header, line_break(source, header)?, *direction);
                }
            }
            Met::Group(group) => {
                if let Some((header, direction)) = &around {
                    learner.group(header, group, *direction);
                }
            }
            Met::Set(set) => {
                let Some((_, direction)) = &around else { return Ok(()) };
                if set.map.is_some_and(|map| is_answer(map.document())) {
                    answers(learner, &acks::read(set.segments, None), *direction);
                }
                let sample = Sample {
                    direction: *direction,
                    version: set.version,
                    number: &set.control_number.0,
                    kind: set.map.map(|map| map.document()),
                };
                let grammar = engine.grammars().grammar(&set.id, set.version);
                let fatal = |f: &&Finding| f.severity == Severity::Fatal && is_rejected(findings);
                let fatal = findings.iter().find(fatal);
                if let Some(fatal) = fatal.filter(|_| rejected.len() < REJECTED_MAX) {
                    let (set, number) = (&set.id, &set.control_number.0);
                    rejected.push(format!("{}: {set} {number}: {}", scene.file, fatal.message));
                }
                match (&set.walked, grammar) {
                    (Some(walked), Some(grammar)) => learner.set(walked, grammar, sample, findings),
                    _ => learner.unknown(&set.id, sample),
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(())
}

/// Of each group that is answered and has accepted sets: whether the answer names as many.
fn answers(learner: &mut Learner, reading: &acks::Reading, direction: Direction) {
    for group in &reading.groups {
        let accepted = |set: &&SetOutcome| {
            matches!(set.verdict, acks::Verdict::Accepted | acks::Verdict::AcceptedWithErrors)
        };
        let named = group.sets.iter().filter(accepted).count() as u64;
        let all = u64::from(group.accepted.unwrap_or(0));
        if all > 0 {
            learner.answer(named >= all, direction);
        }
    }
}

/// What follows the terminator of ISA, as a profile calls it.
fn line_break(source: &Source, header: &Interchange) -> Result<&'static str, Error> {
    let Source::File(path) = source else { return Ok("none") };
    let mut file = open_file(path)?;
    let after = header.offset + header.length as u64;
    file.seek(SeekFrom::Start(after)).map_err(Error::read(path))?;
    let mut bytes = Vec::new();
    file.take(2).read_to_end(&mut bytes).map_err(Error::read(path))?;
    Ok(match bytes.as_slice() {
        b"\r\n" => "crlf",
        [b'\n', ..] => "lf",
        _ => "none",
    })
}

/// Why nothing could be learned.
fn nothing(learner: &Learner) -> String {
    let mut reasons = Vec::new();
    for (set, release, _) in learner.counted().keys() {
        reasons.push(format!("{set} {release}: no grammar (see `crossdock grammar list`)"));
    }
    let reasons = if reasons.is_empty() {
        "they hold no set of the partner".to_owned()
    } else {
        reasons.join("; ")
    };
    format!("nothing can be learned from the samples: {reasons}")
}

/// Writes the files beside one another and then has the folder there at once; what is there stays.
fn write(draft: &Draft, profiles: &Path, folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(profiles).map_err(Error::read(profiles))?;
    std::fs::create_dir(folder).map_err(Error::read(folder))?;
    for file in &draft.files {
        let path = folder.join(&file.name);
        let mut new = std::fs::File::create_new(&path).map_err(Error::read(&path))?;
        new.write_all(file.text.as_bytes()).map_err(Error::read(&path))?;
    }
    Ok(())
}

/// What is said in the end.
struct Told<'a> {
    args: &'a Args,
    profiles: &'a Path,
    pairs: &'a Pairs,
    partner: &'a str,
    folder: &'a Path,
    rejected: &'a [String],
    files: usize,
}

impl Told<'_> {
    fn json(
        &self,
        learner: &Learner,
        draft: &Draft,
        proof: &Proof,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        for ((sender, receiver), interchanges) in self.pairs {
            let pair = json!({"type": "pair", "sender": sender, "receiver": receiver, "interchanges": interchanges});
            writeln!(out, "{pair}")?;
        }
        for ((set, release, direction), counted) in learner.counted() {
            let value = json!({
                "type": "set", "set": set, "release": release, "direction": word(*direction),
                "learned": counted.learned, "repeated": counted.repeated,
                "rejected": counted.rejected, "unknown": counted.unknown,
            });
            writeln!(out, "{value}")?;
        }
        for file in &draft.files {
            let path = self.folder.join(&file.name).display().to_string();
            let (active, commented) = file.rules;
            let value =
                json!({"type": "file", "path": path, "rules": active, "commented_out": commented});
            writeln!(out, "{value}")?;
        }
        let value = json!({
            "type": "proof", "partner": self.partner, "documents": proof.documents,
            "passed": proof.passed, "broken": proof.broken, "problems": proof.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "with_errors": proof.with_errors,
        });
        writeln!(out, "{value}")?;
        Ok(())
    }

    fn people(
        &self,
        learner: &Learner,
        draft: &Draft,
        proof: &Proof,
        context: &Context,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let (strong, faint) = (context.paint.strong, context.paint.faint);
        writeln!(out, "{}", count(self.files as u64, "sample file", "sample files"))?;
        for ((sender, receiver), interchanges) in self.pairs {
            let theirs = sender == self.partner || receiver == self.partner;
            let note = if theirs { "" } else { " (not of this partner: left out)" };
            let number = count(*interchanges, "interchange", "interchanges");
            writeln!(out, "  {sender} → {receiver}  {number}{note}")?;
        }
        writeln!(out, "The partner is {strong}{}{strong:#}.\n", self.partner)?;
        for ((set, release, direction), counted) in learner.counted() {
            let mut words = vec![format!("learned from {}", documents(counted.learned))];
            let mut more = |n: u64, what: &str| {
                if n > 0 {
                    words.push(format!("{} {what}", documents(n)));
                }
            };
            more(counted.repeated, "came again");
            more(counted.rejected, "left out: the grammar rejects them");
            more(counted.unknown, "left out: there is no grammar");
            writeln!(out, "  {set} {release} {:<3}  {}", word(*direction), words.join("; "))?;
        }
        for line in self.rejected {
            writeln!(out, "  {faint}{line}{faint:#}")?;
        }
        writeln!(out)?;
        for file in &draft.files {
            let path = self.folder.join(&file.name);
            let (active, commented) = file.rules;
            let rules = match file.of {
                Some(_) => format!(
                    "{} in force, {commented} commented out",
                    count(active as u64, "rule", "rules")
                ),
                None => "what is marked TODO only you know".to_owned(),
            };
            writeln!(out, "wrote {strong}{}{strong:#}  {faint}{rules}{faint:#}", path.display())?;
        }
        self.proof(proof, context, out)
    }

    fn proof(&self, proof: &Proof, context: &Context, out: &mut dyn Write) -> Result<(), Error> {
        let Proof { documents: all, passed, broken, problems, with_errors } = proof;
        if *all == 0 {
            writeln!(
                out,
                "\nNo rules were learned: a document that its grammar rejects proves nothing.\n\
                 What their envelopes show stands in partner.toml. `crossdock validate` says what is wrong; with better\n\
                 samples, take the folder away and learn again."
            )?;
        } else if passed == all {
            let (good, number) = (context.paint.good, documents(*all));
            writeln!(
                out,
                "\n{good}{number} read again under the draft: its rules find nothing in them.{good:#}"
            )?;
        } else {
            writeln!(
                out,
                "\n{passed} of {all} documents keep to the rules of the draft; the others do not:"
            )?;
            for line in broken {
                writeln!(out, "  {line}")?;
            }
        }
        let (to_fill_in, wrong): (Vec<_>, Vec<_>) =
            problems.iter().partition(|problem| problem.is_to_fill_in());
        if !wrong.is_empty() {
            writeln!(out, "As a profile, the draft has faults:")?;
        }
        for problem in wrong {
            writeln!(out, "  {problem}")?;
        }
        if *with_errors > 0 {
            let number = documents(*with_errors);
            writeln!(
                out,
                "{number} had errors by the grammar alone: `crossdock validate` shows them."
            )?;
        }
        let name = &self.args.name;
        let profiles = match self.profiles {
            usual if usual == Path::new(USUAL_FOLDER) => String::new(),
            other => format!(" --profiles {}", other.display()),
        };
        writeln!(
            out,
            "\nNext:\n  edit the TODO lines of {}; the profile works when {} filled in\n  hold each rule against the partner's guide\n  \
             crossdock partner check {name}{profiles}",
            self.folder.join("partner.toml").display(),
            count(to_fill_in.len() as u64, "value is", "values are")
        )?;
        Ok(())
    }
}

fn documents(number: u64) -> String {
    count(number, "document", "documents")
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}
