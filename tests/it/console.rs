//! What the gateway tells over HTTP to those who run it.

use std::sync::Arc;

use crossdock::console;
use crossdock::exceptions::Action;
use crossdock::store::Event;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::exceptions::deed;
use super::house::{House, multi, order};

/// Status and body of a GET.
async fn get(address: std::net::SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
}

#[test]
fn health_readiness_and_metrics_are_told() {
    multi().block_on(async {
        let mut house = House::open();
        let (stopper, stop) = watch::channel(false);
        let listener = console::open("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(console::serve(Arc::clone(&house.gateway), listener, stop));

        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::InterchangeSent).await;
        assert_eq!(get(address, "/healthz").await, ("200".to_owned(), "ok\n".to_owned()));
        let (_, metrics) = get(address, "/metrics").await;
        for line in [
            "crossdock_events_total{event=\"document_received\",partner=\"harbor-and-pine\",document=\"850\"} 1",
            "crossdock_events_total{event=\"document_delivered\",partner=\"harbor-and-pine\",document=\"order\"} 1",
            "crossdock_answer_seconds_count{partner=\"harbor-and-pine\"} 1",
            "crossdock_delivery_seconds_count{partner=\"harbor-and-pine\"} 1",
            "crossdock_work_parked 0",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
        for name in ["crossdock_database_bytes ", "crossdock_room_bytes "] {
            let told = metrics.lines().find_map(|line| line.strip_prefix(name)).expect(name);
            assert!(told.parse::<i64>().unwrap() > 0, "{name}{told}");
        }
        // An exception counts as long as it is open.
        house.drop_inbound("bad.edi", &order(2, "PO-2").replace("PO1*1*24*EA", "PO1*1*ten*EA"));
        let raised = house.raised().await;
        let open = "crossdock_exceptions_open{partner=\"harbor-and-pine\",severity=\"high\"}";
        let (_, metrics) = get(address, "/metrics").await;
        assert!(metrics.contains(&format!("{open} 1\n")), "{metrics}");
        house.does(raised.id, &deed(Action::Dismiss)).unwrap();
        let (_, metrics) = get(address, "/metrics").await;
        assert!(!metrics.contains(open), "{metrics}");
        house.does(raised.id, &deed(Action::Reopen)).unwrap();
        let (_, metrics) = get(address, "/metrics").await;
        assert!(metrics.contains(&format!("{open} 1\n")), "{metrics}");
        let (code, status) = get(address, "/status").await;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        assert_eq!((code.as_str(), &status["running"]), ("200", &true.into()));
        assert_eq!(get(address, "/nothing").await.0, "404");
        // Every place has been looked into by the time that the order is delivered, but perhaps not noted yet.
        let (code, missing) = get(address, "/readyz").await;
        assert!(code == "200" || missing.contains("not looked into yet"), "{code} {missing}");
        stopper.send(true).unwrap();
        serving.await.unwrap().unwrap();
        house.close().await;
    });
}
