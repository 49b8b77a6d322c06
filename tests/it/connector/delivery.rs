//! Documents go through `serve` to an API that a connector describes.

use std::fs;
use std::path::Path;

use crossdock::store::Event;
use serde_json::json;

use super::server::{Reply, Server};
use crate::house::{CONFIG, House, PROFILE, multi, order};

/// A configuration whose warehouse is a connector.
pub fn config(connector: &str, settings: &str) -> String {
    let endpoint =
        format!("connector = \"{connector}\"\n\n[endpoints.warehouse.settings]\n{settings}");
    format!(
        "connectors = \"connectors\"\n{}",
        CONFIG.replace("folder = \"warehouse\"\n", &endpoint)
    )
}

/// A folder with a connector in it, and a secret.
pub fn folder(name: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_connector(folder.path(), name, files);
    folder
}

pub fn write_connector(folder: &Path, name: &str, files: &[(&str, &str)]) {
    let own = folder.join("connectors").join(name);
    fs::create_dir_all(&own).unwrap();
    for (file, text) in files {
        fs::write(own.join(file), text).unwrap();
    }
    fs::write(folder.join("secret"), "s3cret\n").unwrap();
}

#[test]
fn an_order_is_pushed_with_its_key_and_token() {
    let server = Server::start(|_| Reply::ok(&json!({"id": 7})));
    multi().block_on(async {
        let settings = format!("url = \"{}\"\ntoken = \"file:secret\"\n", server.url());
        let config = config("http-json", &settings);
        let mut house = House::within(folder("other", &[]), &config, PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        let delivered = house.wait(Event::DocumentDelivered).await.entry.subject;
        assert_eq!(server.lines(), ["POST /orders"]);
        let call = server.calls().remove(0);
        assert_eq!(call.header("authorization"), Some("Bearer s3cret"));
        assert_eq!(call.header("crossdock-partner"), Some("harbor-and-pine"));
        assert_eq!(call.header("idempotency-key"), Some(&*format!("{delivered}-push")));
        assert_eq!(call.json()["number"], "PO-1");
        let kept = house.gateway.store().call_results(&delivered).unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!(house.gateway.store().payload(kept[0].result).unwrap(), br#"{"id":7}"#);
        house.close().await;
    });
}
