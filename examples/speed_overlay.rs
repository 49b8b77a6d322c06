#[path = "../benches/generate.rs"]
mod generate;
use crossdock::overlay::*;
use crossdock::translate::*;
#[derive(Debug)]
struct Agreed(Overlay);
impl Overlays for Agreed {
    fn overlay(&self, _: &str, _: &str, _: Direction) -> Option<&Overlay> {
        Some(&self.0)
    }
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (set, under, times): (&str, bool, u32) =
        (&args[1], args[2] == "under", args[3].parse().unwrap());
    let engine = Engine::embedded();
    let rules = if set == "850" {
        include_str!("../benches/850.overlay")
    } else {
        include_str!("../benches/856.overlay")
    };
    let (source, errors) = parse_overlay("x", rules);
    assert!(errors.is_empty(), "{errors:?}");
    let grammar = engine.grammars().grammar(set, "004010").unwrap();
    let begun = std::time::Instant::now();
    for _ in 0..100 {
        std::hint::black_box(Overlay::compile(&[&source], grammar).unwrap());
    }
    let each = begun.elapsed() / 100;
    let agreed = Agreed(Overlay::compile(&[&source], grammar).unwrap());
    for w in agreed.0.warnings() {
        println!("{w}");
    }
    println!("{} rules, compile {each:?}", agreed.0.rules().count());
    let kind =
        if set == "850" { generate::Kind::PurchaseOrders } else { generate::Kind::ShipNotices };
    let mut bytes = Vec::new();
    generate::write(kind, 4_000_000, &mut bytes).unwrap();
    let begun = std::time::Instant::now();
    for _ in 0..times {
        let options =
            Options { overlays: under.then_some(&agreed as &dyn Overlays), ..Options::default() };
        let mut session = Session::of_slice(&engine, &bytes, options);
        while let Some(step) = session.next().unwrap() {
            if let Step::Set(set) = step {
                if !set.findings.is_empty() {
                    println!("{:#?}", set.findings[0]);
                    return;
                }
            }
        }
    }
    println!("{:?}", begun.elapsed() / times.max(1));
}
