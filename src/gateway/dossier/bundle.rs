//! The folder that one hands over: the bytes, what the log tells, and the proofs that it was told then.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Dossier, event_words, leaf};
use crate::audit::{self, Checkpoint, Hash, Proofs, PublicKey, root_of_proof};
use crate::disk;
use crate::store::{AUDIT, Error, PayloadId, Payloads, Told, Trail};

const README: &str = include_str!("README.txt");
const RECEIPTS: &str = include_str!("RECEIPTS.txt");
const ENTRIES: &str = "entries.jsonl";
const PROOFS: &str = "proofs.jsonl";
const CHECKPOINT: &str = "checkpoint";
const KEYS: &str = "public-keys";
const BYTES: &str = "bytes";
const TIMELINE: &str = "timeline.txt";
const CONTENTS: &str = "contents.txt";

/// What a folder holds, or what was found in one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// Entries of the log.
    pub entries: usize,
    /// Files and documents.
    pub payloads: usize,
    /// What is missing, or wrong, in words.
    pub faults: Vec<String>,
}

/// That a line is in the tree of the checkpoint.
#[derive(Debug, Serialize, Deserialize)]
struct Inclusion {
    entry: u64,
    leaf: Hash,
    proof: Vec<Hash>,
}

/// Writes everything about a number of a partner into a new folder. The newest checkpoint must cover it: what is not signed yet is
/// left out, and said to be.
///
/// # Errors
/// Where the log cannot be read, nothing of that number is in it, several partners have the number and none is named,
/// nothing was signed yet, or the folder cannot be written.
pub fn export_dossier(
    data: &Path,
    number: &str,
    partner: Option<&str>,
    to: &Path,
) -> Result<Bundle, Error> {
    let refuse =
        |path: &Path, reason: String| Error::Open { path: path.display().to_string(), reason };
    let audit = data.join(AUDIT);
    let keys = audit::public_keys(&audit)?;
    let note = audit::newest(&audit)?.unwrap_or_default();
    let checkpoint =
        Checkpoint::read(&note, &keys).map_err(|words| refuse(&audit.join(CHECKPOINT), words))?;
    let dossier = Dossier::find(data, number, partner)?;
    if dossier.is_empty() {
        let of = partner.map(|name| format!(" of {name}")).unwrap_or_default();
        return Err(refuse(&audit, format!("no document{of} has the number {number}")));
    }
    if dossier.partners().len() > 1 {
        let names: Vec<&str> = dossier.partners().iter().map(String::as_str).collect();
        let names = names.join(", ");
        return Err(refuse(
            &audit,
            format!("{number} is a number of several partners: {names}. Say whose with --partner"),
        ));
    }
    if to.exists() {
        return Err(refuse(
            to,
            "it is there already; a dossier is written into a new folder".to_owned(),
        ));
    }
    let mut told = gather(data, &dossier, &checkpoint)?;
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("README.txt".to_owned(), readme(&dossier, number).into_bytes()),
        (CHECKPOINT.to_owned(), note.into_bytes()),
        (KEYS.to_owned(), audit::key_lines(&keys).into_bytes()),
        (ENTRIES.to_owned(), std::mem::take(&mut told.entries)),
        (PROOFS.to_owned(), told.proofs()),
        (TIMELINE.to_owned(), std::mem::take(&mut told.timeline).into_bytes()),
    ];
    let mut bundle = Bundle { entries: told.found.len(), ..Bundle::default() };
    if told.unsigned > 0 {
        bundle.faults.push(format!(
            "{} entries about it are newer than the last checkpoint, and left out. Try again in a few seconds",
            told.unsigned
        ));
    }
    let mut contents = String::new();
    let payloads = Payloads::look(data)?;
    for (id, what) in &dossier.payloads {
        match payloads.get(*id) {
            Ok(bytes) => {
                // Writing into a String cannot fail.
                let _ = writeln!(contents, "{id}  {what}");
                files.push((format!("{BYTES}/{id}"), bytes));
                bundle.payloads += 1;
            }
            Err(error) => bundle.faults.push(format!("{what}: {error}")),
        }
    }
    files.push((CONTENTS.to_owned(), contents.into_bytes()));
    write(to, &files)?;
    Ok(bundle)
}

/// What is in the folder, and how all of it is verified.
fn readme(dossier: &Dossier, number: &str) -> String {
    let mut text = README.replace("{number}", number);
    if !dossier.receipts_signed.is_empty() {
        text.push_str(RECEIPTS);
    }
    for (receipt, signer) in &dossier.receipts_signed {
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "    openssl cms -verify -inform SMIME -in {BYTES}/{receipt} -certfile {BYTES}/{signer} -nointern -noverify"
        );
    }
    text
}

fn write(to: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Error> {
    let failed = |path: &Path, e: &std::io::Error| Error::File {
        doing: "writing",
        path: path.display().to_string(),
        reason: e.to_string(),
    };
    disk::create_dir(&to.join(BYTES)).map_err(|e| failed(to, &e))?;
    for (name, bytes) in files {
        let path = to.join(name);
        disk::write_new(&path, bytes).map_err(|e| failed(&path, &e))?;
    }
    disk::sync_dir(to).map_err(|e| failed(to, &e))
}

/// What the log tells of it, up to the checkpoint.
#[derive(Default)]
struct Gathered {
    entries: Vec<u8>,
    timeline: String,
    found: Vec<(u64, Hash)>,
    proofs: Vec<Vec<Hash>>,
    unsigned: usize,
}

impl Gathered {
    fn proofs(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for ((entry, leaf), proof) in self.found.iter().zip(&self.proofs) {
            let proof = Inclusion { entry: *entry, leaf: *leaf, proof: proof.clone() };
            // Numbers and texts always have a JSON form.
            lines.extend(serde_json::to_vec(&proof).unwrap_or_default());
            lines.push(b'\n');
        }
        lines
    }
}

fn gather(data: &Path, dossier: &Dossier, checkpoint: &Checkpoint) -> Result<Gathered, Error> {
    let mut gathered = Gathered::default();
    let mut proofs = Proofs::default();
    let mut trail = Trail::open(data, 1)?;
    while let Some(told) = trail.read()? {
        let wanted = dossier.tells_of(&told);
        if told.number > checkpoint.size {
            gathered.unsigned += usize::from(wanted);
            continue;
        }
        let leaf = leaf(&told);
        proofs.push(leaf, wanted);
        if !wanted {
            continue;
        }
        gathered.found.push((told.number, leaf));
        gathered.entries.extend_from_slice(told.line);
        gathered.entries.push(b'\n');
        tell(&told, &mut gathered.timeline);
    }
    if proofs.tree().root() != checkpoint.root {
        let path = data.join(AUDIT).display().to_string();
        let reason = "it is not what was signed: `crossdock audit verify` tells where".to_owned();
        return Err(Error::Open { path, reason });
    }
    gathered.proofs = proofs.finish().into_iter().map(|(_, proof)| proof).collect();
    Ok(gathered)
}

/// What an entry tells, for reading.
fn tell(told: &Told<'_>, timeline: &mut String) {
    for record in &told.journal {
        let entry = &record.entry;
        let event = event_words(entry.event);
        let note = entry.note.trim().replace('\n', " | ");
        // Writing into a String cannot fail.
        let _ = writeln!(
            timeline,
            "{}  entry {}  {}  {event}  {}  {note}",
            entry.at, told.number, told.by, entry.subject
        );
    }
}

/// Checks a folder that [`export_dossier`] has written: the signature, that every entry was in the log that was signed,
/// that the timeline tells what they tell, and that the bytes are there and those that the entries name. With `keys` only those count; else those in the folder, which say
/// no more than that it is of one piece.
///
/// # Errors
/// Where a file cannot be read. What is wrong is in the answer.
pub fn verify_dossier(folder: &Path, keys: Option<&[PublicKey]>) -> Result<Bundle, Error> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|e| Error::File {
            doing: "reading",
            path: path.display().to_string(),
            reason: e.to_string(),
        })
    };
    let mut bundle = Bundle::default();
    let own = match keys {
        Some(keys) => keys.to_vec(),
        None => audit::public_keys(folder)?,
    };
    let checkpoint = match Checkpoint::read(&read(CHECKPOINT)?, &own) {
        Ok(checkpoint) => checkpoint,
        Err(words) => {
            bundle.faults.push(format!("{CHECKPOINT}: {words}"));
            return Ok(bundle);
        }
    };
    let (entries, proofs) = (read(ENTRIES)?, read(PROOFS)?);
    let (mut named, mut timeline) = (BTreeSet::new(), String::new());
    if entries.lines().count() != proofs.lines().count() {
        bundle.faults.push(format!("{ENTRIES} and {PROOFS} have not the same number of lines"));
    }
    for (line, proof) in entries.lines().zip(proofs.lines()) {
        bundle.entries += 1;
        let proof: Option<Inclusion> = serde_json::from_str(proof).ok();
        let leaf = Hash::leaf(line.as_bytes());
        let place = |proof: &Inclusion| proof.entry.checked_sub(1);
        let led = proof
            .as_ref()
            .and_then(|proof| root_of_proof(leaf, place(proof)?, checkpoint.size, &proof.proof));
        let says = audit::Head::of(line.as_bytes()).map(|head| head.sequence);
        if led != Some(checkpoint.root) || says != proof.map(|proof| proof.entry) {
            bundle.faults.push(format!(
                "{ENTRIES}: line {} was not in the log that was signed",
                bundle.entries
            ));
        }
        if let Some(told) = says.and_then(|number| Told::read(number, line.as_bytes()).ok()) {
            tell(&told, &mut timeline);
        }
        named.extend(hashes(line));
    }
    if read(TIMELINE)? != timeline {
        bundle.faults.push(format!("{TIMELINE}: it does not tell what the entries tell"));
    }
    check_bytes(folder, &named, &mut bundle)?;
    for id in read(CONTENTS)?.lines().filter_map(|line| line.split(' ').next()) {
        if !folder.join(BYTES).join(id).is_file() {
            bundle.faults.push(format!("{BYTES}/{id}: it is missing, and {CONTENTS} names it"));
        }
    }
    Ok(bundle)
}

fn check_bytes(
    folder: &Path,
    named: &BTreeSet<PayloadId>,
    bundle: &mut Bundle,
) -> Result<(), Error> {
    let folder = folder.join(BYTES);
    let failed = |e: std::io::Error| Error::File {
        doing: "reading",
        path: folder.display().to_string(),
        reason: e.to_string(),
    };
    for file in fs::read_dir(&folder).map_err(failed)? {
        let file = file.map_err(failed)?;
        let name = file.file_name().to_string_lossy().into_owned();
        let id = PayloadId::of(&fs::read(file.path()).map_err(failed)?);
        bundle.payloads += 1;
        if id.to_string() != name {
            bundle
                .faults
                .push(format!("{BYTES}/{name}: its bytes are others: their SHA-256 is {id}"));
        } else if !named.contains(&id) {
            bundle.faults.push(format!("{BYTES}/{name}: no entry names it"));
        }
    }
    Ok(())
}

/// Every text of 64 hexadecimal digits in a line.
fn hashes(line: &str) -> impl Iterator<Item = PayloadId> {
    line.split('"').filter_map(|text| text.parse().ok())
}
