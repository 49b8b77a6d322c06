//! Writes a large X12 file to standard output: `generate 850 1000000000 > large.edi`.

#[path = "../benches/generate.rs"]
mod generate;

use std::io::Write;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [set, bytes] = &arguments[..] else { return usage() };
    let kind = match set.as_str() {
        "850" => generate::Kind::PurchaseOrders,
        "856" => generate::Kind::ShipNotices,
        _ => return usage(),
    };
    let Ok(bytes) = bytes.parse() else { return usage() };
    let mut out = std::io::BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    match generate::write(kind, bytes, &mut out).and_then(|_| out.flush()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn usage() -> std::process::ExitCode {
    eprintln!("usage: generate 850|856 BYTES > FILE");
    std::process::ExitCode::from(2)
}
