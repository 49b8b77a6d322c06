//! What was set aside because a profile or map lacked something is processed when it comes again after the mend; what
//! had its effect already has none again.

use crossdock::store::{Event, Outcome};

use super::house::{CONFIG, House, PROFILE, multi, order};

const ORDERS: &str = "warehouse/harbor-and-pine/orders";
const INVOICES: &str = "warehouse/harbor-and-pine/invoices";
const OUTBOUND: &str = "mailboxes/harbor-and-pine/outbound";

/// Drops a file under two profiles, one after the other, and then once more.
fn dropped_before_and_after(before: &str, config: &str, after: &str, text: &str, delivered: &str) {
    multi().block_on(async {
        let mut house = House::with(CONFIG, before);
        house.drop_inbound("early.edi", text);
        house.wait(Event::InterchangeQuarantined).await;
        let folder = house.close().await;

        let mut house = House::within(folder, config, after);
        house.drop_inbound("mended.edi", text);
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("again.edi", text);
        house.wait(Event::InterchangeDuplicate).await;
        assert_eq!(house.outcomes(), [Outcome::Quarantined, Outcome::Accepted, Outcome::Duplicate]);
        assert_eq!(house.names(delivered).len(), 1);
        assert!(house.names(OUTBOUND).len() <= 1, "it is answered once");
        house.close().await;
    });
}

#[test]
fn an_order_that_the_profile_did_not_take_in_is_processed_after_the_mend() {
    let before = PROFILE.replace("direction = \"in\"", "direction = \"in\"\nstate = \"off\"");
    dropped_before_and_after(&before, CONFIG, PROFILE, &order(1, "PO-1"), ORDERS);
}

#[test]
fn a_test_order_that_had_no_endpoint_is_processed_after_the_mend() {
    let config = format!("{CONFIG}\n[endpoints.rehearsal]\nfolder = \"rehearsal\"\n");
    let after = format!("test_endpoint = \"rehearsal\"\n{PROFILE}");
    let text = order(1, "PO-1").replace("*0*P*>", "*0*T*>");
    let orders = "rehearsal/harbor-and-pine/orders";
    dropped_before_and_after(PROFILE, &config, &after, &text, orders);
}

#[test]
fn a_set_that_had_no_map_is_processed_once_there_is_one() {
    multi().block_on(async {
        let mut house = House::without_maps();
        house.drop_inbound("early.edi", &order(1, "PO-1"));
        house.wait(Event::InterchangeQuarantined).await;
        let folder = house.close().await;

        let mut house = House::within(folder, CONFIG, PROFILE);
        house.drop_inbound("mended.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("again.edi", &order(1, "PO-1"));
        house.wait(Event::InterchangeDuplicate).await;
        assert_eq!(house.names(ORDERS).len(), 1);
        assert_eq!(house.names(OUTBOUND).len(), 1, "it is answered once");
        house.close().await;
    });
}

#[test]
fn of_a_mixed_interchange_only_what_was_set_aside_is_processed_after_the_mend() {
    let invoice = "GS*IN*6125550100*NORTHDOCK3PL*20261119*1412*2*X*004010~ST*810*0002~\
        BIG*20261120*INV-1*20261119*PO-1~IT1*1*2*EA*1.50**VN*A-1~TDS*300~CTT*1~SE*6*0002~GE*1*2~";
    let text = order(1, "PO-1").replace("IEA*1*", &format!("{invoice}IEA*2*"));
    let deliver_again = PROFILE.replace("documents = \"record\"", "documents = \"deliver\"");
    multi().block_on(async {
        let mut house = House::with(CONFIG, &deliver_again);
        house.drop_inbound("early.edi", &text);
        house.wait(Event::DocumentQuarantined).await;
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::InterchangeSent).await;
        assert_eq!(house.outcomes(), [Outcome::Accepted]);
        let folder = house.close().await;

        let (start, end) = deliver_again.split_once("[documents.invoice]").unwrap();
        let end = end.replacen("\"out\"", "\"in\"", 1);
        let mut house = House::within(folder, CONFIG, &format!("{start}[documents.invoice]{end}"));
        house.drop_inbound("mended.edi", &text);
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("again.edi", &text);
        house.wait(Event::InterchangeDuplicate).await;
        assert_eq!((house.names(ORDERS).len(), house.names(INVOICES).len()), (1, 1));
        assert_eq!(house.names(OUTBOUND).len(), 1, "it is answered once");
        house.close().await;
    });
}
