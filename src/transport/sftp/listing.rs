//! What a folder of a server shows: which of its files are for us, which are finished, and which cannot be taken at
//! all. Whatever the server lists, what is kept of it is bounded.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::time::{Duration, Instant};

use super::connection::{Attributes, Entry};
use crate::disk::{Arrival, Look, is_unfinished};
use crate::profile::{Finished, Sftp as Settings};

/// Entries of a folder that are looked at; a listing that goes on is left. About 40 seconds of a server that answers
/// quickly.
const ENTRIES_MAX: usize = 250_000;
/// The oldest files that are kept in mind from one look to the next: ten looks' worth.
const FILES_MAX: usize = 10_000;
/// Files that were set aside and are remembered, so that each is told of once.
const ASIDE_MAX: usize = 1_000;
/// The size of a file of which the server tells none.
const NO_SIZE: u64 = u64::MAX;
/// The longest name; common file systems allow 255.
const NAME_BYTES_MAX: usize = 255;

/// What is remembered of a folder between looks.
#[derive(Default)]
pub(super) struct Memory {
    sightings: HashMap<OsString, Sighting>,
    /// Files that were not taken, and stay where they are.
    aside: HashMap<OsString, Attributes>,
    /// Files that were taken and whose marker may be gone already.
    taken: HashMap<OsString, Attributes>,
}

struct Sighting {
    attributes: Attributes,
    since: Instant,
}

/// A listing that is being read.
pub(super) struct Listing<'a> {
    settings: &'a Settings,
    before: &'a Memory,
    entries: usize,
    /// The newest on top: it goes when there are too many.
    oldest: BinaryHeap<(u64, OsString, u64)>,
    /// All names, where some of them are markers.
    names: HashSet<OsString>,
    aside: HashMap<OsString, Attributes>,
    untakeable: Vec<(OsString, Attributes)>,
}

impl Memory {
    /// A file stays where it is and is not told of again.
    pub(super) fn set_aside(&mut self, arrival: &Arrival) {
        if self.aside.len() < ASIDE_MAX {
            self.aside.insert(arrival.file_name().to_owned(), attributes(arrival));
        }
    }

    /// A file is about to leave, its marker first.
    pub(super) fn begin_to_take(&mut self, arrival: &Arrival) {
        if self.taken.len() < FILES_MAX {
            self.taken.insert(arrival.file_name().to_owned(), attributes(arrival));
        }
    }

    /// It has left.
    pub(super) fn took(&mut self, arrival: &Arrival) {
        self.taken.remove(arrival.file_name());
    }
}

impl<'a> Listing<'a> {
    pub(super) fn begin(settings: &'a Settings, before: &'a Memory) -> Self {
        Self {
            settings,
            before,
            entries: 0,
            oldest: BinaryHeap::new(),
            names: HashSet::new(),
            aside: HashMap::new(),
            untakeable: Vec::new(),
        }
    }

    /// Takes an entry in. Tells whether to go on.
    pub(super) fn add(&mut self, entry: Entry) -> bool {
        self.entries += 1;
        let Entry { name, is_file, attributes } = entry;
        if !is_file || name == "." || name == ".." {
            return self.entries < ENTRIES_MAX;
        }
        if matches!(self.settings.finished, Finished::Marker(_)) {
            self.names.insert(name.clone());
        }
        let attributes = attributes.unwrap_or(Attributes { size: NO_SIZE, modified: 0 });
        let is_untakeable = objection(&name, attributes.size).is_some();
        let text = name.to_string_lossy();
        if (is_unfinished(&text) && !is_untakeable) || !self.settings.pattern.matches(&text) {
            return self.entries < ENTRIES_MAX;
        }
        if self.before.aside.get(&name) == Some(&attributes) {
            self.aside.insert(name, attributes);
        } else if is_untakeable {
            if self.aside.len() + self.untakeable.len() < ASIDE_MAX {
                self.untakeable.push((name, attributes));
            }
        } else {
            self.oldest.push((attributes.modified, name, attributes.size));
            if self.oldest.len() > FILES_MAX {
                self.oldest.pop();
            }
        }
        self.entries < ENTRIES_MAX
    }

    /// What the listing comes to, and what is to be remembered of it.
    pub(super) fn end(self, now: Instant, files_max: usize) -> (Look, Memory) {
        let mut look = Look::default();
        let mut memory = Memory { aside: self.aside, ..Memory::default() };
        // They can wait no longer, and will not get better.
        for (name, attributes) in self.untakeable {
            look.ready.push(arrival(name, attributes));
        }
        let markers: HashSet<OsString> = self
            .oldest
            .iter()
            .filter_map(|(_, name, _)| marker(self.settings, name).filter(|m| m != name))
            .collect();
        for (modified, name, size) in self.oldest.into_sorted_vec() {
            if markers.contains(&name) {
                continue;
            }
            let attributes = Attributes { size, modified };
            let known = self.before.sightings.get(&name).filter(|s| s.attributes == attributes);
            let since = known.map_or(now, |sighting| sighting.since);
            let is_taken = self.before.taken.get(&name) == Some(&attributes);
            if is_taken {
                memory.taken.insert(name.clone(), attributes);
            }
            let is_ready = is_taken
                || match &self.settings.finished {
                    Finished::Stable(settle) => {
                        known.is_some() && now.saturating_duration_since(since) >= *settle
                    }
                    Finished::Marker(_) => marker(self.settings, &name)
                        .is_some_and(|marker| marker != name && self.names.contains(&marker)),
                    Finished::Rename => true,
                };
            if matches!(self.settings.finished, Finished::Stable(_)) {
                look.unsettled += usize::from(!is_ready);
                memory.sightings.insert(name.clone(), Sighting { attributes, since });
            }
            if is_ready {
                look.ready.push(arrival(name, attributes));
            }
        }
        look.more = look.ready.len() > files_max;
        look.ready.truncate(files_max);
        (look, memory)
    }
}

/// The marker of a file; none where there are no markers.
pub(super) fn marker(settings: &Settings, name: &OsStr) -> Option<OsString> {
    settings.finished.marker_of(name.to_str()?).map(OsString::from)
}

/// How long it takes at the soonest until a file that is seen now is finished.
pub(super) fn settle(settings: &Settings) -> Duration {
    match settings.finished {
        Finished::Stable(settle) => settle,
        Finished::Marker(_) | Finished::Rename => Duration::ZERO,
    }
}

const SECOND: i128 = 1_000_000_000;

fn arrival(name: OsString, attributes: Attributes) -> Arrival {
    let Attributes { size, modified } = attributes;
    Arrival::elsewhere(shown(&name), size, i128::from(modified) * SECOND, name)
}

/// What was told of a file when it was seen.
pub(super) fn attributes(arrival: &Arrival) -> Attributes {
    let modified = u64::try_from(arrival.modified_nanoseconds / SECOND).unwrap_or(0);
    Attributes { size: arrival.size, modified }
}

/// A name for people: whatever would move a cursor is escaped, and what is too long is cut.
fn shown(name: &OsStr) -> String {
    let text = name.to_string_lossy();
    let mut shown = String::new();
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
        if shown.len() > NAME_BYTES_MAX {
            shown.push('…');
            break;
        }
    }
    shown
}

/// Why a file is not taken, whatever is in it.
pub(super) fn objection(name: &OsStr, size: u64) -> Option<&'static str> {
    if size == NO_SIZE {
        return Some("the server does not tell its size");
    }
    let bytes = name.as_encoded_bytes();
    if bytes.iter().any(|byte| matches!(byte, b'/' | b'\\')) {
        return Some("its name leads out of the folder");
    }
    if name.to_string_lossy().chars().any(char::is_control) {
        return Some("its name has control characters");
    }
    (bytes.len() > NAME_BYTES_MAX).then_some("its name is longer than 255 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{After, Sftp};

    fn settings(finished: Finished, pattern: &str) -> Sftp {
        let span = Duration::from_secs(1);
        Sftp {
            host: "host".to_owned(),
            port: 22,
            user: "user".to_owned(),
            key: None,
            key_passphrase: None,
            password: None,
            host_keys: Vec::new(),
            inbound: ".".to_owned(),
            outbound: "out".to_owned(),
            after: After::Delete,
            pattern: glob::Pattern::new(pattern).unwrap(),
            finished,
            upload_name: "{name}".to_owned(),
            connect_timeout: span,
            idle_timeout: span,
            operation_timeout: span,
            keepalive: span,
            close_after: span,
        }
    }

    fn entry(name: &str, attributes: Option<(u64, u64)>) -> Entry {
        let attributes = attributes.map(|(size, modified)| Attributes { size, modified });
        Entry { name: name.into(), is_file: true, attributes }
    }

    /// What a listing comes to, and how many of its entries were read.
    fn list(
        settings: &Sftp,
        before: &Memory,
        entries: impl IntoIterator<Item = Entry>,
    ) -> ((Look, Memory), usize) {
        let mut listing = Listing::begin(settings, before);
        let mut read = 0;
        for entry in entries {
            read += 1;
            if !listing.add(entry) {
                break;
            }
        }
        (listing.end(Instant::now(), 10), read)
    }

    fn names(look: &Look) -> Vec<&str> {
        look.ready.iter().map(|arrival| arrival.name.as_str()).collect()
    }

    #[test]
    fn a_listing_without_end_is_left_and_little_of_it_kept() {
        let settings = settings(Finished::Stable(Duration::ZERO), "*");
        let endless = (0_u64..).map(|at| entry(&format!("{at}.edi"), Some((1, u64::MAX - at))));
        let ((look, memory), read) = list(&settings, &Memory::default(), endless);
        assert_eq!(
            (read, look.unsettled, memory.sightings.len()),
            (ENTRIES_MAX, FILES_MAX, FILES_MAX)
        );
        let bad = (0_u64..).map(|at| entry(&format!("../{at}"), Some((1, at))));
        let ((look, _), _) = list(&settings, &Memory::default(), bad);
        assert_eq!(look.ready.len(), 10, "no more than are asked for");
    }

    #[test]
    fn names_that_lead_astray_are_handed_on_only_to_be_refused() {
        let settings = settings(Finished::Rename, "*");
        let long = "n".repeat(256);
        let told = [
            entry(".", Some((0, 0))),
            entry("..", Some((0, 0))),
            entry("../../etc/cron.d/job", Some((1, 1))),
            entry("a/b.edi", Some((1, 1))),
            entry("bell\u{7}.edi", Some((1, 1))),
            entry(&long, Some((1, 1))),
            entry("sizeless.edi", None),
            entry(".half.edi", Some((1, 1))),
            entry("good.edi", Some((1, 2))),
        ];
        let ((look, memory), _) = list(&settings, &Memory::default(), told);
        let refused: Vec<_> =
            look.ready.iter().map(|arrival| objection(arrival.file_name(), arrival.size)).collect();
        assert_eq!(refused.iter().filter(|reason| reason.is_some()).count(), 5, "{refused:?}");
        assert_eq!(names(&look).last(), Some(&"good.edi"));
        assert!(look.ready.iter().all(|arrival| !arrival.name.contains('\u{7}')));
        let mut memory = memory;
        for arrival in look.ready.iter().take(5) {
            memory.set_aside(arrival);
        }
        let again = [entry("a/b.edi", Some((1, 1))), entry("bell\u{7}.edi", Some((2, 1)))];
        let ((look, memory), _) = list(&settings, &memory, again);
        assert_eq!(look.ready.len(), 1, "only what is another now is told of again");
        assert_eq!(memory.aside.len(), 1, "and what is gone is forgotten");
    }

    #[test]
    fn a_file_with_its_marker_is_finished_and_no_marker_is_a_file() {
        let settings = settings(Finished::Marker("{stem}.ok".to_owned()), "*");
        let told = || {
            ["a.edi", "a.ok", "b.edi", "c.ok", "d.edi", "d.okay"]
                .map(|name| entry(name, Some((1, 1))))
        };
        let ((look, _), _) = list(&settings, &Memory::default(), told());
        assert_eq!(names(&look), ["a.edi"]);
        // Its marker has gone, and the file has not: it is still to go.
        let mut memory = Memory::default();
        memory.begin_to_take(&arrival("b.edi".into(), Attributes { size: 1, modified: 1 }));
        let ((look, _), _) = list(&settings, &memory, told());
        assert_eq!(names(&look), ["a.edi", "b.edi"]);
    }
}
