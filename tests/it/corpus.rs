//! Real files: every one of a folder of samples goes through the program without a panic or a hang.
//!
//! The folder is named by `CROSSDOCK_CORPUS`, else it is `../shared/corpus` beside the package. Where there is none,
//! the test says so and passes: the samples are other people's and are not part of the project.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Far more than any sample needs, even without optimisation on a busy machine.
const SECONDS_MAX: u64 = 60;

fn folder() -> Option<PathBuf> {
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

/// Runs the program; its exit code and output, or what went wrong with it.
fn run(arguments: &[&str], input: &Path) -> Result<(i32, Vec<u8>), String> {
    let folder = tempfile::tempdir().unwrap();
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(arguments)
        .stdin(std::fs::File::open(input).unwrap())
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
        std::thread::sleep(Duration::from_millis(2));
    };
    let said = String::from_utf8_lossy(&std::fs::read(err).unwrap()).into_owned();
    match status.code() {
        Some(code @ (0 | 1)) if !said.contains("panicked") => {
            Ok((code, std::fs::read(out).unwrap()))
        }
        other => Err(format!("{arguments:?} ends with {other:?}: {said}")),
    }
}

#[test]
fn every_sample_goes_through_every_command() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no folder of sample files (set CROSSDOCK_CORPUS to one)");
        return;
    };
    let mut files = Vec::new();
    samples(&folder, &mut files);
    files.sort();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, NonZero::get) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(what) = through(file) {
                        wrong.lock().unwrap().push(format!("{}: {what}", file.display()));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} samples:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

fn through(file: &Path) -> Result<(), String> {
    run(&["inspect"], file)?;
    run(&["inspect", "--format", "json"], file)?;
    Ok(())
}
