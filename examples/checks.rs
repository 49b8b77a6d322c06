use crossdock::findings::*;
use crossdock::grammar::*;
use crossdock::x12::*;
use std::collections::HashMap;
fn main() {
    let lib = Library::embedded();
    let mut checkers: HashMap<(String, String), Option<Checker>> = HashMap::new();
    let (mut scratch, mut tree) = (Scratch::default(), Tree::default());
    for f in std::env::args().skip(1) {
        let bytes = std::fs::read(&f).unwrap();
        let mut r = Reader::new(&bytes[..]);
        println!("== {f}");
        let mut release = String::new();
        while let Some(e) = r.next().unwrap() {
            match e {
                Event::Group(g) => release = g.release(),
                Event::Set(s) => {
                    let c = checkers.entry((s.id.clone(), release.clone())).or_insert_with(|| {
                        lib.grammar(&s.id, &release).map(|g| Checker::new(g.clone()))
                    });
                    let Some(c) = c else {
                        println!("  no grammar {} {release}", s.id);
                        continue;
                    };
                    let mut f = Findings::default();
                    c.check(&s.segments, &mut scratch, &mut tree, &mut f);
                    for f in f.finish() {
                        println!(
                            "  {:?} {} seg {} {}: {} | {} | {:?}",
                            f.severity,
                            f.code,
                            f.place.segment_position,
                            f.place.loop_path,
                            f.message,
                            f.mend,
                            f.rule.map(|r| format!("{}:{}", r.file, r.line))
                        );
                    }
                }
                _ => {}
            }
        }
    }
}
