//! `crossdock demo` plays the whole job and leaves a folder that `crossdock serve` accepts.

use std::process::Command;

fn crossdock() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
    command.env("NO_COLOR", "1");
    command
}

#[test]
fn the_demonstration_comes_to_its_end_and_leaves_a_gateway_that_can_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let output = crossdock().args(["demo", "--folder"]).arg(folder.path()).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}\n{failed}");
    for part in [
        "Purchase order 4500127731",
        "AK1*PO*4711~",
        "AK5*A~",
        "BSN*00*SH-20417*",
        "MAN*GM*006141410000000012~",
        "BIG*",
        "TDS*81900~",
        "shipment SH-20417: accepted",
        "invoice INV-88417: accepted",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    let mailbox = folder.path().join("mailboxes/harbor-and-pine");
    let count = |name: &str| std::fs::read_dir(mailbox.join(name)).unwrap().count();
    assert_eq!((count("inbound"), count("outbound")), (0, 3));
    let days = std::fs::read_dir(mailbox.join("archive")).unwrap();
    let kept: usize = days.map(|day| std::fs::read_dir(day.unwrap().path()).unwrap().count()).sum();
    assert_eq!(kept, 3);

    let config = folder.path().join("crossdock.toml");
    let checked = crossdock().args(["serve", "--check", "--config"]).arg(config).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    // A folder that is in use is not played in.
    let again = crossdock().args(["demo", "--folder"]).arg(folder.path()).output().unwrap();
    assert_eq!(again.status.code(), Some(2));
}
