# A shipment that has left becomes a ship notice. What Tryton does not hold (ship-to id, department, UPC) is the order's.

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

# Done is done: before, quantities and packages may still change.
def request: {
  path: "/stock.shipment.out",
  query: {
    f: ["number", "state", "create_date", "write_date", "effective_date", "reference", "customer.code", "carrier.party.name",
      "outgoing_moves.id", "outgoing_moves.state", "outgoing_moves.quantity", "outgoing_moves.unit.symbol",
      "outgoing_moves.origin", "outgoing_moves.product.code", "outgoing_moves.sale.reference",
      "outgoing_moves.sale.lines.sequence",
      "packages.id", "packages.number", "packages.type.name", "packages.parent", "packages.shipping_reference",
      "packages.moves.id"],
    d: ([["state", "=", "done"], ["customer.code", "=", party_code],
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

# Extension digit, company prefix, serial, check digit.
def sscc: "\($settings.sscc_prefix)\(pad(17 - ($settings.sscc_prefix | length)))" as $digits
  | ([$digits | explode | reverse | to_entries[] | (.value - 48) * (if .key % 2 == 0 then 3 else 1 end)] | add) as $sum
  | "\($digits)\((10 - $sum % 10) % 10)";

# What stands on the label: an SSCC where it looks like one, else the carrier's tracking number.
def with_identifier: {sscc: "\($settings.sscc_identifier)\(.)"};
def marks_of: (.shipping_reference // "") as $text
  | if ($text | test("^(00)?[0-9]{18}$")) then ($text[-18:] | with_identifier)
    else (if $text == "" then {} else {tracking: $text} end)
      + (if $settings.sscc_prefix == "" then {} else (.id | sscc | with_identifier) end) end;

def kind: .type.name | ascii_downcase | if test("pallet") then "tare" else "pack" end;

def shipped: [.outgoing_moves[] | select(.quantity > 0)];
def orders: [shipped[].sale.reference | select(.)] | unique[];

def shipment:
  . as $shipment
  | [orders] as $numbers
  | (if $numbers == [] then error("the shipment \(.number) is for no sale with a reference") end)
  | (.packages | sort_by(.id)) as $packages
  | ([$packages | to_entries[] | {(.value.id | tostring): (.key + 1)}] | add // {}) as $place
  | $orders[$numbers[0]] as $order
  | ([$packages[] | select(kind == "pack")] | length) as $cartons
  | (.reference // "SH-\(.number)") as $lading
  | {
    document: "shipment",
    purpose: "original",
    number: "SH-\(.number)",
    date: (.create_date | date),
    time: "\(.create_date.hour | pad(2)):\(.create_date.minute | pad(2))",
    structure_code: "0001",
    bill_of_lading: $lading,
    shipped: {date: (.effective_date | date)},
    ship_to: $order.ship_to,
    orders: [$numbers[] as $number | $orders[$number]
      // error("the order \($number) was not received from \($partner)")
      | {number: $number, date, department, vendor_number} | with_entries(select(.value != null))],
    packages: [$packages[] | {kind: kind, parent: (if .parent then $place[.parent | tostring] else null end)} + marks_of
      | with_entries(select(.value != null))],
    contents: [shipped[] | . as $move | order_line(.sale) as $line | {
      order: ((.sale.reference as $number | $numbers | index($number)) + 1),
      packages: [$packages[] | select(any(.moves[]; .id == $move.id)) | $place[.id | tostring]],
      line: $line.number,
      items: $line.items,
      quantity: (.quantity | quantity),
      unit: (.unit.symbol | our_unit($line))
    }]
  }
  + (if $cartons > 0 then {loads: [{packaging: "CTN25", packages: $cartons}]} else {} end)
  + (if .carrier == null then {} else {routing: [{sequence: "B", carrier_kind: "scac", carrier:
      ($settings.carriers[.carrier.party.name]
        // error("no SCAC is known for the carrier \(.carrier.party.name); add it to settings.carriers")),
      method: "motor"}]} end)
  | with_entries(select(.value != null));
