//! How fast the engine is, on one core, against a plain splitter in the same run.
//!
//! `cargo bench` prints criterion's figures and then a table of MB/s (10^6 bytes) and ratios to the baseline.

mod generate;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use crossdock::acks::{AckPolicy, GroupAnswer, GroupHeader, GroupTrailer, SetReport};
use crossdock::canonical::Document;
use crossdock::map::{self, WriteOptions};
use crossdock::overlay::{Direction, Overlay, parse_overlay};
use crossdock::translate::{CheckedSet, Engine, Options, Overlays, Session, Step};
use crossdock::x12::{Event, Limits, Reader, Style};
use generate::Kind;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Size of each generated file.
const BYTES: u32 = 50_000_000;
/// How much of it is kept as documents for writing: typed, they take some twenty times as much memory.
const DOCUMENT_BYTES: u32 = 5_000_000;

/// The baseline: segments and elements by nom's combinators, nothing allocated, nothing understood.
mod baseline {
    use nom::bytes::complete::{take, take_till};
    use nom::character::complete::char;
    use nom::multi::fold_many0;
    use nom::sequence::{preceded, terminated};
    use nom::{IResult, Parser};

    fn element(input: &[u8]) -> IResult<&[u8], &[u8]> {
        take_till(|b| b == b'*' || b == b'~')(input)
    }

    /// One segment: how many elements it has, its tag counted, and how many bytes are in them.
    fn segment(input: &[u8]) -> IResult<&[u8], (u64, u64)> {
        let (input, tag) = element(input)?;
        let begin = || (1, tag.len() as u64);
        let add = |(count, bytes), element: &[u8]| (count + 1, bytes + element.len() as u64);
        let elements = fold_many0(preceded(char('*'), element), begin, add);
        terminated(elements, char('~')).parse(input)
    }

    /// Splits everything, and counts segments, elements and the bytes in them.
    pub fn split(mut input: &[u8]) -> (u64, u64, u64) {
        let mut sums = (0, 0, 0);
        while let Ok((rest, (elements, bytes))) = segment(input) {
            sums = (sums.0 + 1, sums.1 + elements, sums.2 + bytes);
            input = rest;
        }
        sums
    }

    /// The same by hand: one parser for whatever comes up to the next delimiter. It knows no structure.
    pub fn split_by_hand(mut input: &[u8]) -> (u64, u64, u64) {
        fn piece(input: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
            let (input, element) = element(input)?;
            let (input, delimiter) = take(1usize)(input)?;
            Ok((input, (element, delimiter)))
        }
        let mut sums = (0, 0, 0);
        while let Ok((rest, (element, delimiter))) = piece(input) {
            sums =
                (sums.0 + u64::from(delimiter == b"~"), sums.1 + 1, sums.2 + element.len() as u64);
            input = rest;
        }
        sums
    }
}

/// A thing to measure: its name, the least ratio to the baseline that we want, and how it is made ready.
struct Task {
    name: &'static str,
    wanted: Option<f64>,
    prepare: for<'a> fn(&'a [u8]) -> Prepared<'a>,
}

/// How many bytes of X12 a run reads or writes, and the run. Its result is there to be computed, not to be looked at.
struct Prepared<'a> {
    bytes: u64,
    run: Box<dyn Fn() -> u64 + 'a>,
}

const UNDER: &str = "check under an overlay";
/// How much longer a check under an overlay may take than a plain one.
const UNDER_MAX: f64 = 1.15;
/// How that is measured: so many rounds over so many bytes.
const ROUNDS: usize = 101;
const PAIRED_BYTES: u64 = 3_000_000;

const TASKS: &[Task] = &[
    Task { name: "baseline: nom splitter", wanted: None, prepare: |bytes| over(bytes, split) },
    Task {
        name: "nom loop, no structure",
        wanted: None,
        prepare: |bytes| {
            over(bytes, |bytes| {
                let (segments, elements, sum) = baseline::split_by_hand(bytes);
                segments ^ elements ^ sum
            })
        },
    },
    Task { name: "tokenise", wanted: Some(1.5), prepare: |bytes| over(bytes, tokenise) },
    Task {
        name: "check in full, 997 ready",
        wanted: Some(0.5),
        prepare: |bytes| over(bytes, check),
    },
    Task { name: UNDER, wanted: None, prepare: |bytes| over(bytes, check_under) },
    Task { name: "translate to JSON", wanted: Some(0.25), prepare: |bytes| over(bytes, translate) },
    Task { name: "write from documents", wanted: Some(0.4), prepare: write },
];

/// A run over the whole file.
fn over(bytes: &[u8], run: fn(&[u8]) -> u64) -> Prepared<'_> {
    Prepared { bytes: bytes.len() as u64, run: Box::new(move || run(black_box(bytes))) }
}

fn split(bytes: &[u8]) -> u64 {
    let (segments, elements, sum) = baseline::split(bytes);
    segments ^ elements ^ sum
}

/// Every set with all its segments, and the place of each of their elements.
fn tokenise(bytes: &[u8]) -> u64 {
    let mut reader = Reader::of_slice(bytes, Limits::default());
    let mut elements = 0;
    while let Some(event) = reader.next().expect("memory can be read") {
        if let Event::Set(set) = event {
            elements += set.segments.iter().map(|segment| segment.len() as u64).sum::<u64>();
        }
    }
    elements
}

/// Grammars and maps are loaded once, as in a gateway.
static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::embedded);

/// What a large retailer asks for, 25 rules a set.
static AGREED: LazyLock<Agreed> = LazyLock::new(|| {
    let overlay = |set: &str, rules: &str| {
        let (source, errors) = parse_overlay("bench.overlay", rules);
        assert!(errors.is_empty(), "{errors:?}");
        let grammar = ENGINE.grammars().grammar(set, "004010").expect("it is embedded");
        let overlay = Overlay::compile(&[&source], grammar).expect("the rules fit");
        assert!(overlay.warnings().is_empty(), "{:?}", overlay.warnings());
        assert_eq!(overlay.rules().count(), 25);
        overlay
    };
    Agreed(["850", "856"].map(|set| match set {
        "850" => overlay(set, include_str!("850.overlay")),
        _ => overlay(set, include_str!("856.overlay")),
    }))
});

#[derive(Debug)]
struct Agreed([Overlay; 2]);

impl Overlays for Agreed {
    fn overlay(&self, set: &str, _: &str, _: Direction) -> Option<&Overlay> {
        self.0.iter().find(|overlay| overlay.grammar().set == set)
    }
}

/// Every set walked and checked, and the 997 of every group written.
fn check(bytes: &[u8]) -> u64 {
    check_by(bytes, None)
}

/// The same under an overlay.
fn check_under(bytes: &[u8]) -> u64 {
    check_by(bytes, Some(&*AGREED))
}

fn check_by(bytes: &[u8], overlays: Option<&dyn Overlays>) -> u64 {
    let (policy, style) = (AckPolicy::default(), Style::default());
    let grammar = ENGINE.checker("997", "004010").expect("it is embedded").grammar();
    let options = Options { overlays, ..Options::default() };
    let mut session = Session::of_slice(&ENGINE, bytes, options);
    let mut answer: Option<GroupAnswer<'_>> = None;
    let mut written = 0;
    while let Some(step) = session.next().expect("memory can be read") {
        match step {
            Step::Group { header, .. } => {
                let (functional_id, number, version) =
                    (header.element(1), header.element(6), header.version());
                let header = GroupHeader {
                    functional_id: &functional_id,
                    control_number: &number,
                    version: &version,
                };
                answer = Some(GroupAnswer::begin(&header, &policy, grammar, &style, "0001"));
            }
            Step::Set(set) => {
                assert!(
                    set.findings.is_empty(),
                    "the generator writes what is valid: {:?}",
                    set.findings
                );
                if let Some(answer) = &mut answer {
                    answer.add_set(&SetReport {
                        id: &set.id,
                        control_number: &set.control_number.0,
                        implementation: "",
                        known_as: None,
                        findings: &set.findings,
                    });
                }
            }
            Step::GroupEnd { end, findings } => {
                let trailer = GroupTrailer { stated: end.stated_sets, findings: &findings };
                written +=
                    answer.take().map_or(0, |answer| answer.finish(&trailer).bytes.len() as u64);
            }
            _ => {}
        }
    }
    written
}

/// Every set walked, checked, and written as a line of JSON.
fn translate(bytes: &[u8]) -> u64 {
    let mut json = Vec::new();
    let mut written = 0;
    each_reading(bytes, |reading, _| {
        json.clear();
        reading.write_json(&mut json);
        written += json.len() as u64;
    });
    written
}

/// Reads each set of the file through its map.
fn each_reading(bytes: &[u8], mut take: impl FnMut(map::Reading<'_>, &CheckedSet<'_>)) {
    let mut session = Session::of_slice(&ENGINE, bytes, Options::default());
    let mut reader = map::Reader::new();
    while let Some(step) = session.next().expect("memory can be read") {
        if let Step::Set(set) = step
            && let Some(walked) = &set.walked
            && let Some(map) = ENGINE.maps().map(&walked.grammar.set, &walked.grammar.release)
        {
            take(reader.read(walked, map), &set);
        }
    }
}

/// The documents of the first sets of the file, written as sets again.
fn write(bytes: &[u8]) -> Prepared<'_> {
    let mut documents = Vec::new();
    let (mut size, mut set_id) = (0, String::new());
    each_reading(bytes, |reading, set| {
        if size < u64::from(DOCUMENT_BYTES) {
            size += set.segments.raw().len() as u64;
            set_id.clone_from(&set.id);
            let json = serde_json::to_string(&reading).expect("a reading is JSON");
            documents
                .push(serde_json::from_str::<Document>(&json).expect("a reading is a document"));
        }
    });
    let map = ENGINE.maps().map(&set_id, "004010").expect("the sets were read by it");
    let grammar = ENGINE.checker(&set_id, "004010").expect("the sets were checked by it").grammar();
    let run = move || {
        let style = Style::default();
        let options = WriteOptions { control_number: "0001", style: &style, hierarchy: None };
        let mut writer = map::Writer::new();
        let (mut out, mut written) = (Vec::new(), 0);
        for document in &documents {
            out.clear();
            let findings = writer
                .write(document, map, grammar, &options, &mut out)
                .expect("the kind is right");
            assert!(findings.is_empty(), "what was read can be written: {findings:?}");
            written += out.len() as u64;
        }
        written
    };
    Prepared { bytes: size, run: Box::new(run) }
}

/// The generated files.
const KINDS: [(&str, Kind); 2] = [("850", Kind::PurchaseOrders), ("856", Kind::ShipNotices)];

/// Seconds for each million bytes of X12, one for each sample, by file and task.
type Samples = RefCell<BTreeMap<(usize, usize), Vec<f64>>>;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    let samples = Samples::default();
    for (at, (name, kind)) in KINDS.into_iter().enumerate() {
        let mut bytes = Vec::new();
        generate::write(kind, u64::from(BYTES), &mut bytes)
            .expect("a vector takes whatever is written");
        let mut group = criterion.benchmark_group(name);
        for (task_at, task) in TASKS.iter().enumerate() {
            let prepared = (task.prepare)(&bytes);
            group.throughput(Throughput::Bytes(prepared.bytes));
            let millions = Duration::from_micros(prepared.bytes).as_secs_f64();
            group.bench_function(task.name, |bencher| {
                bencher.iter_custom(|count| {
                    let begun = Instant::now();
                    for _ in 0..count {
                        black_box((prepared.run)());
                    }
                    let taken = begun.elapsed();
                    let each = taken / u32::try_from(count).unwrap_or(u32::MAX);
                    let sample = each.as_secs_f64() / millions;
                    samples.borrow_mut().entry((at, task_at)).or_default().push(sample);
                    taken
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
    print_table(&KINDS.map(|(name, _)| name), &samples.borrow());
}

/// The median of the samples of each task as MB/s, and its ratio to the baseline of the same file.
fn print_table(files: &[&str], samples: &BTreeMap<(usize, usize), Vec<f64>>) {
    println!("\n{:<6} {:<26} {:>9} {:>7} {:>8}", "file", "task", "MB/s", "ratio", "wanted");
    for (at, file) in files.iter().enumerate() {
        let mut baseline = None;
        for (task_at, task) in TASKS.iter().enumerate() {
            let Some(seconds) = samples.get(&(at, task_at)).map(|all| median(all)) else {
                continue;
            };
            let rate = 1.0 / seconds;
            let base = *baseline.get_or_insert(rate);
            let wanted = task.wanted.map_or(String::new(), |w| format!("{w:.2}"));
            println!("{file:<6} {:<26} {rate:>9.0} {:>7.2} {wanted:>8}", task.name, rate / base);
        }
        if TASKS
            .iter()
            .position(|t| t.name == UNDER)
            .is_some_and(|t| samples.contains_key(&(at, t)))
        {
            let ratio = times_as_long(KINDS[at].1);
            println!(
                "{file:<6} an overlay makes the check {ratio:.2} times as long (wanted: {UNDER_MAX})"
            );
        }
    }
}

/// How much longer a check under an overlay takes: the median of rounds of three short runs, the middle one under it,
/// since a machine is not as fast in one second as in the next.
fn times_as_long(kind: Kind) -> f64 {
    let mut bytes = Vec::new();
    generate::write(kind, PAIRED_BYTES, &mut bytes).expect("a vector takes whatever is written");
    let timed = |overlays: Option<&dyn Overlays>| {
        let begun = Instant::now();
        black_box(check_by(black_box(&bytes), overlays));
        begun.elapsed().as_secs_f64()
    };
    let round = |_| {
        let (before, under, after) = (timed(None), timed(Some(&*AGREED)), timed(None));
        2.0 * under / (before + after)
    };
    median(&(0..ROUNDS).map(round).collect::<Vec<_>>())
}

fn median(all: &[f64]) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
