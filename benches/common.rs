//! What the benchmarks of the service share: an order, and the words of a result.

use std::fmt::Write as _;
use std::fs;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A set 850 of some 2 KB, from its ST to its SE.
pub fn order(number: &str, control: &str) -> String {
    let mut body = format!(
        "BEG*00*SA*{number}**20261119~REF*DP*0482~REF*IA*77120~DTM*010*20261127~DTM*001*20261204~\
         N1*BY*HARBOR & PINE*92*0001~N1*ST*HARBOR & PINE STORE 0417*92*0417~N3*210 LAKESIDE AVENUE~N4*DULUTH*MN*55802*US~"
    );
    let mut lines = 0;
    while body.len() < 1800 {
        lines += 1;
        let _ = write!(
            body,
            "PO1*{lines}*24*EA*12.50**UP*614141001019*VN*NP-TOTE-{lines:03}~PID*F*08***CANVAS TOTE NATURAL~PO4*12*1*EA~"
        );
    }
    let segments = body.matches('~').count() + 3;
    let total = 24 * lines;
    format!("ST*850*{control}~{body}CTT*{lines}*{total}~SE*{segments}*{control}~")
}

/// An interchange with one group of 850s, so many sets of them.
pub fn interchange(sender: &str, control: u32, count: u32, sets: &str) -> String {
    format!(
        "ISA*00*          *00*          *08*{sender:<15}*ZZ*NORTHDOCK3PL   *261119*1412*U*00401*{control:09}*0*P*>~\
         GS*PO*{sender}*NORTHDOCK3PL*20261119*1412*{control}*X*004010VICS~{sets}\
         GE*{count}*{control}~IEA*1*{control:09}~"
    )
}

/// Whether a figure is what is wanted.
pub fn verdict(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "NO" }
}

/// How busy the machine was in the last 1, 5 and 15 minutes.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
