//! Mistakes that people make in profiles, seeded one at a time: each is found, where it stands, in words that help.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crossdock::folders::profile_sources;
use crossdock::grammar::SourceFile;
use crossdock::profile::{ProfileSource, Profiles};
use crossdock::translate::Engine;

/// A text in a file that is replaced by another.
#[derive(Default)]
struct Mistake {
    name: String,
    folder: String,
    file: String,
    find: Vec<String>,
    replace: Vec<String>,
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cli/mistakes")
}

/// The mistakes of `mistakes.txt`, whose head says how it is written.
fn mistakes() -> Vec<Mistake> {
    let text = std::fs::read_to_string(here().join("mistakes.txt")).unwrap();
    let mut mistakes: Vec<Mistake> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some(line) = line.strip_prefix("  ") else {
            mistakes.push(Mistake { name: line.to_owned(), ..Mistake::default() });
            continue;
        };
        let mistake = mistakes.last_mut().unwrap();
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        match mark {
            "in" => {
                let (folder, file) = rest.split_once('/').unwrap();
                (mistake.folder, mistake.file) = (folder.to_owned(), file.to_owned());
            }
            "-" => mistake.find.push(rest.to_owned()),
            "+" => mistake.replace.push(rest.to_owned()),
            other => panic!("{}: {other:?} begins no line", mistake.name),
        }
    }
    mistakes
}

/// The profiles without a fault.
fn clean() -> Vec<ProfileSource> {
    let (mut sources, problems) = profile_sources(&here().join("profiles"));
    assert!(problems.is_empty(), "{problems:?}");
    for source in &mut sources {
        source.folder.clone_from(&source.name);
    }
    sources
}

impl Mistake {
    fn seed(&self, mut sources: Vec<ProfileSource>) -> Vec<ProfileSource> {
        let (find, replace) = (self.find.join("\n"), self.replace.join("\n"));
        let at = sources.iter().position(|source| source.name == self.folder);
        let at = at.unwrap_or_else(|| {
            sources.push(ProfileSource {
                name: self.folder.clone(),
                folder: self.folder.clone(),
                files: Vec::new(),
                to_extend: false,
            });
            sources.len() - 1
        });
        let files = &mut sources[at].files;
        match files.iter_mut().find(|file| *file.path == *self.file) {
            None => files.push(SourceFile { path: self.file.as_str().into(), text: replace }),
            Some(file) if !find.is_empty() => {
                assert!(file.text.contains(&find), "{}: no {find:?}", self.name);
                file.text = file.text.replacen(&find, &replace, 1);
            }
            Some(file) if replace.trim_start().starts_with('[') => file.text.push_str(&replace),
            Some(file) => file.text.insert_str(0, &format!("{replace}\n")),
        }
        sources
    }
}

#[test]
fn each_seeded_mistake_is_found() {
    let engine = Engine::embedded();
    let problems = |sources: &[ProfileSource]| {
        Profiles::from_sources(sources, engine.grammars(), engine.maps()).1
    };
    let (clean, mistakes) = (clean(), mistakes());
    let before: Vec<String> = problems(&clean).iter().map(ToString::to_string).collect();
    assert!(before.is_empty(), "the profiles are clean before anything is seeded: {before:#?}");
    assert!(mistakes.len() >= 60);
    let mut shown = String::new();
    let mut missed = Vec::new();
    for mistake in &mistakes {
        let found = problems(&mistake.seed(clean.clone()));
        if !found.iter().any(|problem| problem.file.starts_with(&mistake.folder)) {
            missed.push(mistake.name.as_str());
        }
        let _ = writeln!(shown, "{}", mistake.name);
        for problem in found {
            let _ = writeln!(shown, "    {problem}");
        }
    }
    assert!(missed.is_empty(), "not found: {missed:#?}");
    insta::assert_snapshot!("mistakes", shown);
}
