# A posted invoice of what was shipped becomes an invoice. Ship-to, department, terms and item numbers are the order's.

def domain: tojson | @base64 | gsub("\\+"; "-") | gsub("/"; "_");
def pad($width): tostring | ("0" * ([$width - length, 0] | max) // "") + .;
def date: if . == null then null else "\(.year | pad(4))-\(.month | pad(2))-\(.day | pad(2))" end;

# Moments of Tryton are UTC; seconds since 1970 and back.
def seconds: [.year, .month - 1, .day, .hour, .minute, .second, 0, 0] | mktime;
def moment: gmtime | {__class__: "datetime", year: .[0], month: (.[1] + 1), day: .[2],
  hour: .[3], minute: .[4], second: (.[5] | floor), microsecond: 0};

def page: 100;
def party_code: $settings.parties[$partner]
  // error("no party of Tryton is known for the partner \($partner); add it to settings.parties");

def request: {
  path: "/account.invoice",
  query: {
    f: ["number", "state", "type", "write_date", "invoice_date", "total_amount", "currency.code",
      "lines.type", "lines.origin", "lines.quantity", "lines.unit.symbol", "lines.unit_price",
      "lines.stock_moves.id",
      "sales.reference", "sales.lines.sequence", "sales.shipments.number", "sales.shipments.reference",
      "sales.shipments.effective_date", "sales.shipments.outgoing_moves.id"],
    d: ([["type", "=", "out"], ["state", "in", ["posted", "paid"]], ["party.code", "=", party_code],
      ["write_date", ">=", (($cursor.since // 0) - 600 | if . < 0 then 0 end | moment)]] | domain),
    o: ([["write_date", "ASC"], ["id", "ASC"]] | domain),
    s: page,
    p: ($cursor.skip // 0)
  }
};

# Behind a full page the same look goes on; at its end the next one begins at the last moment that was seen.
def is_full: length == page;
def next: ([.[].write_date | select(.) | seconds] | max) as $last
  | ([$last, $cursor.seen, $cursor.since] | max) as $seen
  | if is_full then {since: $cursor.since, skip: (($cursor.skip // 0) + page), seen: $seen}
    else {since: $seen, skip: 0, seen: null} end;

# 24.0 becomes "24".
def quantity: if . == floor then floor else . end | tostring;

# The line of the order that a line of the sale was made of: by the sequence that it was given.
def order_line($sale): (.origin | split(",") | .[1] | tonumber) as $id
  | first($sale.lines[] | select(.id == $id) | .sequence) as $sequence
  | $orders[$sale.reference].lines[$sequence - 1]
  // error("line \($id) of the sale \($sale.reference) is none of the order that was received");

# Our unit for Tryton's.
def our_unit($line): . as $symbol
  | if $settings.units[$line.unit // "-"] == $symbol then $line.unit
    else first($settings.units | to_entries[] | select(.value == $symbol) | .key)
      // error("no unit of ours is known for \($symbol); add it to settings.units") end;

def orders: [.sales[].reference | select(.)] | unique[];
def amount: .decimal;

def invoice:
  . as $invoice
  | (if (.total_amount.decimal | tonumber) < 0
     then error("\(.number) is a credit note, which is for a person: a credit memo was not agreed") end)
  | ([orders] | if length == 1 then .[0]
      else error("the invoice \($invoice.number) is for \(length) sales with a reference; an 810 is for one") end) as $number
  | ($orders[$number] // error("the order \($number) was not received from \($partner)")) as $order
  | first(.sales[] | select(.reference == $number)) as $sale
  | [.lines[] | select(.type == "line" and .quantity != 0)] as $lines
  | [$lines[].stock_moves[].id] as $moves
  | ([$sale.shipments[] | select(any(.outgoing_moves[]; .id as $id | any($moves[]; . == $id)))] | sort_by(.id)) as $shipments
  | {
    document: "invoice",
    date: (.invoice_date | date),
    number: .number,
    order: $number,
    order_date: $order.date,
    department: $order.department,
    vendor_number: $order.vendor_number,
    bill_of_lading: ($shipments[0] | if . == null then null else .reference // "SH-\(.number)" end),
    ship_to: $order.ship_to,
    terms: (if $order.terms then [$order.terms[0]] else null end),
    shipped: ([$shipments[].effective_date | date] | max | if . == null then null else {date: .} end),
    lines: [$lines[] | order_line($sale) as $line | {
      number: $line.number,
      quantity: (.quantity | quantity),
      unit: (.unit.symbol | our_unit($line)),
      price: (.unit_price | amount),
      items: $line.items
    }],
    total: (.total_amount | amount)
  }
  | with_entries(select(.value != null));
