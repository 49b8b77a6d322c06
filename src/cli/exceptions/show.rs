//! Everything that is known of one exception.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use super::super::serve::ConfigArgs;
use super::super::snippet::{COLUMNS_MAX, Snippet};
use super::super::{Context, Error, Format, Verdict};
use super::list::{as_json, plain};
use super::open;
use crate::exceptions::{Action, Playbook};
use crate::gateway::{Exception, ExceptionItem, ExceptionState, NotedFinding, PayloadId, Records};
use crate::x12::{Event, Limits, Reader};

/// Arguments of `exceptions show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Its number
    #[arg(value_name = "ID")]
    id: u64,
    /// Write the bytes that it is about into this new file, to be looked at or edited
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// One of the things that it is about
    #[arg(long, value_name = "N")]
    item: Option<usize>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Findings that are shown of each thing.
const FINDINGS_SHOWN: usize = 20;

/// Shows it.
///
/// # Errors
/// A configuration that cannot be used; a store that cannot be reached; a number that there is not.
pub fn run(args: &ShowArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let records = open(&args.config)?;
    let records = records.as_ref();
    let failed = |e: crate::gateway::StoreError| Error::Gateway(e.to_string());
    let exception = records.exception(args.id).map_err(failed)?;
    let exception =
        exception.ok_or_else(|| Error::Unknown(format!("there is no exception {}", args.id)))?;
    let items = records.exception_items(args.id).map_err(failed)?;
    let mut shown: Vec<(usize, &ExceptionItem)> = (1..).zip(&items).collect();
    if let Some(number) = args.item {
        shown.retain(|(own, _)| *own == number);
        if shown.is_empty() {
            return Err(Error::Unknown(format!("it is about {} things", items.len())));
        }
    }
    if let Some(file) = &args.save {
        return match &shown[..] {
            [(_, item)] => save(records, item, file, out),
            all => Err(Error::Unknown(format!(
                "it is about {} things: say of which one the bytes are wanted (--item)",
                all.len()
            ))),
        };
    }
    if context.format == Format::Json {
        let mut line = as_json(&exception)?;
        let told: Result<Vec<_>, Error> =
            shown.iter().map(|(_, item)| told(records, item)).collect();
        line["things"] = told?.into();
        writeln!(out, "{line}")?;
    } else {
        head(&exception, context, out)?;
        for (number, item) in shown {
            thing(records, (number, item), context, out)?;
        }
        foot(&exception, &items, context, out)?;
    }
    Ok(match exception.state {
        ExceptionState::Open => Verdict::Findings,
        _ => Verdict::Clean,
    })
}

fn save(
    records: &dyn Records,
    item: &ExceptionItem,
    file: &PathBuf,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let payload = item.payload.ok_or_else(|| {
        Error::Unknown(format!("{}: no bytes of it were taken in", item.subject.label()))
    })?;
    let bytes = records.payload(payload).map_err(|e| Error::Gateway(e.to_string()))?;
    // What was edited there is not lost.
    if file.exists() {
        return Err(Error::Unknown(format!(
            "{} is there already: name a new file",
            file.display()
        )));
    }
    fs::write(file, bytes).map_err(Error::read(file))?;
    writeln!(out, "{} is in {}", item.subject.label(), file.display())?;
    Ok(Verdict::Clean)
}

/// One of the things as JSON, with what was found in it.
fn told(records: &dyn Records, item: &ExceptionItem) -> Result<serde_json::Value, Error> {
    let wrong = |e: serde_json::Error| Error::Gateway(e.to_string());
    let mut value = serde_json::to_value(item).map_err(wrong)?;
    let found = findings(records, item.findings)?;
    value["findings"] = serde_json::to_value(found).map_err(wrong)?;
    Ok(value)
}

fn findings(records: &dyn Records, id: Option<PayloadId>) -> Result<Vec<NotedFinding>, Error> {
    let Some(id) = id else { return Ok(Vec::new()) };
    let json = records.payload(id).map_err(|e| Error::Gateway(e.to_string()))?;
    serde_json::from_slice(&json).map_err(|e| Error::Gateway(e.to_string()))
}

fn head(one: &Exception, context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    let entry = one.kind.entry();
    let (strong, faint) = (context.paint.strong, context.paint.faint);
    let state = match (&one.settled, one.state) {
        (Some(settled), _) => {
            let how = settled.how.map_or("mended by itself", Action::done);
            let by =
                if settled.who.is_empty() { String::new() } else { format!(" by {}", settled.who) };
            let why = if settled.reason.is_empty() {
                String::new()
            } else {
                format!(": {}", settled.reason)
            };
            format!("{how}{by} at {:.0}{why}", settled.at)
        }
        (None, _) => "open".to_owned(),
    };
    writeln!(
        out,
        "{strong}Exception {}: {}{strong:#} {faint}({}, {}){faint:#}",
        one.id,
        entry.title,
        entry.name,
        one.severity.name()
    )?;
    let times = if one.count == 1 {
        String::new()
    } else {
        format!(", {} times, the last at {:.0}", one.count, one.last)
    };
    let lines = [
        ("state", state),
        ("partner", one.partner.clone()),
        ("owner", one.owner.clone()),
        ("place", one.place.clone()),
        ("opened", format!("{:.0}{times}", one.opened)),
        ("due", format!("{:.0}", one.due)),
    ];
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "  {faint}{name:<8}{faint:#} {}", plain(value))?;
    }
    writeln!(out, "\n  {}", entry.what)?;
    for line in one.words.lines() {
        writeln!(out, "  {}", plain(line))?;
    }
    writeln!(out, "  {strong}mend:{strong:#} {}\n", plain(&one.mend))?;
    Ok(())
}

fn thing(
    records: &dyn Records,
    (number, item): (usize, &ExceptionItem),
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let (strong, faint) = (context.paint.strong, context.paint.faint);
    let settled = if item.settled { ", settled" } else { "" };
    let label = plain(item.subject.label());
    writeln!(out, "{strong}{number}{strong:#} {label} {faint}{:.0}{settled}{faint:#}", item.at)?;
    if let Some(payload) = item.payload {
        writeln!(out, "  {faint}payload {payload}{faint:#}")?;
    }
    let found = findings(records, item.findings)?;
    // Of bytes that are gone, or no X12, the findings are shown without them.
    let bytes = item.payload.and_then(|id| records.payload(id).ok()).unwrap_or_default();
    let terminator = terminator(&bytes);
    for finding in found.iter().take(FINDINGS_SHOWN) {
        self::finding(finding, (&bytes, terminator), context, out)?;
    }
    if let Some(more) = found.len().checked_sub(FINDINGS_SHOWN).filter(|more| *more > 0) {
        writeln!(out, "  and {more} more findings")?;
    }
    writeln!(out)?;
    Ok(())
}

fn finding(
    finding: &NotedFinding,
    (bytes, terminator): (&[u8], Option<u8>),
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let (strong, rail) = (context.paint.strong, context.paint.furniture);
    let (severity, code) = (&finding.severity, &finding.code);
    writeln!(out, "  {severity}[{code}]{strong}: {}{strong:#}", plain(&finding.message))?;
    let segment = terminator.filter(|_| finding.is_placed).and_then(|terminator| {
        let at = usize::try_from(finding.offset).ok()?;
        segment(bytes, at, terminator).map(|(raw, start)| (raw, at - start, terminator))
    });
    if let Some((raw, start, terminator)) = segment {
        let label = match finding.position {
            0 => String::new(),
            position => position.to_string(),
        };
        let width = label.len().max(3);
        let blank = " ".repeat(width);
        let room = context.paint.room(COLUMNS_MAX, width + 6);
        let shown = Snippet::new(raw, Some(terminator), start, finding.length as usize, room);
        let under = format!("{}{}", " ".repeat(shown.indent), "^".repeat(shown.carets));
        writeln!(out, "  {rail}{label:>width$} |{rail:#} {}", shown.text)?;
        writeln!(out, "  {blank} {rail}|{rail:#} {under}")?;
    }
    let said = [
        ("mend", Some(&finding.mend)),
        ("field", finding.field.as_ref()),
        ("rule", Some(&finding.rule)),
    ];
    for (name, value) in said {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            writeln!(out, "      {rail}={rail:#} {name}: {}", plain(value))?;
        }
    }
    Ok(())
}

fn foot(
    one: &Exception,
    items: &[ExceptionItem],
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let (strong, id, entry) = (context.paint.strong, one.id, one.kind.entry());
    let open = || items.iter().filter(|item| !item.settled);
    let can = |action: &Action| *action != Action::Accept || open().any(|item| item.acceptable);
    let actions = entry.actions.iter().copied().chain([Action::Dismiss]).filter(can);
    let mut actions: Vec<Action> = actions.filter(|_| one.state == ExceptionState::Open).collect();
    actions.extend(items.iter().any(|item| item.dismissed).then_some(Action::Reopen));
    if !actions.is_empty() {
        writeln!(out, "{strong}What can be done{strong:#}")?;
    }
    for action in &actions {
        let what = match action {
            Action::Retry => "do the step that failed once more",
            Action::Replay => "have the bytes go through the gateway once more",
            Action::Edit => "put edited bytes in their place",
            Action::Accept => "have it go on as it is",
            Action::Dismiss => "close it; nothing is done",
            Action::Reopen => "open again what was dismissed",
        };
        let mut command = format!("crossdock exceptions {} {id}", action.name());
        if *action == Action::Edit {
            command.push_str(" FILE");
            if open().count() > 1 {
                command.push_str(" --item N");
            }
        }
        if action.needs_reason() {
            command.push_str(" --reason \"…\"");
        }
        writeln!(out, "  {command:<52} {what}")?;
    }
    if actions.contains(&Action::Edit) {
        let item = if items.len() > 1 { " --item N" } else { "" };
        let command = format!("crossdock exceptions show {id} --save FILE{item}");
        writeln!(out, "  {command:<52} write its bytes into a file, to be edited")?;
    }
    match entry.playbook {
        Playbook::Page(page) => writeln!(
            out,
            "{strong}Playbook{strong:#} docs/playbooks/{page}.md, or crossdock exceptions kinds {}",
            entry.name
        )?,
        Playbook::None(why) => writeln!(out, "{why}")?,
    }
    Ok(())
}

/// The terminator of segments in an interchange.
fn terminator(bytes: &[u8]) -> Option<u8> {
    let mut reader = Reader::of_slice(bytes, Limits::default());
    match reader.next() {
        Ok(Some(Event::Interchange(header))) => Some(header.delimiters.segment),
        _ => None,
    }
}

/// The segment that a byte is in, and where it begins.
fn segment(bytes: &[u8], at: usize, terminator: u8) -> Option<(&[u8], usize)> {
    let before = bytes.get(..at)?;
    let mut start = before.iter().rposition(|&byte| byte == terminator).map_or(0, |p| p + 1);
    while start < at && matches!(bytes.get(start), Some(b'\r' | b'\n')) {
        start += 1;
    }
    let rest = bytes.get(at..)?;
    let end = at + rest.iter().position(|&byte| byte == terminator).unwrap_or(rest.len());
    Some((bytes.get(start..end)?, start))
}
