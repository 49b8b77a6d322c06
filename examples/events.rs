use crossdock::x12::*;
fn main() {
    for f in std::env::args().skip(1) {
        let bytes = std::fs::read(&f).unwrap();
        let mut r = Reader::new(&bytes[..]);
        println!("== {f}");
        while let Some(e) = r.next().unwrap() {
            match e {
                Event::Set(s) => println!(
                    "  set {} {:?} {} segs {:?}",
                    s.id,
                    s.control_number,
                    s.segments.len(),
                    s.faults.iter().map(|f| (f.kind, &f.found, &f.expected)).collect::<Vec<_>>()
                ),
                Event::Interchange(i) => println!(
                    "ISA {} {} {:?} {:?}",
                    i.sender(),
                    i.receiver(),
                    i.delimiters,
                    i.faults.iter().map(|f| f.kind).collect::<Vec<_>>()
                ),
                Event::Group(g) => println!(
                    " GS {:?} {:?}",
                    g.version(),
                    g.faults.iter().map(|f| f.kind).collect::<Vec<_>>()
                ),
                Event::GroupEnd(g) => println!(
                    " GE {:?}",
                    g.faults.iter().map(|f| (f.kind, &f.found, &f.expected)).collect::<Vec<_>>()
                ),
                Event::InterchangeEnd(g) => println!(
                    "IEA {:?} end {} of {}",
                    g.faults.iter().map(|f| (f.kind, &f.found, &f.expected)).collect::<Vec<_>>(),
                    g.end,
                    bytes.len()
                ),
                Event::InterchangeAck(s) => println!(" TA1 {:?}", String::from_utf8_lossy(s.raw())),
                Event::Stray(f) => {
                    println!(" STRAY {:?} {:?} at {} len {}", f.kind, f.found, f.offset, f.length)
                }
            }
        }
    }
}
