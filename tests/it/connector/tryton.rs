//! The connector to Tryton, with a real one; see [`super::lab`].

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use crossdock::store::{DocumentState, Event};
use serde_json::Value;

use super::lab::{Lab, fresh, is_sold_once, order_of, ship};
use super::server::{Reply, Server, forward};
use super::trials::{died, finished, yard};
use crate::house::{House, PROFILE, multi};
use crate::kill::{Dice, start_in};

#[test]
fn an_order_becomes_one_sale_through_a_line_that_fails() {
    let Some(lab) = Lab::find() else { return };
    for seed in 0..3 {
        let dice = Mutex::new(Dice(seed * 0x9E37_79B9 + 7));
        let address = lab.address.clone();
        let line = Server::start(move |call| match dice.lock().unwrap().below(10) {
            0 => Reply::status("500 Internal Server Error"),
            1 => Reply::status("429 Too Many Requests\r\nretry-after: 0"),
            2 => Reply::Nothing,
            3 | 4 => {
                // It is done there, and nobody hears of it.
                forward(call, &address);
                Reply::Nothing
            }
            _ => forward(call, &address),
        });
        let number = fresh("LINE");
        multi().block_on(async {
            let config = lab.config(&format!("{}/wms", line.url()));
            let mut house = House::within(lab.folder(), &config, PROFILE);
            house.drop_inbound("order.edi", &order_of(&number));
            house.wait(Event::DocumentDelivered).await;
            house.close().await;
        });
        is_sold_once(&lab, &number);
    }
}

#[test]
fn killed_at_any_call_an_order_becomes_one_sale() {
    let Some(lab) = Lab::find() else { return };
    for count in 1..=12 {
        let number = fresh("KILL");
        let settings = lab.settings(&lab.url());
        let connector = Lab::connector();
        let files = [("connector.toml", connector.as_str())];
        let yard = yard("tryton", &files, &settings, &order_of(&number));
        fs::write(yard.path().join("key"), &lab.key).unwrap();
        let point = if count % 2 == 0 { "call.after" } else { "keep.before" };
        let trial = format!("die {point} {}", if count % 2 == 0 { count } else { count / 2 + 1 });
        died(yard.path(), start_in(yard.path(), &trial), &trial);
        assert_eq!(finished(yard.path()), DocumentState::Delivered, "{trial}");
        is_sold_once(&lab, &number);
    }
}

#[test]
fn what_tryton_does_not_know_is_held_before_anything_is_made() {
    let Some(lab) = Lab::find() else { return };
    let number = fresh("HELD");
    let strange = order_of(&number).replace("SKU-BLU-02", "SKU-GREEN-99");
    let unit = order_of(&number).replace("*36*EA*", "*36*CA*");
    for (text, words) in [
        (strange, "step products: Tryton has no product with the code SKU-GREEN-99"),
        (unit, "line 2: no unit of Tryton is known for case"),
    ] {
        multi().block_on(async {
            let mut house = House::within(lab.folder(), &lab.config(&lab.url()), PROFILE);
            house.drop_inbound("order.edi", &text);
            let parked = house.wait(Event::WorkParked).await;
            assert!(parked.entry.note.starts_with(words), "{}", parked.entry.note);
            house.close().await;
        });
    }
    assert_eq!(lab.sales(&number), Vec::<Value>::new());
}

#[test]
fn what_is_shipped_and_invoiced_in_tryton_goes_to_the_partner_once() {
    let Some(lab) = Lab::find() else { return };
    let number = fresh("SHIP");
    let profile = PROFILE.replace(r#""order", "pack""#, r#""order", "tare", "pack""#);
    multi().block_on(async {
        let mut house = House::within(lab.folder(), &lab.config(&lab.url()), &profile);
        house.drop_inbound("order.edi", &order_of(&number));
        house.wait(Event::DocumentDelivered).await;
        tokio::task::block_in_place(|| ship(&lab, &number));
        house.gateway.look_now();
        let mut sent = Vec::new();
        for _ in 0..2 {
            let is_sent = |r: &crossdock::store::JournalRecord| !r.entry.subject.contains("ack");
            let record = house.wait_for(Event::InterchangeSent, |r| {
                is_sent(r)
                    && (r.entry.subject.contains("shipment") || r.entry.subject.contains("invoice"))
            });
            let name = record.await.entry.subject;
            sent.push(
                fs::read_to_string(house.path("mailboxes/harbor-and-pine/outbound").join(name))
                    .unwrap(),
            );
        }
        let notice = sent.iter().find(|text| text.contains("ST*856*")).unwrap();
        let invoice = sent.iter().find(|text| text.contains("ST*810*")).unwrap();
        println!("{notice}\n{invoice}");
        for part in [
            &format!("PRF*{number}***20261119"),
            "REF*DP*0482",
            "*T~",
            "*P~",
            "SN1**24*EA",
            "SN1**36*EA",
            "UP*614141001019",
            "TD5*B*2*UPSN",
            "N1*ST*HARBOR & PINE STORE 0417*92*0417",
            "1Z999AA10000000002",
        ] {
            assert!(notice.contains(part), "{part}");
        }
        assert_eq!(notice.matches("MAN*GM*0000614141").count(), 4);
        for part in [
            &format!("*20261119*{number}"),
            "IT1*1*24*EA*12.50",
            "IT1*2*36*EA*4.75",
            "TDS*81900",
            "REF*BM*SH-",
        ] {
            assert!(invoice.contains(part), "{part}");
        }
        // What comes again with the next looks is known.
        let before = house.names("mailboxes/harbor-and-pine/outbound");
        let folder = house.close().await;
        let mut house = House::within(folder, &lab.config(&lab.url()), &profile);
        house
            .drop_inbound("order.edi", &order_of(&fresh("NEXT")).replace("000000001", "000000002"));
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::InterchangeSent).await;
        assert_eq!(house.names("mailboxes/harbor-and-pine/outbound").len(), before.len() + 1);
        house.close().await;
    });
}

#[test]
fn an_order_waits_for_a_tryton_that_is_stopped() {
    let Some(lab) = Lab::find() else { return };
    let number = fresh("STOP");
    multi().block_on(async {
        let mut house = House::within(lab.folder(), &lab.config(&lab.url()), PROFILE);
        house.drop_inbound("order.edi", &order_of(&number));
        // Dead at the first record of a step: nothing more is heard until it is started again.
        house.wait(Event::StepDone).await;
        lab.kill();
        house.wait(Event::AttemptFailed).await;
        lab.start();
        tokio::time::timeout(Duration::from_mins(2), house.wait(Event::DocumentDelivered))
            .await
            .unwrap();
        house.close().await;
    });
    is_sold_once(&lab, &number);
}
