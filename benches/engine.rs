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
use crossdock::translate::{Engine, Options, Session, Step};
use crossdock::x12::{Event, Reader, Style};
use generate::Kind;

/// Size of each generated file.
const BYTES: u32 = 50_000_000;

/// The baseline: nom's `take_till` on the two delimiters, nothing allocated, nothing understood.
mod baseline {
    use nom::IResult;
    use nom::bytes::complete::{take, take_till};

    /// One element and the delimiter after it.
    fn element(input: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
        let (input, element) = take_till(|b| b == b'*' || b == b'~')(input)?;
        let (input, delimiter) = take(1usize)(input)?;
        Ok((input, (element, delimiter)))
    }

    /// Splits everything, and counts segments, elements and the bytes in them.
    pub fn split(mut input: &[u8]) -> (u64, u64, u64) {
        let (mut segments, mut elements, mut bytes) = (0, 0, 0);
        while let Ok((rest, (element, delimiter))) = element(input) {
            elements += 1;
            bytes += element.len() as u64;
            segments += u64::from(delimiter == b"~");
            input = rest;
        }
        (segments, elements, bytes)
    }
}

/// A thing to measure: its name, the least ratio to the baseline that we want, and what it does.
struct Task {
    name: &'static str,
    wanted: Option<f64>,
    run: fn(&[u8]) -> u64,
}

const TASKS: &[Task] = &[
    Task { name: "baseline: nom splitter", wanted: None, run: split },
    Task { name: "tokenise", wanted: Some(1.5), run: tokenise },
    Task { name: "check in full, 997 ready", wanted: Some(0.5), run: check },
];

fn split(bytes: &[u8]) -> u64 {
    let (segments, elements, sum) = baseline::split(bytes);
    segments ^ elements ^ sum
}

/// Every set with all its segments, and the place of each of their elements.
fn tokenise(bytes: &[u8]) -> u64 {
    let mut reader = Reader::new(bytes);
    let mut elements = 0;
    while let Some(event) = reader.next().expect("memory can be read") {
        if let Event::Set(set) = event {
            elements += set.segments.iter().map(|segment| segment.len() as u64).sum::<u64>();
        }
    }
    elements
}

/// The grammars are loaded once, as in a gateway.
static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::embedded);

/// Every set walked and checked, and the 997 of every group written.
fn check(bytes: &[u8]) -> u64 {
    let (policy, style) = (AckPolicy::default(), Style::default());
    let grammar = ENGINE.checker("997", "004010").expect("it is embedded").grammar();
    let mut session = Session::new(&ENGINE, bytes, Options::default());
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

/// Seconds of each sample, by file and task.
type Samples = RefCell<BTreeMap<(usize, usize), Vec<f64>>>;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    let files = [("850", Kind::PurchaseOrders), ("856", Kind::ShipNotices)];
    let samples = Samples::default();
    let mut sizes = Vec::new();
    for (at, (name, kind)) in files.into_iter().enumerate() {
        let mut bytes = Vec::new();
        let size = generate::write(kind, u64::from(BYTES), &mut bytes)
            .expect("a vector takes whatever is written");
        sizes.push(u32::try_from(size).expect("the file is as large as BYTES, and one set"));
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        for (task_at, task) in TASKS.iter().enumerate() {
            group.bench_function(task.name, |bencher| {
                bencher.iter_custom(|count| {
                    let begun = Instant::now();
                    for _ in 0..count {
                        black_box((task.run)(black_box(&bytes)));
                    }
                    let taken = begun.elapsed();
                    let each = taken / u32::try_from(count).unwrap_or(u32::MAX);
                    samples.borrow_mut().entry((at, task_at)).or_default().push(each.as_secs_f64());
                    taken
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
    print_table(&files.map(|(name, _)| name), &sizes, &samples.borrow());
}

/// The median of the samples of each task as MB/s, and its ratio to the baseline of the same file.
fn print_table(files: &[&str], sizes: &[u32], samples: &BTreeMap<(usize, usize), Vec<f64>>) {
    println!("\n{:<6} {:<26} {:>9} {:>7} {:>8}", "file", "task", "MB/s", "ratio", "wanted");
    for (at, file) in files.iter().enumerate() {
        let mut baseline = None;
        for (task_at, task) in TASKS.iter().enumerate() {
            let Some(seconds) = samples.get(&(at, task_at)).map(|all| median(all)) else {
                continue;
            };
            let rate = f64::from(sizes[at]) / seconds / 1e6;
            let base = *baseline.get_or_insert(rate);
            let wanted = task.wanted.map_or(String::new(), |w| format!("{w:.2}"));
            println!("{file:<6} {:<26} {rate:>9.0} {:>7.2} {wanted:>8}", task.name, rate / base);
        }
    }
}

fn median(all: &[f64]) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
