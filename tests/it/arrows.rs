//! The modules and the arrows between them are as ARCHITECTURE.md says, and the core is pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What the core may not name: files, sockets, clocks, threads, stores, logging, the environment.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
    "SystemTime",
    "Instant",
    "Zoned::now",
    "Timestamp::now",
    "tokio",
    "sled",
    "tracing",
    "reqwest",
    "tempfile",
    "clap",
];

/// Modules that are pure: everything above the line in ARCHITECTURE.md.
const CORE: &[&str] = &[
    "x12",
    "findings",
    "grammar",
    "canonical",
    "map",
    "overlay",
    "acks",
    "crosswalk",
    "exceptions",
    "profile",
    "connector",
    "learn",
    "translate",
    "wording",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The lines `module → module, module` of the section "Arrows" in ARCHITECTURE.md.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = text.split("\n## ").find(|s| s.starts_with("Arrows")).expect("a section Arrows");
    section
        .lines()
        .filter_map(|line| line.trim().split_once('→'))
        .map(|(from, to)| {
            let to = to.split(',').map(|t| t.trim().to_owned()).filter(|t| t != "nothing");
            (from.trim().to_owned(), to.collect())
        })
        .collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            rust_files(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            found.push(entry);
        }
    }
}

/// Every file under src/ with its top-level module and its code: comments gone, and what only tests see.
fn sources() -> Vec<(String, PathBuf, String)> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    files.sort();
    files
        .into_iter()
        .filter(|file| !file.ends_with("tests.rs"))
        .map(|file| {
            let relative = file.strip_prefix(root().join("src")).unwrap().to_path_buf();
            let first = relative.components().next().unwrap().as_os_str().to_string_lossy();
            let module = first.trim_end_matches(".rs").to_owned();
            let text = std::fs::read_to_string(&file).unwrap();
            (module, relative, code_of(&text))
        })
        .collect()
}

/// Cuts comments, and everything from `#[cfg(test)]` on a line of its own in front of a module.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let tests_follow = lines.peek().is_some_and(|next| next.starts_with("mod "));
        if line == "#[cfg(test)]" && tests_follow {
            break;
        }
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    code
}

/// The modules named after each `crate::`, those in braces included.
fn named_modules(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = code[at + "crate::".len()..].trim_start();
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut word, mut at_head) = (0, String::new(), true);
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    _ => {}
                }
                if c.is_alphanumeric() || c == '_' {
                    word.push(c);
                    continue;
                }
                if !word.is_empty() && at_head && depth <= usize::from(c == '{') {
                    named.insert(word.clone());
                    at_head = false;
                }
                word.clear();
                if c == ',' && depth == 0 {
                    at_head = true;
                }
            }
            if !word.is_empty() && at_head {
                named.insert(word);
            }
        } else {
            named.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    named
}

#[test]
fn modules_use_only_what_the_architecture_allows() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    for (module, file, code) in sources() {
        if module == "lib" || module == "main" {
            continue;
        }
        let Some(may_use) = allowed.get(&module) else {
            wrong.push(format!(
                "src/{}: ARCHITECTURE.md has no arrows for {module}",
                file.display()
            ));
            continue;
        };
        for used in named_modules(&code) {
            if used != module && allowed.contains_key(&used) && !may_use.contains(&used) {
                wrong.push(format!("src/{}: {module} → {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that ARCHITECTURE.md does not allow:\n{}", wrong.join("\n"));
}

#[test]
fn arrows_point_one_way() {
    let allowed = allowed();
    let names: Vec<_> = allowed.keys().cloned().collect();
    let mut left = names.clone();
    while !left.is_empty() {
        // Whatever uses nothing that is left can be taken away; where nothing can, there is a circle.
        let before = left.len();
        let free: Vec<_> = left
            .iter()
            .filter(|m| !left.iter().any(|l| allowed[*m].contains(l)))
            .cloned()
            .collect();
        left.retain(|m| !free.contains(m));
        assert!(left.len() < before, "the arrows of ARCHITECTURE.md go in a circle: {left:?}");
    }
    for core in CORE {
        assert!(names.contains(&(*core).to_owned()), "ARCHITECTURE.md has no arrows for {core}");
    }
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for (module, file, code) in sources() {
        if !CORE.contains(&module.as_str()) {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            for word in IMPURE.iter().filter(|word| names(line, word)) {
                wrong.push(format!("src/{}:{}: {word}", file.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "the core does not do this:\n{}", wrong.join("\n"));
}

/// Whether the line has the word with nothing of a longer name around it.
fn names(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(part)
            && !line[at + word.len()..].chars().next().is_some_and(part)
            && !in_string(line, at)
    })
}

/// Whether the byte stands inside a string literal of this line.
fn in_string(line: &str, at: usize) -> bool {
    line[..at].matches('"').count() % 2 == 1
}

#[test]
fn grouped_uses_are_seen() {
    let code = "use crate::{x12::{Tag, Segments}, map, findings::Finding};\nfn f(g: crate::grammar::Tree) {}";
    let seen: Vec<_> = named_modules(code).into_iter().collect();
    assert_eq!(seen, ["findings", "grammar", "map", "x12"]);
}
