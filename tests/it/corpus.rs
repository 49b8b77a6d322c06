//! Real files: every one of a folder of samples goes through the program without a panic or a hang.
//!
//! The folder is named by `CROSSDOCK_CORPUS`, else it is `../shared/corpus` beside the package. Where there is none,
//! the test says so and passes: the samples are other people's and are not part of the project.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Far more than any sample needs, even without optimisation on a busy machine.
const SECONDS_MAX: u64 = 60;

pub fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("CROSSDOCK_CORPUS").map(PathBuf::from);
    let folder =
        named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"));
    folder.is_dir().then_some(folder)
}

fn samples(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            samples(&entry, found);
        } else {
            found.push(entry);
        }
    }
}

/// Runs the program over a file or folder; its output, or what went wrong with it. Findings are nothing wrong.
fn run(arguments: &[&str], input: &Path) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().unwrap();
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(arguments)
        .arg(input)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&out).unwrap())
        .stderr(Stdio::from(std::fs::File::create(&err).unwrap()))
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(SECONDS_MAX) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("{arguments:?} hangs"));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let said = String::from_utf8_lossy(&std::fs::read(err).unwrap()).into_owned();
    match status.code() {
        Some(0 | 1) if !said.contains("panicked") => Ok(std::fs::read(out).unwrap()),
        other => Err(format!("{arguments:?} ends with {other:?}: {said}")),
    }
}

/// Every command that reads X12.
const COMMANDS: &[&[&str]] = &[
    &["inspect"],
    &["inspect", "--format", "json"],
    &["validate", "--show", "advice"],
    &["ack", "--ta1", "always"],
    &["ack", "--as", "999"],
    &["translate", "--to", "json"],
    &["translate", "--to", "xml"],
    &["translate", "--to", "x12"],
];

#[test]
fn every_sample_goes_through_every_command() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no folder of sample files (set CROSSDOCK_CORPUS to one)");
        return;
    };
    let mut files = Vec::new();
    samples(&folder, &mut files);
    assert!(!files.is_empty(), "{} holds no files", folder.display());
    for command in COMMANDS {
        // All at once is quicker; one by one tells which it was.
        if let Err(what) = run(command, &folder) {
            let named = files.iter().find_map(|file| {
                run(command, file).err().map(|what| format!("{}: {what}", file.display()))
            });
            panic!("{}", named.unwrap_or(what));
        }
    }
}

#[test]
fn what_is_read_of_the_samples_can_be_written() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no folder of sample files (set CROSSDOCK_CORPUS to one)");
        return;
    };
    let documents = run(&["translate", "--to", "json"], &folder).unwrap();
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("documents.jsonl");
    std::fs::write(&file, &documents).unwrap();
    for release in ["004010", "005010"] {
        let written = run(&["translate", "--to", "x12", "--release", release], &file).unwrap();
        let sets = written.windows(4).filter(|w| w == b"\nST*").count();
        let lines = documents.split(|&b| b == b'\n').count() - 1;
        // What the other release has no place for is left out, and said so.
        assert!(sets * 4 >= lines * 3, "{sets} of {lines} documents in {release}");
    }
}
