//! `crossdock status`: what the gateway wrote last, for people.

use std::path::Path;
use std::process::Command;

use crossdock::store::Event;

use crate::house::{House, multi, order};

fn status(folder: &Path) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(["status", "--config"])
        .arg(folder.join("crossdock.toml"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).unwrap(), output.status.code().unwrap())
}

#[test]
fn it_tells_whether_the_gateway_runs_and_what_is_wrong() {
    multi().block_on(async {
        let mut house = House::open();
        house.until(|house| house.path("data/status.json").exists()).await;
        let (said, _) = house.command(&["status"]);
        assert!(said.contains("The gateway runs (version "), "{said}");
        assert!(said.contains("1 partner is in force\n"), "{said}");
        assert!(said.contains("No exception is open."), "{said}");
        // Of nobody that we know.
        house.drop_inbound("stray.edi", &order(1, "PO-1").replace("6125550100", "9999999999"));
        house.wait(Event::ExceptionRaised).await;
        // One that is killed leaves this behind.
        let file = house.path("data/status.json");
        let of_one_that_runs = std::fs::read(&file).unwrap();
        let folder = house.close().await;
        let (said, code) = status(folder.path());
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("The gateway does not run; it was last seen "), "{said}");
        assert!(
            said.contains("1 exception is open (1 high); see `crossdock exceptions`."),
            "{said}"
        );
        std::fs::write(&file, of_one_that_runs).unwrap();
        let (said, code) = status(folder.path());
        assert!(said.contains("The gateway does not run") && code == 1, "{said}");
    });
}

#[test]
fn where_no_gateway_has_run_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "data = \"data\"\nprofiles = \"partners\"\n[endpoints.warehouse]\nfolder = \"warehouse\"\n";
    std::fs::write(folder.path().join("crossdock.toml"), text).unwrap();
    let (said, code) = status(folder.path());
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("begin with `crossdock serve`"), "{said}");
}
