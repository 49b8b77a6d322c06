//! `docs/onboarding.md`, followed to the letter: its commands are run, and print what it says.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

/// What stands for what is left out.
const LEFT_OUT: char = '…';

/// A command of the page, and what it prints.
struct Typed {
    command: String,
    shown: Vec<String>,
}

fn typed(page: &str) -> Vec<Typed> {
    let mut typed: Vec<Typed> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (inside, line) {
            (_, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match line.strip_prefix("$ ") {
                Some(command) => {
                    typed.push(Typed { command: command.to_owned(), shown: Vec::new() });
                }
                None => typed.last_mut().expect("a command").shown.push(line.to_owned()),
            },
            (false, _) => {}
        }
    }
    typed
}

/// Whether a line is as it is shown.
fn fits(shown: &str, line: &str) -> bool {
    let mut rest = line.trim_end();
    let mut parts = shown.trim_end().split(LEFT_OUT);
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// Whether lines are as they are shown; a line of nothing but `…` stands for any number of them.
fn all_fit(shown: &[String], lines: &[&str]) -> bool {
    let Some((first, more)) = shown.split_first() else { return lines.is_empty() };
    if first.chars().eq([LEFT_OUT]) {
        return (0..=lines.len()).any(|skipped| all_fit(more, &lines[skipped..]));
    }
    lines.split_first().is_some_and(|(line, rest)| fits(first, line) && all_fit(more, rest))
}

fn shell(folder: &Path, command: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_crossdock"));
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell
        .current_dir(folder)
        .args(["-c", command])
        .env("PATH", format!("{}:{path}", program.parent().unwrap().display()))
        .env("LC_ALL", "C.UTF-8")
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    shell
}

/// A gateway that runs until it is dropped.
struct Serving {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    shown: std::vec::IntoIter<String>,
}

impl Serving {
    fn start(folder: &Path, typed: Typed) -> Self {
        let mut child = shell(folder, &format!("exec {}", typed.command))
            .env_remove("NO_COLOR")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut serving = Self { child, lines, shown: typed.shown.into_iter() };
        let first = serving.shown.next().expect("what is said at the start");
        serving.until(vec![first]);
        serving
    }

    /// Reads what it says until it has said all of this, in whatever order: what is sent and what is delivered go ways
    /// of their own.
    fn until(&mut self, mut shown: Vec<String>) {
        let mut said = Vec::new();
        while !shown.is_empty() {
            let Some(line) = self.lines.next() else {
                panic!("never said {shown:#?}, but\n{}", said.join("\n"));
            };
            let line = line.unwrap();
            assert!(!line.contains('\x1b'), "colours are for a terminal: {line:?}");
            shown.retain(|one| !fits(one, &line));
            said.push(line);
        }
    }

    fn say_the_rest(&mut self) {
        let rest = self.shown.by_ref().collect();
        self.until(rest);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // One that has ended by itself needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[cfg(unix)]
fn the_page_does_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/onboarding.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (here, samples) =
        (folder.path().join("here"), folder.path().join("fixtures/cli/onboarding"));
    fs::create_dir_all(&here).unwrap();
    fs::create_dir_all(&samples).unwrap();
    for entry in fs::read_dir(root.join("fixtures/cli/onboarding")).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), samples.join(entry.file_name())).unwrap();
    }
    let mut serving: Option<Serving> = None;
    for typed in typed(&page) {
        if typed.command == "crossdock serve" {
            serving = Some(Serving::start(&here, typed));
            continue;
        }
        let output = shell(&here, &typed.command).output().unwrap();
        let bytes = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            all_fit(&typed.shown, &lines),
            "$ {}\n{text}\nis not as the page has it:\n{}",
            typed.command,
            typed.shown.join("\n")
        );
        if let Some(serving) = &mut serving {
            serving.say_the_rest();
        }
    }
    assert!(serving.is_some(), "the page runs the gateway");
}

#[test]
fn what_is_left_out_may_be_anything() {
    let shown = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(all_fit(&shown("a\n…\nd…f\n"), &["a", "b", "c", "d e f"]));
    assert!(all_fit(&shown("…"), &[]));
    assert!(!all_fit(&shown("a\nb"), &["a", "b", "c"]));
    assert!(!all_fit(&shown("a…c"), &["a b"]));
}
