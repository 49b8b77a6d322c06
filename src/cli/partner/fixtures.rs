//! The documents beside a profile that prove it: each gives the findings that are written beside it, and no others.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::Error;
use crate::findings::{Code, Finding, Severity};
use crate::profile::{Direction, Partner, Problem};
use crate::translate::{Engine, Options, Received, receive_under};
use crate::x12::{Interchange, Limits};

/// Judges each `fixtures/*.edi` of a profile; what is not as expected is a problem. Tells how many there were.
///
/// # Errors
/// Files that cannot be read.
pub(super) fn check(
    engine: &Engine,
    partner: &Partner,
    folder: &str,
    problems: &mut Vec<Problem>,
) -> Result<u64, Error> {
    let folder = Path::new(folder).join("fixtures");
    if !folder.is_dir() {
        return Ok(0);
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&folder).map_err(Error::read(&folder))? {
        files.push(entry.map_err(Error::read(&folder))?.path());
    }
    files.retain(|path| path.extension().is_some_and(|ending| ending == "edi"));
    files.sort();
    for file in &files {
        let bytes = fs::read(file).map_err(Error::read(file))?;
        let beside = file.with_extension("findings");
        let expected = match fs::read_to_string(&beside) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(Error::read(&beside)(e)),
        };
        compare(engine, partner, file, &bytes, &expected, problems);
    }
    Ok(files.len() as u64)
}

fn compare(
    engine: &Engine,
    partner: &Partner,
    file: &Path,
    bytes: &[u8],
    expected: &str,
    problems: &mut Vec<Problem>,
) {
    let name = file.display().to_string();
    let Some((direction, received)) = judge(engine, partner, bytes) else {
        let words = "is no interchange between this partner and us: its ISA names other identities";
        problems.push(Problem::whole(&name, words));
        return;
    };
    // By line: how often it was expected, less how often it was found.
    let mut balance: BTreeMap<String, i64> = BTreeMap::new();
    for line in expected.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        // What stands between findings (the envelope that they are in) is for people.
        if line.split_whitespace().next().is_some_and(|word| Code::find(word).is_some()) {
            *balance.entry(line.split_whitespace().collect::<Vec<_>>().join(" ")).or_default() += 1;
        }
    }
    let mut words_of: BTreeMap<String, &str> = BTreeMap::new();
    for finding in findings(&received).filter(|f| f.severity >= Severity::Warning) {
        let line = line(finding);
        *balance.entry(line.clone()).or_default() -= 1;
        words_of.insert(line, &finding.message);
    }
    let way = match direction {
        Direction::In => "from the partner",
        Direction::Out => "to the partner",
    };
    for (line, left) in balance {
        if left > 0 {
            let words = format!("{way}: the finding `{line}` was expected, and is not found");
            problems.push(Problem::whole(&name, words));
        } else if left < 0 {
            let message = words_of.get(&line).copied().unwrap_or_default();
            let words = format!("{way}: the finding `{line}` was not expected: {message}");
            problems.push(Problem::whole(&name, words));
        }
    }
}

/// `R01 error REF02`: what a line of a `.findings` file says of a finding.
fn line(finding: &Finding) -> String {
    let place = &finding.place;
    let weight = crate::cli::paint::severity_word(finding.severity);
    let element = match place.element {
        0 => String::new(),
        number => format!("{number:02}"),
    };
    format!("{} {weight} {}{element}", finding.code, place.segment).trim_end().to_owned()
}

/// Every finding of an input.
pub(super) fn findings(received: &Received) -> impl Iterator<Item = &Finding> {
    let envelopes = received.interchanges.iter().flat_map(|i| {
        let groups = i.groups.iter().flat_map(|group| {
            group.findings.iter().chain(group.sets.iter().flat_map(|set| &set.findings))
        });
        i.findings.iter().chain(groups)
    });
    received.stray.iter().chain(envelopes)
}

/// Reads an input under an agreement, in the direction that its first interchange goes; `None` where that is between
/// others.
pub(super) fn judge(
    engine: &Engine,
    partner: &Partner,
    bytes: &[u8],
) -> Option<(Direction, Received)> {
    let read = |direction| {
        let options = Options {
            limits: Limits::default(),
            unknown_set: Severity::Fatal,
            overlays: Some(partner),
            direction,
        };
        let errors_as = partner.acknowledgements.policy.errors_as;
        receive_under(engine, bytes, options, &|_| errors_as)
    };
    let received = read(Direction::In);
    let direction = direction(partner, &received.interchanges.first()?.header)?;
    let received = if direction == Direction::In { received } else { read(direction) };
    Some((direction, received))
}

/// Whether an interchange comes from the partner or goes to it; `None` where it is between others.
pub(super) fn direction(partner: &Partner, header: &Interchange) -> Option<Direction> {
    let is = |sent: &crate::x12::Identity, agreed: &crate::profile::Identity| {
        sent.qualifier.trim() == agreed.qualifier.trim() && sent.id.trim() == agreed.id.trim()
    };
    let (sender, receiver) = (header.sender(), header.receiver());
    partner.identity.all().find_map(|(_, pair)| {
        if is(&sender, &pair.partner) && is(&receiver, &pair.own) {
            Some(Direction::In)
        } else if is(&sender, &pair.own) && is(&receiver, &pair.partner) {
            Some(Direction::Out)
        } else {
            None
        }
    })
}
