//! `crossdock ack`: the interchanges that answer what was received.

use std::io::Write;

use jiff::Zoned;
use jiff::civil::DateTime;

use super::definitions::engine;
use super::input::{Failures, Files, Source};
use super::{Context, Error, Verdict, say};
use crate::acks::{self, AckKind, AckPolicy, ErrorsAs, Ta1Policy};
use crate::findings::{Code, Severity};
use crate::translate::{
    ACKNOWLEDGEMENT_GROUP, Engine, Options, ReceivedInterchange, answer_group, answer_interchange,
    answer_version, receive_to_answer,
};
use crate::x12::{
    Delimiters, EnvelopeError, GroupControlNumber, GroupSpec, Identity, Interchange,
    InterchangeControlNumber, InterchangeSpec, InterchangeWriter, SetControlNumber, Stamp, Style,
};

/// Largest control number in ISA13 and GS06.
const NUMBER_MAX: u32 = 999_999_999;

/// Arguments of `ack`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Prints complete interchanges: TA1 where it is due, and a 997 or 999 for each group that is no \
acknowledgement itself. Sets without a grammar are rejected, since nobody could translate them.\n\n\
Examples:\n  crossdock ack order.edi > answer.edi\n  crossdock ack order.edi --as 999 --ta1 always"
)]
pub struct Args {
    #[command(flatten)]
    files: Files,
    /// What answers a group: 997 or 999
    #[arg(long = "as", value_name = "SET", default_value = "997", value_parser = kind)]
    kind: AckKind,
    /// When a TA1 is due: requested (ISA14 is 1, or the interchange is rejected), always or never
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, hide_possible_values = true)]
    ta1: Ta1,
    /// Reject sets with errors, too, that could be translated all the same
    #[arg(long)]
    strict: bool,
    /// Leave out sets that were accepted
    #[arg(long)]
    brief: bool,
    /// ISA13 and GS06 of the first answer; the next ones count on
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(NUMBER_MAX)))]
    control_number: u32,
    /// Date and time of the answer, 2026-02-03T14:05 [default: now]
    #[arg(long, value_name = "MOMENT")]
    at: Option<DateTime>,
}

/// [`Ta1Policy`] on the command line.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Ta1 {
    #[default]
    Requested,
    Always,
    Never,
}

fn kind(text: &str) -> Result<AckKind, String> {
    [AckKind::Functional, AckKind::Implementation]
        .into_iter()
        .find(|kind| kind.set() == text)
        .ok_or_else(|| "there are 997 and 999".to_owned())
}

/// Prints the interchange that answers each interchange of the files.
///
/// # Errors
/// A file that cannot be read; output that cannot be written.
pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let policy = args.policy();
    let at = args.at.unwrap_or_else(|| Zoned::now().datetime());
    let stamp = Stamp::new(at.year(), at.month(), at.day(), at.hour(), at.minute());
    let engine = engine(context)?;
    let mut round = Round {
        context,
        engine: &engine,
        policy: &policy,
        stamp: &stamp,
        number: args.control_number,
        verdict: Verdict::Clean,
    };
    Failures::each(&args.files.sources()?, context, |source| round.source(source, out))?;
    Ok(round.verdict)
}

impl Args {
    fn policy(&self) -> AckPolicy {
        AckPolicy {
            kind: self.kind,
            release: None,
            report_accepted: !self.brief,
            errors_as: if self.strict { ErrorsAs::Rejected } else { ErrorsAs::Accepted },
            ta1: match self.ta1 {
                Ta1::Requested => Ta1Policy::AsRequested,
                Ta1::Always => Ta1Policy::Always,
                Ta1::Never => Ta1Policy::Never,
            },
        }
    }
}

/// The control number that follows.
pub(super) fn after(number: u32) -> u32 {
    if number >= NUMBER_MAX { 1 } else { number + 1 }
}

/// What all answers have in common, the number of the next, and whether all is well so far.
struct Round<'a> {
    context: &'a Context,
    engine: &'a Engine,
    policy: &'a AckPolicy,
    stamp: &'a Stamp,
    number: u32,
    verdict: Verdict,
}

impl Round<'_> {
    /// Answers each interchange of a file.
    fn source(&mut self, source: &Source, out: &mut dyn Write) -> Result<(), Error> {
        let strictness = self.policy.errors_as;
        let options = Options { unknown_set: Severity::Fatal, ..Options::default() };
        let received = receive_to_answer(self.engine, source.open()?, options, &|_| strictness)
            .map_err(Error::read(source.to_string()))?;
        for finding in received.stray.iter().filter(|f| f.severity >= Severity::Error) {
            self.verdict = Verdict::Findings;
            say(self.context, &format!("{source}: {}", finding.message));
        }
        for interchange in &received.interchanges {
            match self.interchange(interchange) {
                Ok(Some(bytes)) => {
                    out.write_all(&bytes)?;
                    self.number = after(self.number);
                }
                Ok(None) => {}
                Err(error) => {
                    self.verdict = Verdict::Findings;
                    let number = interchange.header.element(13);
                    let text =
                        format!("{source}: interchange {number} cannot be answered: {error}");
                    say(self.context, &text);
                }
            }
            let accepted = interchange.verdict == acks::Verdict::Accepted
                && interchange.groups.iter().all(|g| g.verdict == acks::Verdict::Accepted);
            if !accepted {
                self.verdict = Verdict::Findings;
            }
        }
        Ok(())
    }

    /// The interchange that answers one; `None` where there is nothing to answer.
    fn interchange(
        &self,
        received: &ReceivedInterchange,
    ) -> Result<Option<Vec<u8>>, EnvelopeError> {
        let style = style_of(received);
        let ta1 = answer_interchange(received, self.policy, &style);
        let header = &received.header;
        let spec = InterchangeSpec {
            authorization: ("00".to_owned(), String::new()),
            security: ("00".to_owned(), String::new()),
            sender: fitting(&header.receiver()),
            receiver: fitting(&header.sender()),
            version: version_of(header),
            acknowledgement_requested: false,
            test: header.is_test(),
            style,
        };
        let number = InterchangeControlNumber(self.number);
        let mut writer = InterchangeWriter::begin(&spec, number, self.stamp)?;
        if let Some(segment) = &ta1 {
            writer.rendered(segment);
        }
        let mut answered = ta1.is_some();
        // Where the whole interchange is rejected, its TA1 says so and nothing more is said.
        let rejected = received.verdict == acks::Verdict::Rejected;
        let mut number = self.number;
        for group in received.groups.iter().filter(|_| !rejected) {
            let name = SetControlNumber("0001".to_owned());
            let answer = answer_group(self.engine, group, self.policy, &spec.style, &name);
            let version = answer_version(self.engine, group, self.policy);
            let (Some(answer), Some(version)) = (answer, version) else { continue };
            // Codes that cannot be sent back must not keep the sender from its answer: those of ISA stand in.
            let code = |sent: String, of_interchange: &Identity| {
                if writer.fits_group_code(&sent) { sent } else { of_interchange.id.clone() }
            };
            let answering = GroupSpec {
                agency: "X".to_owned(),
                functional_id: ACKNOWLEDGEMENT_GROUP.to_owned(),
                sender: code(group.header.element(3), &spec.sender),
                receiver: code(group.header.element(2), &spec.receiver),
                version,
            };
            let sets = [&answer.bytes[..]];
            writer.group(&answering, GroupControlNumber(number), self.stamp, sets)?;
            number = after(number);
            answered = true;
        }
        Ok(answered.then(|| writer.finish()))
    }
}

/// As much of an identity as ISA has room for, which is what a reader by fixed lengths takes for the whole.
fn fitting(who: &Identity) -> Identity {
    let cut = |text: &str, length| text.chars().take(length).collect();
    Identity { qualifier: cut(&who.qualifier, 2), id: cut(&who.id, 15) }
}

/// ISA12 as it was sent, where it is a version.
fn version_of(header: &Interchange) -> String {
    let version = header.element(12);
    let is_version = version.len() == 5 && version.bytes().all(|b| b.is_ascii_digit());
    if is_version { version } else { "00401".to_owned() }
}

/// The delimiters of what is answered, unless they are the fault; one segment a line.
fn style_of(received: &ReceivedInterchange) -> Style {
    let clash = received.findings.iter().any(|f| f.code == Code::DelimiterClash);
    let delimiters = if clash { Delimiters::default() } else { received.header.delimiters };
    let breaks_itself = matches!(delimiters.segment, b'\n' | b'\r');
    let suffix = if breaks_itself { Vec::new() } else { b"\n".to_vec() };
    Style { delimiters, suffix, ..Style::default() }
}
