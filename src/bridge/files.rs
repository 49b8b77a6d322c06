//! Calls of a connector whose API is a folder: `PUT` writes a file, `GET` tells of those that have come.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::api::Told;
use super::{Arrival, Error};
use crate::connector::{Answer, Bounds, Request, is_known, records};
use crate::disk::{Arrivals, Limits, create_dir, write_to};

/// The member of the query that names files which are done with.
const DONE: &str = "done";
/// Longest name of a file that is written; common file systems allow 255, and until it is whole it has more.
const NAME_BYTES_MAX: usize = 200;
/// Most bytes of the marks of one look: a cursor of them has to be small enough to be kept.
const MARKS_BYTES_MAX: usize = 2 << 10;
/// Most bytes of the files of one look, and of one file: programs see them as trees of values, which are much larger.
const LOOK_BYTES_MAX: u64 = 4 << 20;
/// Most records of the files of one look; one file may have more.
const LOOK_RECORDS_MAX: usize = 2_000;
/// What one file may have: programs give no more values and text than this.
const BOUNDS: Bounds = Bounds { records: 9_000, text: 8 << 20 };

/// The folder of one endpoint.
pub(super) struct Files {
    root: PathBuf,
    limits: Limits,
    /// Held while a file is written: one of the same name may be written for another partner.
    writing: Mutex<()>,
    /// By the paths of calls, the folders that were looked into.
    places: Mutex<HashMap<String, Arc<Arrivals>>>,
}

impl Files {
    /// A folder; nothing is made yet.
    pub(super) fn new(root: PathBuf, limits: Limits) -> Self {
        let limits = Limits { file_bytes: limits.file_bytes.min(LOOK_BYTES_MAX), ..limits };
        Self { root, limits, writing: Mutex::default(), places: Mutex::default() }
    }

    /// Makes a call.
    ///
    /// # Errors
    /// [`Error::Transient`] where the folder fails, [`Error::Refused`] where the call is none for a folder.
    pub(super) fn call(&self, request: &Request) -> Result<Told, Error> {
        let refused = |words: String| {
            let reason = format!("{} {}: {words}", request.method, request.path);
            Error::Refused { reason }
        };
        if !request.headers.is_empty() {
            return Err(refused("a folder knows no headers".to_owned()));
        }
        let parts: Vec<&str> = request.path.split('/').filter(|part| !part.is_empty()).collect();
        let is_name = |part: &str| {
            !part.starts_with('.') && !part.contains('\\') && part.len() <= NAME_BYTES_MAX
        };
        if let Some(part) = parts.iter().find(|part| !is_name(part)) {
            return Err(refused(format!("`{part}` is no name of a file here")));
        }
        match (request.method, parts.as_slice()) {
            ("PUT", [folders @ .., name]) => {
                if let Some((name, _)) = request.query.first() {
                    return Err(refused(format!("a folder knows no `{name}` in a query")));
                }
                let _still = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
                let folder = folders.iter().fold(self.root.clone(), |path, part| path.join(part));
                create_dir(&folder)?;
                write_to(&folder, name, text(request).as_bytes())?;
                Ok(told(201, Value::Null, false))
            }
            ("GET", parts) => {
                if let Some((name, _)) = request.query.iter().find(|(name, _)| name != DONE) {
                    return Err(refused(format!("a folder knows no `{name}` in a query")));
                }
                let done = request.query.iter().map(|(_, mark)| mark.as_str()).collect::<Vec<_>>();
                self.list(parts, &done)
            }
            _ => Err(refused("a folder knows `PUT` of a file, and `GET`".to_owned())),
        }
    }

    /// Puts files away that are done with, and tells of those that lie ready, the oldest first.
    fn list(&self, parts: &[&str], done: &[&str]) -> Result<Told, Error> {
        let place = self.place(parts)?;
        if !done.is_empty() {
            let is_done = |arrival: &Arrival| done.contains(&mark(arrival).as_str());
            place.archive_taken(|arrival| is_done(arrival).then(|| kept_as(arrival)))?;
        }
        let look = place.look()?;
        let (mut files, mut marks, mut bytes, mut records) = (Vec::new(), 0, 0, 0);
        let mut more = look.more || look.unsettled > 0;
        for arrival in &look.ready {
            let mark = mark(arrival);
            marks += mark.len();
            bytes += arrival.size;
            if !files.is_empty() && (marks > MARKS_BYTES_MAX || bytes > LOOK_BYTES_MAX) {
                more = true;
                break;
            }
            match read(&place, arrival) {
                Ok(mut file) => {
                    records += file["records"].as_array().map_or(0, Vec::len);
                    if !files.is_empty() && records > LOOK_RECORDS_MAX {
                        more = true;
                        break;
                    }
                    file["mark"] = json!(mark);
                    files.push(file);
                }
                // It was still being written, or somebody took it away.
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::ResourceBusy
                    ) =>
                {
                    more = true;
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(told(200, Value::Array(files), more))
    }

    fn place(&self, parts: &[&str]) -> Result<Arc<Arrivals>, Error> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let key = parts.join("/");
        if let Some(found) = places.get(&key) {
            return Ok(Arc::clone(found));
        }
        let (name, above) = parts.split_last().map_or(("", parts), |(name, above)| (*name, above));
        let above = above.iter().fold(self.root.clone(), |path, part| path.join(part));
        // Nothing is set aside here: what cannot be read becomes an exception, and lies in the archive.
        let archive = above.join("archive").join(name);
        let opened = Arrivals::open(above.join(name), archive.clone(), archive, self.limits)?;
        let opened = Arc::new(opened);
        places.insert(key, Arc::clone(&opened));
        Ok(opened)
    }
}

/// What a file is known by: another one of its name has another.
fn mark(arrival: &Arrival) -> String {
    format!("{}-{}-{}", arrival.modified_nanoseconds, arrival.size, arrival.name)
}

/// What keeps files apart in the archive, whose names are plain ones.
fn kept_as(arrival: &Arrival) -> String {
    let digest = Sha256::new_with_prefix(mark(arrival))
        .chain_update(arrival.file_name().as_encoded_bytes())
        .finalize();
    let short = digest.iter().take(6).fold(0, |short, byte| short << 8 | u64::from(*byte));
    format!("{short:012x}")
}

/// A file as programs see it: with its records, or its text where it is of no kind that has records, or with why it cannot be
/// read.
fn read(place: &Arrivals, arrival: &Arrival) -> io::Result<Value> {
    let name = &arrival.name;
    let unread = |words: String| Ok(json!({"name": name, "error": words}));
    let bytes = match place.read(arrival) {
        Ok(bytes) => bytes,
        // It keeps nobody from the others.
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::FileTooLarge | io::ErrorKind::PermissionDenied
            ) =>
        {
            return unread(e.to_string());
        }
        Err(e) => return Err(e),
    };
    if bytes.is_empty() {
        return unread("it is empty".to_owned());
    }
    if !is_known(name) {
        return match String::from_utf8(bytes) {
            Ok(text) => Ok(json!({"name": name, "text": text})),
            Err(e) => unread(format!("it is no text: {e}")),
        };
    }
    Ok(match records(name, &bytes, BOUNDS) {
        Ok(records) => json!({"name": name, "records": records}),
        Err(words) => {
            let text = String::from_utf8_lossy(&bytes);
            json!({"name": name, "error": words, "text": text})
        }
    })
}

/// A body as a file has it: a text as it is, anything else as JSON.
fn text(request: &Request) -> String {
    match request.body_value() {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => format!("{other:#}\n"),
    }
}

fn told(status: u16, body: Value, more: bool) -> Told {
    let answer = Answer { status, headers: json!({}), body };
    Told { answer, retry_after: None, unsettled: None, more }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    const AT_ONCE: Limits = Limits { settle: Duration::ZERO, file_bytes: 100, files: 100 };

    fn list(files: &Files, done: &[&str]) -> (Value, bool) {
        let query: Vec<(String, String)> =
            done.iter().map(|mark| (DONE.to_owned(), (*mark).to_owned())).collect();
        let request = Request {
            method: "GET",
            path: "/in".to_owned(),
            query,
            headers: Vec::new(),
            body: None,
        };
        let told = files.call(&request).unwrap();
        (told.answer.body, told.more)
    }

    #[test]
    fn a_file_of_the_same_name_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path().to_owned(), AT_ONCE);
        // What is new is looked at twice before it counts as finished.
        assert_eq!(list(&files, &[]), (json!([]), false));
        fs::write(folder.path().join("in/a.json"), "{\"a\": 1}").unwrap();
        assert_eq!(list(&files, &[]), (json!([]), true));
        let (told, more) = list(&files, &[]);
        assert_eq!((&told[0]["records"], more), (&json!([{"a": 1}]), false));
        let mark = told[0]["mark"].as_str().unwrap().to_owned();
        fs::write(folder.path().join("in/a.json"), "{\"a\": 22}").unwrap();
        list(&files, &[&mark]);
        let (told, _) = list(&files, &[&mark]);
        assert_eq!(told[0]["records"], json!([{"a": 22}]));
        let other = told[0]["mark"].as_str().unwrap();
        // After a start it has not been looked at before, and is known by its mark all the same.
        let files = Files::new(folder.path().to_owned(), AT_ONCE);
        assert_eq!(list(&files, &[&mark, other]), (json!([]), false));
        assert!(!folder.path().join("in/a.json").exists());
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path().to_owned(), AT_ONCE);
        list(&files, &[]);
        let put = |name: &str, bytes: &[u8]| {
            fs::write(folder.path().join("in").join(name), bytes).unwrap();
        };
        put("large.json", &[b' '; 101]);
        put("not.txt", b"\xff\xfe");
        put("short.csv", b"a,b\n1\n");
        put("flat.txt", b"HDR 1\n");
        put("begun.csv", b"");
        list(&files, &[]);
        let (told, _) = list(&files, &[]);
        let of = |name: &str| {
            told.as_array().unwrap().iter().find(|file| file["name"] == name).unwrap().clone()
        };
        let why = |name: &str| of(name)["error"].as_str().unwrap().to_owned();
        assert!(why("large.json").contains("more than the limit of 100"));
        assert!(why("not.txt").contains("no text"));
        assert_eq!(why("begun.csv"), "it is empty");
        assert!(why("short.csv").contains("fields"), "{}", why("short.csv"));
        assert_eq!(of("short.csv")["text"], "a,b\n1\n");
        assert_eq!(of("flat.txt")["text"], "HDR 1\n");
    }

    #[test]
    fn one_look_tells_of_as_many_as_a_cursor_can_name() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path().to_owned(), AT_ONCE);
        list(&files, &[]);
        for number in 0..90 {
            let name = format!("{number:02}-{}.json", "x".repeat(60));
            fs::write(folder.path().join("in").join(name), "{}").unwrap();
        }
        list(&files, &[]);
        let (mut seen, mut done) = (0, Vec::new());
        loop {
            let marks: Vec<&str> = done.iter().map(String::as_str).collect();
            let (told, _) = list(&files, &marks);
            let told = told.as_array().unwrap();
            if told.is_empty() {
                break;
            }
            seen += told.len();
            done = told.iter().map(|file| file["mark"].as_str().unwrap().to_owned()).collect();
            assert!(Value::from(done.clone()).to_string().len() < 3 << 10);
        }
        assert_eq!(seen, 90);
    }

    #[test]
    fn one_look_has_no_more_records_than_a_program_may_give() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path().to_owned(), Limits { file_bytes: 1 << 30, ..AT_ONCE });
        list(&files, &[]);
        for (name, rows) in [("a.csv", 1500), ("b.csv", 1500), ("c.csv", 9001)] {
            let text = format!("n\n{}", "1\n".repeat(rows));
            fs::write(folder.path().join("in").join(name), text).unwrap();
        }
        list(&files, &[]);
        let told: Vec<Value> = {
            let (first, more) = list(&files, &[]);
            assert!(more);
            let (second, _) = list(&files, &[first[0]["mark"].as_str().unwrap()]);
            [first, second].into_iter().flat_map(|told| told.as_array().unwrap().clone()).collect()
        };
        let names: Vec<&Value> = told.iter().map(|file| &file["name"]).collect();
        assert_eq!(names, ["a.csv", "b.csv", "c.csv"]);
        assert!(told[2]["error"].as_str().unwrap().contains("more than 9000 records"));
    }
}
